"""The rule of apps/telemetry/status.py in SQL and as Django expressions, shared by every read."""

from django.db.models import (
    Case,
    CharField,
    Count,
    DurationField,
    F,
    FloatField,
    Func,
    Q,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Greatest, Now
from django.db.models.lookups import Exact, LessThanOrEqual

from apps.telemetry.status import DEFAULT_INTERVAL_S, LOST_FACTOR, RULE, State

# Below this utilisation, in percent, a reporting GPU is idle.
IDLE_BELOW = 1
REPORTING_MEANS = (
    f"newest sample is not older than {RULE.silent_intervals} of its own intervals"
    f" ({RULE.silent_min_s:g} s at least)"
)

# Of a row of latest samples; `now` is the statement's own.
_SILENT_AFTER_S = (
    f"greatest({RULE.silent_min_s},"
    f" {RULE.silent_intervals} * coalesce(latest.interval_s, {DEFAULT_INTERVAL_S}))"
)
_SILENT_AFTER = f"{_SILENT_AFTER_S} * interval '1 second'"
_LOST_AFTER = (
    f"greatest({RULE.lost_min_s}, {LOST_FACTOR} * {_SILENT_AFTER_S}) * interval '1 second'"
)
IS_REPORTING = f"now() - latest.timestamp <= {_SILENT_AFTER}"
STATE = (
    "CASE WHEN latest.timestamp IS NULL THEN 'never_seen'"
    f" WHEN {IS_REPORTING} THEN 'reporting'"
    f" WHEN now() - latest.timestamp <= {_LOST_AFTER} THEN 'silent' ELSE 'lost' END"
)


def state_at(moment: str) -> str:
    """STATE as it was at a moment, an SQL expression that depends on no row."""
    return STATE.replace("now()", moment)


# Of many rows: the state of a host.
LIVELIEST = (
    f"(ARRAY{[state.value for state in State]})"
    f"[min(array_position(ARRAY{[state.value for state in State]}, {STATE}))]"
)
# Until then, if nothing is stored, the answer stays the same: the first to change its state.
SAME_UNTIL = (
    f"min(latest.timestamp + CASE WHEN {IS_REPORTING} THEN {_SILENT_AFTER}"
    f" WHEN now() - latest.timestamp <= {_LOST_AFTER} THEN {_LOST_AFTER} END)"
)


def gpu_state(latest: str) -> Case:
    """A GPU's state; `latest` is the path to its latest sample."""
    silent_s = Greatest(
        Value(float(RULE.silent_min_s)),
        Value(float(RULE.silent_intervals))
        * Coalesce(F(f"{latest}__interval_s"), Value(DEFAULT_INTERVAL_S)),
        output_field=FloatField(),
    )
    lost_s = Greatest(Value(float(RULE.lost_min_s)), Value(float(LOST_FACTOR)) * silent_s)
    return Case(
        When(**{f"{latest}__timestamp": None}, then=Value(State.NEVER_SEEN.value)),
        When(_not_older(latest, silent_s), then=Value(State.REPORTING.value)),
        When(_not_older(latest, lost_s), then=Value(State.SILENT.value)),
        default=Value(State.LOST.value),
        output_field=CharField(),
    )


def host_state() -> Case:
    """That of its liveliest GPU, of rows with `reporting_count`, `silent_count`, `last_seen_at`."""
    return Case(
        When(reporting_count__gt=0, then=Value(State.REPORTING.value)),
        When(silent_count__gt=0, then=Value(State.SILENT.value)),
        When(last_seen_at__isnull=False, then=Value(State.LOST.value)),
        default=Value(State.NEVER_SEEN.value),
        output_field=CharField(),
    )


def count_in(gpus: str, state: State) -> Count:
    """How many GPUs are in a state; `gpus` is the path to them."""
    return Count(gpus, filter=Q(Exact(gpu_state(f"{gpus}__latest"), Value(state.value))))


def _not_older(latest: str, seconds: Greatest) -> LessThanOrEqual:
    age = Now() - F(f"{latest}__timestamp")
    most = Func(
        seconds, template="make_interval(secs => %(expressions)s)", output_field=DurationField()
    )
    return LessThanOrEqual(age, most)
