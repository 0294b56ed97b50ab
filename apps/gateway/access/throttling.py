"""How often anybody may ask: per token or person, per address, and per address that fails.

Each worker process counts by itself, so N of them let N times as much through.
"""

from functools import cache

from django.conf import settings

from apps.gateway.access.limiter import Limiter
from apps.gateway.access.refused import TooMany


def charge_address(address: str) -> None:
    """Count a request from this address. Raises TooMany."""
    per_s = settings.THROTTLE_ADDRESS_PER_S
    _require(_limiter("address", per_s, per_s).take(address), f"{per_s} requests per second")


def charge_holder(name: str) -> None:
    """Count a request of this token or person. Raises TooMany."""
    per_s = settings.THROTTLE_KEY_PER_S
    _require(_limiter("key", per_s, per_s).take(name), f"{per_s} requests per second")


def charge_failure(address: str) -> None:
    """Count a token or password that was wrong. Raises TooMany where there were too many."""
    _require(_failures().take(address), _FAILURES.format(settings.THROTTLE_FAILURES_PER_MIN))


def require_few_failures(address: str) -> None:
    """Raises TooMany where too much was wrong lately, before a password is even looked at."""
    _require(_failures().wait_s(address), _FAILURES.format(settings.THROTTLE_FAILURES_PER_MIN))


def forget() -> None:
    """Begin to count anew."""
    _limiter.cache_clear()


_FAILURES = "{} failures to sign in per minute"


def _failures() -> Limiter:
    per_min = settings.THROTTLE_FAILURES_PER_MIN
    return _limiter("failures", per_min / 60, per_min)


@cache
def _limiter(of: str, per_s: float, burst: float) -> Limiter:
    del of  # tells limiters of the same rate apart
    return Limiter(per_s, burst)


def _require(wait_s: float, limit: str) -> None:
    if wait_s:
        raise TooMany(f"More than {limit}; ask again when Retry-After has passed.", wait_s)
