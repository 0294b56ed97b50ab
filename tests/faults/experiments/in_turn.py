"""One of each of the usual faults in one world, for `make test`; `make faults` has each alone."""

from tests.faults.experiment import Experiment
from tests.faults.experiments.etcd_members import kill_leader
from tests.faults.experiments.networks import lose_replies
from tests.faults.experiments.postgresql import kill_server
from tests.faults.scale import Needs
from tests.faults.world import World


def in_turn(world: World) -> None:
    """A collector, etcd's leader and PostgreSQL are killed, and etcd's answers are lost.

    All the while a failpoint kills collectors between commit and acknowledgement.
    """
    world.rest(1.0)
    world.fleet.kill_a_collector()
    world.rest(1.0)
    kill_leader(world, away_s=2.0)
    lose_replies(world)
    world.rest(1.0)
    kill_server(world)
    world.rest(2.0)


EXPERIMENTS = [
    Experiment(
        "in-turn", "1, 2, 6, 13, 18", in_turn,
        Needs(members=3, proxied=True, points=("die-before-ack",)),
        publish_limit_s=6.0, store_limit_s=60.0,
    )
]  # fmt: skip
