"""How far a publisher holds back. A pure function of how full the queue is."""

from dataclasses import dataclass

# Shares of etcd's space quota: begin to slow down, stop. At the quota itself etcd refuses puts.
SLOW_SHARE = 0.5
STOP_SHARE = 0.7


@dataclass(frozen=True)
class Fill:
    """What is known of the queue: messages waiting, bytes in use."""

    depth: int
    size_in_use_bytes: int


def fullness(fill: Fill, max_depth: int, quota_bytes: int) -> float:
    """0 (publish freely) to 1 (stop): by depth and by space, whichever is worse."""
    return max(
        _ramp(fill.depth / max_depth, SLOW_SHARE, 1.0),
        _ramp(fill.size_in_use_bytes / quota_bytes, SLOW_SHARE, STOP_SHARE),
    )


def _ramp(share: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (share - low) / (high - low)))
