"""GET /metrics of the gateway: `requests` and `live` count, `pipeline` looks at the queue, `page`
answers.

Nothing here may import prometheus-client but those four: `shared` must come before it.
"""
