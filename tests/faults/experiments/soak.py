"""Everything at random for as long as one likes."""

import os
import signal
import time

from tests.faults.experiment import Experiment
from tests.faults.experiments.postgresql import cut_connections, kill_server
from tests.faults.world import World


def soak(world: World) -> None:
    """One fault after the other, drawn by the seed; streamers get new files all the time."""
    ends_at = time.monotonic() + world.scale.soak_s
    while time.monotonic() < ends_at:
        world.rest(world.fleet.draw.uniform(0.5, 4.0))
        world.fleet.draw.choice(FAULTS)(world)
        if not world.fleet.streaming:
            world.fleet.start_streamers()


def _collector(world: World) -> None:
    world.fleet.kill_a_collector()


def _collector_paused(world: World) -> None:
    sleeper = world.fleet.draw.choice(world.fleet.collectors)
    os.kill(sleeper.pid, signal.SIGSTOP)
    world.rest(2.0 * world.scale.lease_s)
    os.kill(sleeper.pid, signal.SIGCONT)


def _streamer(world: World) -> None:
    world.fleet.kill_a_streamer()


def _etcd(world: World) -> None:
    with world.fault():
        world.etcd.kill(0)
        world.etcd.restart(0)


FAULTS = (_collector, _collector_paused, _streamer, _etcd, kill_server, cut_connections)

EXPERIMENTS = [
    # Faults come upon faults here: a record may wait through several of them.
    Experiment("soak", "24", soak, publish_limit_s=30.0, store_limit_s=60.0)
]
