"""The address that a request came from, through as many proxies as are trusted."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """The sender's address: the peer's, or what the outermost of NUM_PROXIES proxies has seen.

    Without trusted proxies X-Forwarded-For is not looked at: anybody can write it.
    """
    peer: str = request.META.get("REMOTE_ADDR") or ""
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR")
    if not settings.NUM_PROXIES or not forwarded:
        return peer
    hops = [hop.strip() for hop in forwarded.split(",")]
    return hops[-min(settings.NUM_PROXIES, len(hops))] or peer


@lru_cache(4096)
def network(address: str) -> str:
    """What is counted as one sender: an IPv4 address, or the /64 that one IPv6 customer has."""
    try:
        known = ip_address(address)
    except ValueError:
        return address[:64]
    if not isinstance(known, IPv6Address):
        return address
    return str(known.ipv4_mapped or IPv6Address(int(known) >> 64 << 64))
