#!/bin/sh
# Copies a UTC day of samples and roll-ups, and the inventory as it is now, into a Citus cluster.
#
#   DATABASE_URL=… CITUS_URL=… sh docker/citus/copy_day.sh 2026-01-31
#
# DATABASE_URL is the pipeline's PostgreSQL, CITUS_URL the coordinator that distribute.sql was run on.
# The day must still be in PostgreSQL (else `manage.py restoreday`). All or nothing; a day that is
# copied again is replaced.
set -eu
from="$(date --utc --date "$1" +%Y-%m-%d) 00:00Z"
to="$(date --utc --date "$1 + 1 day" +%Y-%m-%d) 00:00Z"
month="$(date --utc --date "$1" +%Y-%m-01) 00:00Z"
next_month="$(date --utc --date "$(date --utc --date "$1" +%Y-%m-01) + 1 month" +%Y-%m-01) 00:00Z"

query() {
  psql "$DATABASE_URL" --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --command="$1"
}
# The rows of a table, or of a SELECT, as a statement that stores them.
copy() {
  echo "COPY $1 FROM STDIN;"
  query "COPY ${2:-$1} TO STDOUT"
  echo '\.'
}
# The rows of that day; the partition that holds it lasts from $3 to $4.
day_of() {
  echo "CREATE TABLE IF NOT EXISTS $1_$2 PARTITION OF $1 FOR VALUES FROM ('$3') TO ('$4');"
  echo "DELETE FROM $1 WHERE timestamp >= '$from' AND timestamp < '$to';"
  copy "$1" "(SELECT * FROM $1 WHERE timestamp >= '$from' AND timestamp < '$to')"
}

day=$(date --utc --date "$1" +%Y%m%d)
# What fails to be read ends the script that psql gets before its COMMIT.
result=$({
  echo 'BEGIN;'
  echo 'DELETE FROM telemetry_gpu; DELETE FROM telemetry_host; DELETE FROM telemetry_cluster;'
  copy telemetry_cluster
  copy telemetry_host
  copy telemetry_gpu
  day_of telemetry_sample "$day" "$from" "$to"
  day_of telemetry_rollup_1m "$day" "$from" "$to"
  day_of telemetry_rollup_1h "${day%??}" "$month" "$next_month"
  echo 'COMMIT;'
  printf '%s\n' '\echo copied'
} | psql "$CITUS_URL" --no-psqlrc --quiet --set=ON_ERROR_STOP=1)
[ "$result" = copied ]
