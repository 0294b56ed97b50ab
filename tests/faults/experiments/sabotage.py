"""The promise broken on purpose: experiments that must fail, or the suite could not be trusted."""

from tests.faults.experiment import Experiment
from tests.faults.experiments.messages import late
from tests.faults.scale import Needs
from tests.faults.world import World


def acknowledged_first(world: World) -> None:
    """Collectors acknowledge before the commit, and are killed in between."""
    world.rest(world.scale.load_s)


def not_deduplicated(world: World) -> None:
    """A record that is delivered again is stored again."""
    with world.database() as database:
        database.execute("ALTER TABLE telemetry_sample DROP CONSTRAINT telemetry_sample_pkey")
    world.rest(world.scale.load_s)


EXPERIMENTS = [
    Experiment(
        "sabotage-ack-first", "self-check", acknowledged_first,
        Needs(points=("break-ack-first", "die-before-store")),
    ),
    Experiment(
        "sabotage-no-dedupe", "self-check", not_deduplicated,
        Needs(points=("break-dedupe", "die-before-ack")),
    ),
    Experiment(
        "sabotage-unguarded-delete", "self-check", late,
        Needs(points=("break-guard", "slow-store")),
    ),
]  # fmt: skip
