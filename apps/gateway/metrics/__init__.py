"""GET /metrics of the gateway: `requests` counts, `pipeline` looks at the queue, `page` answers.

Nothing here may import prometheus-client but those three: `shared` must come before it.
"""
