-- Distributes the tables of telemetry over the workers of a Citus cluster.
--
-- Not run on the development machine, which has no Citus. Run it once on the coordinator, as the
-- owner of the database, after `manage.py migrate` and before anything is stored:
--
--   psql "$DATABASE_URL" --set=ON_ERROR_STOP=1 --file=docker/citus/distribute.sql
--
-- A GPU's samples lie on one worker, so that every read of one GPU asks one worker, and a batch
-- commits on those it touches. The inventory is on every worker, so that joins stay there.
CREATE EXTENSION IF NOT EXISTS citus;
SELECT citus_set_coordinator_host('coordinator', 5432);
SELECT citus_add_node('worker-1', 5432);
SELECT citus_add_node('worker-2', 5432);

BEGIN;
SELECT create_reference_table('telemetry_cluster');
SELECT create_reference_table('telemetry_host');
SELECT create_reference_table('telemetry_gpu');
SELECT create_distributed_table('telemetry_sample', 'gpu_id', shard_count => 32);
SELECT create_distributed_table('telemetry_latestsample', 'gpu_id', colocate_with => 'telemetry_sample');
SELECT create_distributed_table('telemetry_rollup_1m', 'gpu_id', colocate_with => 'telemetry_sample');
SELECT create_distributed_table('telemetry_rollup_1h', 'gpu_id', colocate_with => 'telemetry_sample');
COMMIT;

SELECT table_name, citus_table_type, distribution_column, shard_count FROM citus_tables;
