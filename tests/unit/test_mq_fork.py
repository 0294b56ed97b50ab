"""A program started beside open channels is not hit by gRPC's handlers of fork()."""

import subprocess
import sys

FORK = """
import os, apps.mq.etcd.endpoint, grpc
channels = [grpc.insecure_channel(f"127.0.0.1:{port}") for port in range(1, 8)]
for channel in channels:
    channel.subscribe(lambda state: None, try_to_connect=True)
for _ in range(20):
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)
for channel in channels:
    channel.close()
"""


def test_no_handler_of_fork_runs():
    done = subprocess.run(
        [sys.executable, "-c", FORK],
        capture_output=True, text=True, check=True, env={"GRPC_VERBOSITY": "info"},
    )  # fmt: skip
    # With the handlers on, gRPC says at each fork that it called or left them out.
    assert "fork" not in done.stderr
