"""`python -m tests.acceptance.e2e FILE`: stream a file through a private stack, account for it.

Real streamer, etcd, collector, PostgreSQL and gateway. The last line is one JSON object; the exit
code is 0 only if every value came back through the API once and nothing is left in the queue.
"""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from apps.embedded.ports import free_port
from apps.embedded.processes import Child, stop_all, wait_until
from apps.embedded.stack import Stack
from apps.mq import Queue, QueueConfig
from tests.acceptance.comparison import compare
from tests.acceptance.expected import Key, read

ROOT = Path(__file__).parents[2]
FAILED, WRONG_ARGUMENTS = 1, 2
NO_PROGRESS_S = 60.0
START_S = 30.0
PAGE = 10_000


class Failed(Exception):
    """The run could not be finished; the message says why."""


def main(arguments: list[str]) -> int:
    """Run and report; the exit code."""
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        say("name one CSV file that exists: make e2e CSV=<file>")
        return WRONG_ARGUMENTS
    try:
        with Stack() as stack:
            result, problems = run(stack, Path(arguments[0]).resolve())
    except Failed as error:
        say(str(error))
        return FAILED
    for problem in problems:
        say(problem)
    print(json.dumps(result))
    return FAILED if problems else 0


def run(stack: Stack, path: Path) -> tuple[dict[str, Any], list[str]]:
    """Stream the file, wait for it, compare; the counts and what is wrong with them."""
    started = time.monotonic()
    environment = {**os.environ, **stack.environment()}
    manage(environment, "migrate", "--verbosity", "0")
    port = free_port()
    collector = child("collector", stack, environment, "runcollector")
    gateway = child("gateway", stack, environment, "rungateway", "--port", str(port))
    try:
        collector.start()
        gateway.start()
        say(f"streaming {path.name}")
        streamed = stream(environment, path)
        left = drain(QueueConfig(endpoints=tuple(stack.etcd_endpoints), cluster="default"))
        base = f"http://127.0.0.1:{port}"
        if not wait_until(lambda: answers(base), START_S):
            raise Failed(f"the gateway does not answer: {gateway.tail()}")
        return account(path, base, streamed, left, time.monotonic() - started)
    finally:
        stop_all([collector, gateway], 10.0)


def account(
    path: Path, base: str, streamed: dict[str, Any], left: int, seconds: float
) -> tuple[dict[str, Any], list[str]]:
    """Compare the file with what the API gives back."""
    say("reading the file once more, independently, and everything back through the API")
    expected = read(path)
    gpus = list(pages(f"{base}/api/v1/gpus?limit={PAGE}"))
    hosts = list(pages(f"{base}/api/v1/hosts?limit={PAGE}"))
    difference = compare(expected.records, samples(base, gpus))
    result = {
        "rows_read": expected.rows,
        "rows_rejected": expected.rejected,
        "records_published": streamed["records_published"],
        "records_stored": difference.stored,
        "lost": difference.lost,
        "duplicated": difference.duplicated,
        "hosts": len(hosts),
        "gpus": len(gpus),
        "queue_left": left,
        "seconds": round(seconds, 2),
    }
    wanted = {
        "rows read by the streamer": (streamed["rows_read"], expected.rows),
        "rows rejected by the streamer": (streamed["rows_rejected"], expected.rejected),
        "hosts": (len(hosts), len(expected.hosts)),
        "GPUs": (len(gpus), len({uuid for uuid, _ in expected.records})),
        "lost": (difference.lost, 0),
        "duplicated": (difference.duplicated, 0),
        "left in the queue": (left, 0),
    }
    problems = [
        f"{name}: {got}, expected {want}" for name, (got, want) in wanted.items() if got != want
    ]
    return result, [*difference.examples, *problems]


def stream(environment: dict[str, str], path: Path) -> dict[str, Any]:
    """The real streamer, once over the file; its own counts."""
    command = ["runstreamer", "--path", str(path), "--once", "--no-restamp", "--json"]
    output = manage(environment, *command)
    counts: dict[str, Any] = json.loads(output.splitlines()[-1])
    return counts


def drain(config: QueueConfig) -> int:
    """Wait until the queue is empty or nothing has moved for a while; what is left."""
    queue = Queue(config)
    left = queue.depth()
    moved_at = time.monotonic()
    while left and time.monotonic() - moved_at < NO_PROGRESS_S:
        time.sleep(0.05)
        depth = queue.depth()
        if depth != left:
            left, moved_at = depth, time.monotonic()
    queue.close()
    return left


def samples(base: str, gpus: list[dict[str, Any]]) -> Iterator[tuple[Key, dict[str, Any]]]:
    """Every stored sample of every GPU, through the API."""
    for gpu in gpus:
        for sample in pages(f"{base}/api/v1/gpus/{gpu['uuid']}/telemetry?limit={PAGE}"):
            yield (gpu["uuid"], datetime.fromisoformat(sample["timestamp"])), sample


def pages(url: str | None) -> Iterator[dict[str, Any]]:
    """The results of a list and of every page after it."""
    while url:
        with urllib.request.urlopen(url, timeout=60) as answer:
            page = json.load(answer)
        yield from page["results"]
        url = page["next"]


def answers(base: str) -> bool:
    """Whether the gateway can serve requests."""
    try:
        with urllib.request.urlopen(f"{base}/ready", timeout=5):
            return True
    except OSError:
        return False


def child(name: str, stack: Stack, environment: dict[str, str], *arguments: str) -> Child:
    """A command of the product as a process of this run."""
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return Child(name, command, stack.directory / "log" / f"{name}.log", environment, ROOT)


def manage(environment: dict[str, str], *arguments: str) -> str:
    """Run a command of the product to its end; what it printed. Raises Failed."""
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise Failed(f"{arguments[0]} failed with exit code {done.returncode}: {done.stdout}")
    return done.stdout


def say(text: str) -> None:
    """A line for the person who waits; stdout is for the result."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
