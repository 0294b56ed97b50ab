"""The rule of states: by age, in the measure of the GPU's own interval."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.telemetry.status import Rule, State, host_state

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
RULE = Rule(silent_intervals=3, silent_min_s=30, lost_min_s=3600)


@pytest.mark.parametrize(
    ("age_s", "interval_s", "state"),
    [
        (0, 1, State.REPORTING),
        (30, 1, State.REPORTING),  # three seconds of silence are the network's
        (31, 1, State.SILENT),
        (90, None, State.REPORTING),
        (91, None, State.SILENT),
        (900, 300, State.REPORTING),  # one sample in five minutes is all it ever sends
        (901, 300, State.SILENT),
        (3600, 1, State.SILENT),
        (3601, 1, State.LOST),
        (8999, 300, State.SILENT),
        (9001, 300, State.LOST),
        (-5, 1, State.REPORTING),  # its clock is ahead of ours
    ],
)
def test_a_gpu_is_judged_by_its_own_interval(age_s, interval_s, state):
    assert RULE.state(NOW, NOW - timedelta(seconds=age_s), interval_s) == state


def test_a_gpu_without_a_sample_was_never_seen():
    assert RULE.state(NOW, None, None) == State.NEVER_SEEN


def test_a_host_is_as_well_as_its_liveliest_gpu():
    assert host_state([State.LOST, State.REPORTING, State.SILENT]) == State.REPORTING
    assert host_state([State.LOST, State.SILENT]) == State.SILENT
    assert host_state([State.LOST, State.NEVER_SEEN]) == State.LOST
    assert host_state([]) == State.NEVER_SEEN
