"""What this database has committed so far, as a text that changes with any commit."""

from django.db import connection

from apps.telemetry.queries.prepared import fetch_one

# A replica's snapshot does not list which transactions are under way.
_STATE = """
SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text
            ELSE pg_current_snapshot()::text END
"""


def snapshot() -> str | None:
    """Equal texts mean that every statement sees the same rows; other texts prove nothing.

    It names the transactions that have ended, so whoever writes, wherever, changes it; of a
    replica, how far it has replayed. None inside a transaction, whose own writes change what it
    sees and not this.
    """
    if connection.in_atomic_block:
        return None
    row = fetch_one(_STATE, {})
    assert row is not None, "a function has a value"
    text: str = row[0]
    return text
