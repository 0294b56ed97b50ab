"""The faults there is time for in each run of the tests; `make faults` has all, and larger."""

import pytest

from tests.faults.etcd_program import needs_sound_etcd
from tests.faults.experiment import Experiment, run
from tests.faults.experiments import EXPERIMENTS, SABOTAGE, TOGETHER
from tests.faults.scale import Scale

pytestmark = needs_sound_etcd

SCALE = Scale(collectors=3, streamers=2, records=12_000, load_s=6.0, lease_s=2)
QUICK = [*TOGETHER.values(), EXPERIMENTS["messages-late"]]


@pytest.mark.parametrize("experiment", QUICK, ids=lambda experiment: experiment.name)
def test_nothing_is_lost_doubled_invented_or_left(experiment: Experiment) -> None:
    # How soon depends on what else this machine does; `make faults` looks at that.
    assert run(experiment, SCALE, timed=False).problems == []


def test_the_suite_notices_an_acknowledgement_before_the_commit() -> None:
    assert run(SABOTAGE["sabotage-ack-first"], SCALE).ledger.lost > 0


def test_the_suite_notices_that_records_are_not_deduplicated() -> None:
    assert run(SABOTAGE["sabotage-no-dedupe"], SCALE).ledger.duplicated > 0


def test_the_suite_notices_an_unguarded_delete() -> None:
    assert run(SABOTAGE["sabotage-unguarded-delete"], SCALE).ledger.lost > 0
