"""Partitions, black holes, delays and lost replies between clients and members."""

from tests.faults.experiment import Experiment
from tests.faults.scale import Needs
from tests.faults.world import World

PROXIED = Needs(members=3, proxied=True)


def leader_cut_off(world: World) -> None:
    """The leader's link goes down; later it hears the others and none hears it."""
    for break_link in (world.network.cut, world.network.mute):
        world.rest(2.0)
        leader = world.etcd.leader()
        break_link(leader)
        world.rest(8.0)
        world.network.heal(leader)
    world.rest(2.0)


def endpoint_silent(world: World) -> None:
    """One endpoint after the other takes everything and answers nothing."""
    for proxy in world.proxies:
        proxy.blackhole()
        world.rest(6.0)
        proxy.heal()


def slow_and_broken(world: World) -> None:
    """200 ms ± 100 ms each way, then connections that are reset, then a stall."""
    for proxy in world.proxies:
        proxy.delay(0.2, 0.1)
    world.rest(6.0)
    for _ in range(5):
        for proxy in world.proxies:
            proxy.reset()
        world.rest(1.0)
    for proxy in world.proxies:
        proxy.heal()
    with world.fault():
        for proxy in world.proxies:
            proxy.blackhole()
        world.rest(3.0)
        for proxy in world.proxies:
            proxy.heal()
    world.rest(2.0)


def replies_lost(world: World) -> None:
    """etcd commits and its answers never arrive; then the connections break."""
    for _ in range(3):
        world.rest(2.0)
        lose_replies(world)
    world.rest(2.0)


def lose_replies(world: World) -> None:
    """For a second."""
    with world.fault():
        for proxy in world.proxies:
            proxy.swallow_replies()
        world.rest(1.0)
        for proxy in world.proxies:
            proxy.heal()


EXPERIMENTS = [
    Experiment(
        "network-leader-cut-off", "10", leader_cut_off, Needs(members=3, networked=True),
        requires_root=True,
    ),
    Experiment("network-endpoint-silent", "12", endpoint_silent, PROXIED),
    Experiment("network-slow-and-broken", "11", slow_and_broken, PROXIED, 10.0, 10.0),
    Experiment("network-replies-lost", "13", replies_lost, Needs(proxied=True), 6.0),
]  # fmt: skip
