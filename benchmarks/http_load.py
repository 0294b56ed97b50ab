"""Load on a gateway by wrk, an HTTP load generator in C: one in Python would cost more than the
gateway does, on the same cores."""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 16
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_P99 = re.compile(r"99%\s+([\d.]+)(us|ms|s)")
_ERRORS = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)")
_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
# Each connection asks for one path after the other, from the first on.
_SCRIPT = """
local paths = {%s}
local next = 0
request = function()
  next = next %% #paths + 1
  return wrk.format(%s, paths[next], nil, %s)
end
"""


class LoadFailed(Exception):
    """Nothing was measured; the message says what to do."""


@dataclass(frozen=True)
class Load:
    """What a gateway answered: requests per second, and the 99th percentile in ms."""

    per_s: float
    p99_ms: float


def load(
    address: str,
    paths: Sequence[str],
    seconds: float,
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
) -> Load:
    """Ask for these paths in turn over 16 connections; POST where there is a body.

    Raises LoadFailed where wrk is missing or an answer is an error.
    """
    wrk = shutil.which("wrk")
    if wrk is None:
        raise LoadFailed("The program wrk makes the load; install it: apt-get install wrk")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "requests.lua")
        script.write_text(_script(paths, body))
        flags = [f"-H{name}: {value}" for name, value in (headers or {}).items()]
        done = subprocess.run(
            [wrk, "--threads=1", f"--connections={CONNECTIONS}", f"--duration={seconds:.0f}s",
             "--latency", f"--script={script}", *flags, address],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    return _read(done.stdout)


def _script(paths: Sequence[str], body: str | None) -> str:
    listed = ",".join(f"[[{path}]]" for path in paths)
    return _SCRIPT % (listed, '"POST"' if body else '"GET"', f"[[{body}]]" if body else "nil")


def _read(output: str) -> Load:
    if errors := _ERRORS.search(output):
        raise LoadFailed(f"The gateway did not answer every request: {errors[0]}")
    rate, p99 = _RATE.search(output), _P99.search(output)
    if rate is None or p99 is None:
        raise LoadFailed(f"wrk said nothing to read:\n{output}")
    return Load(float(rate[1]), float(p99[1]) * _MILLISECONDS[p99[2]])
