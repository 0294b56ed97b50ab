"""etcd that has no room: its quota, and its disk."""

from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.errors import EtcdError, SpaceExceeded
from apps.mq.etcd.protos import rpc_pb2
from tests.faults.disk import fill
from tests.faults.experiment import Experiment
from tests.faults.scale import Needs
from tests.faults.world import World

# Some 25,000 records.
QUOTA = 16 << 20
PATIENCE_S = 120.0
DISARMED_IN_S = 60.0


def quota_reached(world: World) -> None:
    """Nobody collects and publishers believe in a larger quota, until etcd refuses every put."""
    with world.fault():
        count = len(world.fleet.collectors)
        world.fleet.stop_collectors()
        world.until(lambda: is_full(world), PATIENCE_S, "etcd is at its quota")
        for _ in range(count):
            world.fleet.start_collector()
        world.until(lambda: not is_full(world), DISARMED_IN_S, "etcd takes messages again")


def queue_full(world: World) -> None:
    """Nobody collects: publishers hold back before the quota is reached, and go on after it."""
    with world.fault():
        count = len(world.fleet.collectors)
        world.fleet.stop_collectors()
        world.rest(2 * world.scale.load_s)
        if not world.fleet.streaming:
            world.problems.append("the streamers were never held back")
        if is_full(world):
            world.problems.append("the streamers ran into the quota")
        for _ in range(count):
            world.fleet.start_collector()
        world.until(lambda: world.depth() < 1000, PATIENCE_S, "the backlog is drained")


def disk_full(world: World) -> None:
    """etcd's disk is full; it ends, and is started again when there is room."""
    world.rest(2.0)
    with world.fault():
        ballast = fill(world.etcd_disk)
        world.until(lambda: not world.etcd.running(0), PATIENCE_S, "etcd ends for lack of room")
        world.rest(2.0)
        ballast.unlink()
        world.etcd.restart(0)
    world.rest(2.0)


def is_full(world: World) -> bool:
    """Whether etcd refuses a put for lack of space."""
    client = EtcdClient(world.config)
    request = rpc_pb2.TxnRequest()
    put = request.success.add().request_put
    put.key, put.value = b"/faults/probe", b"x"
    try:
        client.txn(request)
    except SpaceExceeded:
        return True
    except EtcdError:
        return False
    finally:
        client.close()
    return False


EXPERIMENTS = [
    Experiment(
        "etcd-quota-reached", "14", quota_reached,
        Needs(quota_bytes=QUOTA, settings={"ETCD_QUOTA_BYTES": str(2 << 30)}),
        publish_limit_s=30.0, store_limit_s=30.0,  # what was held back fills it once more
    ),
    Experiment("etcd-queue-full", "14", queue_full, Needs(quota_bytes=QUOTA)),
    Experiment(
        "etcd-disk-full", "15", disk_full, Needs(etcd_disk_mib=400), 10.0, 10.0, requires_root=True
    ),
]  # fmt: skip
