"""Starting real streamers in one cluster, and looking at what they publish."""

import os
import subprocess
import sys
from pathlib import Path

from apps.embedded.processes import wait_until
from tests.queue_contents import waiting_records
from tests.unit.csv_samples import WIDE_ROW, row_bytes

REPOSITORY = Path(__file__).resolve().parents[2]
WAIT_S = 60.0


class Streamer:
    """Starts the command in one cluster and looks at what it publishes."""

    def __init__(self, endpoints, cluster):
        self.endpoints, self.cluster = endpoints, cluster
        self.processes = []

    def start(self, *arguments, stderr=subprocess.PIPE, **settings):
        environment = {
            **os.environ,
            "ETCD_ENDPOINTS": ",".join(self.endpoints),
            "CLUSTER_ID": self.cluster,
            "LOG_LEVEL": "INFO",
            **settings,
        }
        process = subprocess.Popen(
            [sys.executable, "manage.py", "runstreamer", *map(str, arguments)],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        self.processes.append(process)
        return process

    def run(self, *arguments, **settings):
        """(exit code, standard output, standard error)."""
        return end(self.start(*arguments, **settings))

    def records(self):
        return waiting_records(self.endpoints, self.cluster)

    def wait_for(self, count):
        assert wait_until(lambda: len(self.records()) >= count, WAIT_S)

    def kill(self):
        for process in self.processes:
            process.kill()
            process.communicate()


def end(process):
    output, errors = process.communicate(timeout=WAIT_S)
    return process.returncode, output, errors


def write_csv(path, count, **changes):
    """`count` GPUs at one instant."""
    rows = ({**WIDE_ROW, "uuid": f"GPU-{n}", **changes} for n in range(count))
    path.write_bytes(",".join(WIDE_ROW).encode() + b"\n" + b"".join(map(row_bytes, rows)))
    return path
