"""The collector: takes batches off the queue, stores them, then acknowledges them.

`decoding` is pure, `collector` is the loop, `storing` writes one take and survives bad records. To
that end `failures` tells whose fault a failure is, `patience` waits for PostgreSQL and `isolating`
finds what is bad. `tuning` prepares the process.
"""

from workers.collector.collector import Collector

__all__ = ["Collector"]
