"""One experiment: what is broken, and what may come of it."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from tests.faults.ledger import Ledger
from tests.faults.scale import Needs, Scale
from tests.faults.world import World


@dataclass(frozen=True)
class Experiment:
    """`inject` breaks things while the load runs, and leaves everything mended.

    `rows` are those of the test matrix in docs/faults.md. `publish_limit_s` and `store_limit_s`
    bound how long a record may take to be acknowledged and stored, not counting the time in which
    a fault was in place; the lease is added to the latter.
    """

    name: str
    rows: str
    inject: Callable[[World], None]
    needs: Needs = field(default_factory=Needs)
    publish_limit_s: float = 5.0
    store_limit_s: float = 3.0
    requires_root: bool = False


@dataclass
class Result:
    """What came of it; `problems` is empty when it passed."""

    name: str
    ledger: Ledger
    left: int
    publish_stall_s: float
    recovery_s: float
    fresh_s: float
    problems: list[str]

    @property
    def passed(self) -> bool:
        """Nothing lost, doubled, invented or left, and everything within its limits."""
        return not self.problems

    def as_json(self) -> dict[str, object]:
        """The entry of faults.json."""
        counts = asdict(self.ledger)
        del counts["examples"]
        return {
            "name": self.name,
            **counts,
            "recovery_s": round(self.recovery_s, 2),
            "publish_stall_s": round(self.publish_stall_s, 2),
            "fresh_s": round(self.fresh_s, 2),
            "passed": self.passed,
            "problems": self.problems,
        }


def run(experiment: Experiment, scale: Scale, *, timed: bool = True) -> Result:
    """Do it in a world of its own; whether it was quick enough counts only if it is `timed`."""
    with World(scale, experiment.needs) as world:
        world.start_collectors()
        world.start_load()
        experiment.inject(world)
        fresh = world.settle()
        ledger = world.account()
        publish_stall_s, recovery_s = world.stalls()
        left = world.depth()
        fresh_s = (fresh.stored_at or float("inf")) - fresh.handed_at
        problems = [*world.problems, *world.fleet.problems, *ledger.examples]
    limits: dict[str, tuple[float, float]] = {
        "lost": (ledger.lost, 0),
        "duplicated": (ledger.duplicated, 0),
        "invented": (ledger.invented, 0),
        "left in the queue": (left, 0),
    }
    if timed:
        limits |= {
            "seconds to acknowledge": (publish_stall_s, experiment.publish_limit_s),
            "seconds to store": (recovery_s, experiment.store_limit_s + scale.lease_s),
        }
    problems += [
        f"{name}: {value:.5g}, at most {limit:.5g} is allowed"
        for name, (value, limit) in limits.items()
        if value > limit
    ]
    return Result(experiment.name, ledger, left, publish_stall_s, recovery_s, fresh_s, problems)
