#!/bin/sh
# Runs once, when the data volume is empty, after the shop's schema: the role that ingest reads with. It may read the
# tables and follow the log, and write nothing; the publication is made by the schema, because that needs an owner.
set -eu
psql --set=ON_ERROR_STOP=1 --set=password="$INGEST_PASSWORD" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
create role ingest login replication password :'password';
grant usage on schema public to ingest;
grant select on all tables in schema public to ingest;
alter default privileges in schema public grant select on tables to ingest;
SQL
