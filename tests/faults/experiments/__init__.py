"""The experiments by what they break."""

from collections.abc import Sequence

from tests.faults.experiment import Experiment
from tests.faults.experiments import (
    collectors,
    elastic,
    etcd_members,
    in_turn,
    memory,
    messages,
    networks,
    postgresql,
    sabotage,
    soak,
    space,
    streamers,
)


def _by_name(*rooms: Sequence[Experiment]) -> dict[str, Experiment]:
    return {experiment.name: experiment for room in rooms for experiment in room}


EXPERIMENTS = _by_name(
    collectors.EXPERIMENTS,
    streamers.EXPERIMENTS,
    elastic.EXPERIMENTS,
    etcd_members.EXPERIMENTS,
    networks.EXPERIMENTS,
    space.EXPERIMENTS,
    postgresql.EXPERIMENTS,
    messages.EXPERIMENTS,
    memory.EXPERIMENTS,
    soak.EXPERIMENTS,
)
# Some faults of these together: `make test` has no time for each.
TOGETHER = _by_name(in_turn.EXPERIMENTS)
# These must fail: a test says so, and `make faults` does not run them.
SABOTAGE = _by_name(sabotage.EXPERIMENTS)
