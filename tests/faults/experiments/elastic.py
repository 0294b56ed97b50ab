"""Members that come and go in order, and how evenly the work is spread over those that stay."""

from tests.faults.experiment import Experiment
from tests.faults.world import World

CHANGES = 5
# Of an even share: no less than half, no more than twice.
LEAST, MOST = 0.5, 2.0


def evenly_shared(world: World) -> None:
    """Nothing is broken; every collector must take its share."""
    before = _stored(world)
    world.rest(world.scale.load_s)
    taken = {name: count - before.get(name, 0) for name, count in _stored(world).items()}
    even = sum(taken.values()) / max(1, len(taken))
    world.problems += [
        f"{name} stored {count} where {even:.0f} would be even"
        for name, count in taken.items()
        if not LEAST * even <= count <= MOST * even
    ]


def _stored(world: World) -> dict[str, int]:
    return {name: int(figures.get("stored", 0)) for name, figures in world.members().items()}


def coming_and_going(world: World) -> None:
    """Collectors leave in order and others join, all the time."""
    for _ in range(CHANGES):
        world.rest(1.0)
        world.fleet.stop_a_collector()
        world.rest(1.0)
        world.fleet.start_collector()


EXPERIMENTS = [
    Experiment("collectors-share-evenly", "ten by ten", evenly_shared),
    Experiment("collectors-come-and-go", "ten by ten", coming_and_going),
]
