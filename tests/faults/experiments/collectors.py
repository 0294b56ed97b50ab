"""Collectors that die, pause, leave and join."""

import os
import signal

from tests.faults.experiment import Experiment
from tests.faults.scale import Needs
from tests.faults.world import World


def killed(world: World) -> None:
    """SIGKILL to one of them every two seconds."""
    while world.fleet.streaming:
        world.rest(2.0)
        world.fleet.kill_a_collector()


def killed_before_ack(world: World) -> None:
    """The failpoint kills them between commit and acknowledgement; new ones take their place."""
    world.rest(world.scale.load_s)


def paused(world: World) -> None:
    """SIGSTOP to one for three times its lease, so that it wakes up with batches of others."""
    world.rest(2.0)
    sleeper = world.fleet.draw.choice(world.fleet.collectors)
    os.kill(sleeper.pid, signal.SIGSTOP)
    world.rest(3.0 * world.scale.lease_s)
    os.kill(sleeper.pid, signal.SIGCONT)
    world.rest(2.0)


def all_down(world: World) -> None:
    """Nobody collects for a while; the streamers go on."""
    world.rest(2.0)
    with world.fault():
        count = len(world.fleet.collectors)
        world.fleet.stop_collectors()
        world.rest(world.scale.load_s)
        for _ in range(count):
            world.fleet.start_collector()
        world.until(lambda: world.depth() < 1000, 60.0, "the backlog is drained")


EXPERIMENTS = [
    Experiment(
        "collector-killed", "1", killed,
        # The lease of one has not ended when the next is killed, which a record may then wait for.
        store_limit_s=8.0,
    ),
    Experiment(
        "collector-killed-before-ack", "2", killed_before_ack, Needs(points=("die-before-ack",)),
        store_limit_s=60.0,  # the next taker of a record may be killed as well, and the one after
    ),
    Experiment("collector-paused", "3", paused),
    Experiment("collectors-all-down", "5", all_down),
]  # fmt: skip
