"""etcd members that die, pause, restart, or are compacted and defragmented under load."""

import time

from apps.mq.etcd.client import EtcdClient
from apps.mq.etcd.protos import rpc_pb2
from tests.faults.experiment import Experiment
from tests.faults.scale import Needs
from tests.faults.world import World

THREE = Needs(members=3)
KILLS = 20


def follower_killed(world: World) -> None:
    """SIGKILL to a follower; later it comes back."""
    world.rest(2.0)
    follower = (world.etcd.leader() + 1) % 3
    world.etcd.kill(follower)
    world.rest(6.0)
    world.etcd.restart(follower)


def leader_killed(world: World) -> None:
    """SIGKILL to the leader, twice; it comes back as a follower."""
    for _ in range(2):
        world.rest(2.0)
        kill_leader(world, away_s=4.0)


def kill_leader(world: World, away_s: float) -> None:
    """The others go on without it for so long."""
    leader = world.etcd.leader()
    world.etcd.kill(leader)
    world.rest(away_s)
    world.etcd.restart(leader)


def all_killed(world: World) -> None:
    """SIGKILL to every member at once, then all start again."""
    world.rest(2.0)
    with world.fault():
        for member in range(3):
            world.etcd.kill(member)
        world.rest(1.0)
        for member in range(3):
            world.etcd.launch(member)
        world.etcd.wait_healthy()
    world.rest(3.0)


def killed_again_and_again(world: World) -> None:
    """SIGKILL to the only member, twenty times under load."""
    for _ in range(KILLS):
        world.rest(0.5 + world.fleet.draw.random())
        with world.fault():
            world.etcd.kill(0)
            world.etcd.restart(0)


def leader_paused(world: World) -> None:
    """SIGSTOP to the leader for ten seconds; it wakes up believing that it leads."""
    world.rest(2.0)
    leader = world.etcd.leader()
    world.etcd.pause(leader)
    world.rest(10.0)
    world.etcd.resume(leader)
    world.rest(2.0)


def rolling_restart(world: World) -> None:
    """Every member is stopped in order and started again, one after the other."""
    for member in range(3):
        world.rest(2.0)
        world.etcd.restart(member)
    world.rest(2.0)


def compacted_under_load(world: World) -> None:
    """Compaction of everything and defragmentation, again and again."""
    client = EtcdClient(world.config)
    ends_at = time.monotonic() + world.scale.load_s
    while time.monotonic() < ends_at:
        revision = client.status().header.revision
        client.call(lambda e: e.kv.Compact, rpc_pb2.CompactionRequest(revision=revision))
        world.rest(0.5)
        client.call(lambda e: e.maintenance.Defragment, rpc_pb2.DefragmentRequest(), timeout_s=30)
        world.rest(0.5)
    client.close()


EXPERIMENTS = [
    Experiment("etcd-follower-killed", "6", follower_killed, THREE, publish_limit_s=3.0),
    Experiment("etcd-leader-killed", "6", leader_killed, THREE, publish_limit_s=3.0),
    Experiment("etcd-all-killed", "7", all_killed, THREE, publish_limit_s=10.0),
    Experiment(
        "etcd-single-killed-20-times", "8", killed_again_and_again, publish_limit_s=10.0,
        store_limit_s=10.0,
    ),
    Experiment("etcd-leader-paused", "9", leader_paused, THREE),
    Experiment("etcd-rolling-restart", "23", rolling_restart, THREE),
    Experiment("etcd-compacted-under-load", "17", compacted_under_load, publish_limit_s=2.0),
]  # fmt: skip
