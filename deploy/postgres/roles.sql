-- The two roles of Patchbay and its database, for psql:
--
--   psql "$SUPERUSER_URL" -v database=patchbay -v owner=patchbay_owner -v owner_password=... \
--        -v runtime=patchbay_runtime -v runtime_password=... -f roles.sql
--
-- The owner migrates and is used by nothing else. The runtime role owns nothing, so row-level security binds it.

\set ON_ERROR_STOP on

create role :"owner" login password :'owner_password' nosuperuser nocreatedb nocreaterole nobypassrls;
create role :"runtime" login password :'runtime_password' nosuperuser nocreatedb nocreaterole nobypassrls;
create database :"database" owner :"owner";
revoke all on database :"database" from public;
grant connect on database :"database" to :"runtime";

\connect :"database"
revoke create on schema public from public;
grant usage, create on schema public to :"owner";
grant usage on schema public to :"runtime";
alter default privileges for role :"owner" in schema public
    grant select, insert, update, delete on tables to :"runtime";
alter default privileges for role :"owner" in schema public
    grant usage, select on sequences to :"runtime";
