"""The gateway's server: one port for HTTP (Django's WSGI handler) and WebSocket (ASGI)."""
