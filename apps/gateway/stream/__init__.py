"""Server-sent events, for clients that cannot speak WebSocket: `/api/v1/stream`."""
