-- Distributes the tables of telemetry over the workers of a Citus cluster.
--
-- A cluster for SQL over more history than one machine holds, which docker/citus/copy_day.sh fills
-- day by day. The pipeline itself keeps its own PostgreSQL (docs/operating.md). Run it once on the
-- coordinator, as the owner of the database, after
-- `DATABASE_URL=<the coordinator> python manage.py migrate`; the nodes are those of compose.yml:
--
--   psql "$CITUS_URL" --set=ON_ERROR_STOP=1 --file=docker/citus/distribute.sql
--
-- A GPU's samples lie on one worker with its minutes and hours, so that a query of one GPU asks one
-- worker. The inventory is on every worker, so that joins stay there.
CREATE EXTENSION IF NOT EXISTS citus;
SELECT citus_set_coordinator_host('coordinator', 5432);
SELECT citus_add_node('worker-1', 5432);
SELECT citus_add_node('worker-2', 5432);

BEGIN;
SELECT create_reference_table('telemetry_cluster');
SELECT create_reference_table('telemetry_host');
SELECT create_reference_table('telemetry_gpu');
SELECT create_distributed_table('telemetry_sample', 'gpu_id', shard_count => 32);
SELECT create_distributed_table('telemetry_rollup_1m', 'gpu_id', colocate_with => 'telemetry_sample');
SELECT create_distributed_table('telemetry_rollup_1h', 'gpu_id', colocate_with => 'telemetry_sample');
COMMIT;

SELECT table_name, citus_table_type, distribution_column, shard_count FROM citus_tables;
