"""A small network of its own, whose links can be cut."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Host:
    """One machine of the network: its IP address and what goes before a command to run there."""

    address: str
    prefix: tuple[str, ...]
