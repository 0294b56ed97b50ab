"""How many messages could not be stored."""

from apps.telemetry.models import DeadLetter

# A flood of letters may be millions: it is counted no further.
MAX_LETTERS = 10_000


def dead_letters(cluster: str) -> int:
    """The dead letters of a cluster, MAX_LETTERS at most."""
    return DeadLetter.objects.filter(cluster=cluster).order_by()[:MAX_LETTERS].count()
