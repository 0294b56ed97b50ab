"""Live clients: how many there are, what they were sent, and who was cut off."""

from prometheus_client import Counter, Gauge

# `page` decides where they are read from. `face` is telemetry, pipeline (WebSockets) or stream.
OPEN = Gauge(
    "gpu_telemetry_live_clients",
    "Open WebSockets and event streams.",
    ["face"],
    registry=None,
    multiprocess_mode="livesum",
)
SENT = Counter("gpu_telemetry_live_messages", "Messages sent.", ["face"], registry=None)
COALESCED = Counter(
    "gpu_telemetry_live_coalesced",
    "Updates that a client was too slow for and got together with later ones.",
    registry=None,
)
DROPPED = Counter(
    "gpu_telemetry_live_dropped",
    "Clients refused or cut off: slow, origin, full, unauthorized, rate, size, fault.",
    ["reason"],
    registry=None,
)
LIVE = (OPEN, SENT, COALESCED, DROPPED)
