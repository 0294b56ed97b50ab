"""PostgreSQL that dies, drops connections, is locked or has no room."""

from tests.faults.disk import fill
from tests.faults.experiment import Experiment
from tests.faults.world import World

KILLS = 3
DISK_MIB = 600
# The collectors' pause between attempts grows to 5 s; PostgreSQL's recovery comes before it.
RESUME_S = 15.0


def killed(world: World) -> None:
    """SIGKILL to the server, again and again."""
    for _ in range(KILLS):
        world.rest(3.0)
        kill_server(world)
    world.rest(2.0)


def kill_server(world: World) -> None:
    """SIGKILL; it recovers and serves again when this returns."""
    with world.fault():
        world.stack.postgres.child.kill()
        world.stack.postgres.restart()


def connections_cut(world: World) -> None:
    """pg_terminate_backend for everybody, every second."""
    for _ in range(8):
        world.rest(1.0)
        cut_connections(world)


def cut_connections(world: World) -> None:
    """End every other session."""
    with world.database() as database:
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def locked(world: World) -> None:
    """Somebody holds a lock on the table for longer than a lease."""
    world.rest(2.0)
    with world.fault(), world.database(autocommit=False) as database:
        database.execute("LOCK TABLE telemetry_sample IN ACCESS EXCLUSIVE MODE")
        world.rest(max(10.0, 3.0 * world.scale.lease_s))
    world.rest(2.0)


def disk_full(world: World) -> None:
    """The disk of PostgreSQL's data is full for a while."""
    postgres = world.stack.postgres
    with world.fault():
        postgres.child.stop(20.0)
        world.move_to_small_disk(postgres.data, DISK_MIB)
        postgres.restart()
    world.rest(2.0)
    with world.fault():
        ballast = fill(postgres.data)
        world.rest(5.0)
        ballast.unlink()
        if not postgres.child.running:
            postgres.restart()
    world.rest(2.0)


EXPERIMENTS = [
    Experiment("postgresql-killed", "18", killed, store_limit_s=RESUME_S),
    Experiment("postgresql-connections-cut", "18", connections_cut, store_limit_s=RESUME_S),
    Experiment("postgresql-locked", "19", locked, store_limit_s=RESUME_S),
    Experiment("postgresql-disk-full", "19", disk_full, store_limit_s=RESUME_S, requires_root=True),
]
