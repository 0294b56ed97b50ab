"""Dead letters for tests of what is done with them."""

from apps.telemetry.dead_letters import Unstorable, bury
from apps.telemetry.models import DeadLetter

BURIED_AT_NS = 1_700_000_000_000_000_000


def make_letters(cluster: str, values: list[bytes], reason: str = "not JSON") -> list[DeadLetter]:
    """Letters of these values that came from host my_host, GPU 3; in their order."""
    key = f"/telemetry/queue/{cluster}/{BURIED_AT_NS}_my_host_3_"
    known = set(DeadLetter.objects.values_list("pk", flat=True))
    letters = [
        Unstorable(f"{key}{number}".encode(), value, reason) for number, value in enumerate(values)
    ]
    bury(cluster, letters)
    return list(DeadLetter.objects.exclude(pk__in=known).order_by("pk"))
