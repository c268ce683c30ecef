"""Prints every row of a SQLite database in which one of the given UUIDs stands alone in a column, sorted.

usage: rows.py DATABASE UUID...
"""

import sqlite3
import sys
import uuid

path, *given = sys.argv[1:]
wanted = {form for text in given for form in (text, uuid.UUID(text).bytes)}
database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
tables = database.execute("select name from sqlite_master where type = 'table' and name not like '%_fts%'")
for (table,) in sorted(tables.fetchall()):
    rows = database.execute(f'select * from "{table}"').fetchall()
    for line in sorted(f"{table} {row!r}" for row in rows if wanted.intersection(row)):
        print(line)
