"""Streamers that die in the middle of a file."""

from tests.faults.experiment import Experiment
from tests.faults.world import World


def killed(world: World) -> None:
    """SIGKILL to one of them every second; it starts its file again."""
    for _ in range(int(world.scale.load_s * 0.6)):
        world.rest(1.0)
        world.fleet.kill_a_streamer()


EXPERIMENTS = [Experiment("streamer-killed", "4", killed)]
