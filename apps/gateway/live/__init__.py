"""Live telemetry: one reader of what changes per process, and what each client is sent of it.

`source` listens and reads, `picture` keeps what was read, `group` makes each message once for all
who want the same, `feed` holds what waits for one client. WebSockets (apps/gateway/ws) and the
event stream (apps/gateway/stream) send it.
"""
