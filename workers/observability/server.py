"""Serves this process's metrics over HTTP, for Prometheus."""

import argparse
import errno
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

from prometheus_client import start_http_server

from workers.management.arguments import whole_number

HIGHEST_PORT = 65_535


class CannotServeMetrics(Exception):
    """The page cannot be served; the message says what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Define --metrics-port and --metrics-address."""
    parser.add_argument(
        "--metrics-port", type=whole_number(0, HIGHEST_PORT), default=0,
        help="serve /metrics for Prometheus on this port (default: 0, which is off)",
    )  # fmt: skip
    parser.add_argument(
        "--metrics-address", default="127.0.0.1",
        help="the address to serve them on (default: 127.0.0.1); they are open to all who reach it",
    )  # fmt: skip


def ports(first: int, processes: int) -> list[int]:
    """A port for each process: consecutive ones from `first`, or 0 for all."""
    return [first and first + number for number in range(processes)]


def check(address: str, port: int) -> None:
    """Raise CannotServeMetrics where `serving_metrics` would; 0 is never wrong."""
    if not port:
        return
    if port > HIGHEST_PORT:
        raise CannotServeMetrics(
            f"--metrics-port: port {port} is needed, one for each worker, and the last one is"
            f" {HIGHEST_PORT}; choose a lower one"
        )
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(
            address, port, type=socket.SOCK_STREAM
        )[0]
        with closing(socket.socket(family, kind, protocol)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(target)
    except OSError as error:
        raise CannotServeMetrics(_advice(address, port, error)) from error


@contextmanager
def serving_metrics(address: str, port: int) -> Iterator[None]:
    """Serve the default registry on `port` meanwhile, 0 for not at all. Raises CannotServeMetrics.

    Each request runs in a thread of its own and is a few milliseconds of work.
    """
    if not port:
        yield
        return
    try:
        server, thread = start_http_server(port, address)
    except OSError as error:
        raise CannotServeMetrics(_advice(address, port, error)) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _advice(address: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"--metrics-port: port {port} of {address} is in use; choose another, or 0 to serve"
            " no metrics"
        )
    if error.errno == errno.EACCES:
        return f"--metrics-port: this user may not listen on port {port}; choose one above 1023"
    return f"--metrics-address {address} cannot be listened on: {error.strerror or error}"
