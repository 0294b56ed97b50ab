"""The gateway's server: granian with one or more workers.

Each worker is a process with an event loop, which holds the sockets, and a few threads, which
answer HTTP requests; each thread keeps its PostgreSQL connection.
"""

import ctypes
import errno
import os
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connections
from granian import Granian
from granian._internal import load_target
from granian.constants import HTTPModes, Interfaces, Loops
from granian.errors import FatalError
from granian.http import HTTP1Settings
from granian.log import LogLevels

TARGET = "telemetry_project.asgi:application_of"
# Of one worker, WebSockets included. Granian takes no more until one of them has ended.
MAX_CONNECTIONS = 10_000
# Whoever says nothing, or half a request, for so long loses its connection.
IDLE_S = 30
# Requests in hand get this long after SIGTERM before their worker is killed.
STOP_TIMEOUT_S = 5
_PR_SET_PDEATHSIG = 1


class CannotServe(Exception):
    """The server cannot start; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Options:
    """Where and how wide to serve."""

    host: str
    port: int
    workers: int
    threads: int
    access_log: bool


def check(options: Options) -> None:
    """Raise CannotServe, with what to do, where serving would fail."""
    _check_secret_key()
    _check_port(options.host, options.port)


def _check_secret_key() -> None:
    """Refuse to serve with a key drawn at random: each worker would sign sessions with its own."""
    if not settings.SECRET_KEY_IS_SET:
        raise CannotServe(
            "SECRET_KEY is not set, and sessions must be signed with one key by every worker. Set"
            " it in the environment, for instance SECRET_KEY=$(python -c 'import secrets;"
            " print(secrets.token_urlsafe(48))'); `manage.py runlocal` makes and keeps one itself."
        )


def _check_port(host: str, port: int) -> None:
    """Refuse a port that is taken: granian's SO_REUSEPORT would share it without a word."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise CannotServe(f"--host {host} is no address of this machine: {error}") from error
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise CannotServe(_bind_failure(host, port, error)) from error


def _bind_failure(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is in use; stop what listens there or choose another --port."
    if error.errno == errno.EACCES:
        return f"This user may not listen on port {port}; choose a --port above 1023."
    return f"Cannot listen on {host} port {port}: {error.strerror}."


def serve(options: Options, target: str = TARGET) -> None:
    """Answer requests until SIGTERM or SIGINT; raises CannotServe or SystemExit on failure.

    `target` is `module:function`, which gives a worker its application for a number of threads.
    """
    connections.close_all()  # no worker may inherit one through fork
    server = Granian(
        target,
        address=options.host,
        port=options.port,
        interface=Interfaces.ASGI,
        # Where HTTP/2 is spoken too, the first byte of a connection is waited for without end.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=IDLE_S * 1000),
        workers=options.workers,
        loop=Loops.uvloop,
        backpressure=MAX_CONNECTIONS,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_TIMEOUT_S,
        log_access=options.access_log,
        log_level=LogLevels.warning,
        log_dictconfig=_logging(),
    )
    try:
        server.serve(
            target_loader=partial(_load, os.getpid(), target, options.threads), wrap_loader=False
        )
    except FatalError as error:
        raise CannotServe(f"The server could not start: {error}") from error


def _load(parent: int, target: str, threads: int) -> Any:
    """Runs in each worker: the application, and no life beyond the parent's, however it ends."""
    # SIGKILL: a handler that is inherited until granian sets its own would swallow a SIGTERM.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel was told to watch it
        sys.exit(1)
    os.setpgrp()  # a terminal's Ctrl-C reaches the parent alone, which asks workers to stop
    _wake_without_preempting()
    return load_target(target)(threads)


def _wake_without_preempting() -> None:
    """This process's threads, once woken, wait for a core instead of taking it from who runs.

    That is mostly the thread that woke them and holds the interpreter's lock, for which they would
    wait at once. Six in a hundred more pages of telemetry on two busy cores (docs/adr/0005).
    """
    with suppress(OSError):  # under another policy, such as SCHED_IDLE, it may not be changed
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _logging() -> dict[str, Any]:
    """Granian's loggers write through the project's handlers, and its chatter is left out."""
    return {
        "formatters": {},
        "handlers": {},
        "loggers": {"_granian": {"propagate": True}, "granian.access": {"propagate": True}},
    }
