"""WebSockets: `/ws/telemetry/` and `/ws/pipeline/`, by Channels without a channel layer.

docs/live.md tells how they are used, docs/asyncapi.yaml what every message holds.
"""
