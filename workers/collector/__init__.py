"""The collector: takes batches off the queue, stores them, then acknowledges them.

`decoding` is pure, `collector` is the loop, `storing` writes one take and survives bad records.
"""

from workers.collector.collector import Collector

__all__ = ["Collector"]
