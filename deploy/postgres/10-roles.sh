#!/bin/sh
# Run once by the PostgreSQL image on an empty data directory.
set -eu
psql --username "$POSTGRES_USER" --dbname postgres --no-psqlrc \
    -v database=patchbay \
    -v owner=patchbay_owner -v owner_password="$PATCHBAY_OWNER_PASSWORD" \
    -v runtime=patchbay_runtime -v runtime_password="$PATCHBAY_RUNTIME_PASSWORD" \
    -f /patchbay/roles.sql
