"""Answers that are kept while nothing is committed, with an ETag: lists and latest samples.

A kept answer is never older than the request. Either PostgreSQL says that nothing was committed
since it was made (apps/telemetry/queries/snapshot.py, one small statement), or it was made while
the request waited for another one that asked the same.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from compression_middleware.middleware import MIN_LEN, compressor
from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers
from rest_framework.request import Request

from apps.gateway.access.principal import principal_of
from apps.telemetry import queries

MAX_BYTES = 64 << 20
MAX_ENTRIES = 256
STATES_HOLD = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON body; while nothing is stored it is the same until `same_until` (None: for ever)."""

    body: bytes
    same_until: datetime | None = None


def for_now(answer: Answer) -> Answer:
    """An answer that holds states: they change with time, so it is made anew after a second."""
    return Answer(answer.body, datetime.now(UTC) + STATES_HOLD)


@dataclass(slots=True)
class _Entry:
    """One answer; `lock` guards the rest. `encoded` has the body by content encoding."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    snapshot: str | None = None
    checked_at: float = 0.0
    same_until: datetime | None = None
    etag: str = ""
    encoded: dict[str, bytes] = field(default_factory=dict)

    def holds(self, snapshot: str | None) -> bool:
        """Whether the answer is what PostgreSQL would say now."""
        expired = self.same_until is not None and datetime.now(UTC) >= self.same_until
        return snapshot is not None and snapshot == self.snapshot and not expired

    def take(self, answer: Answer, snapshot: str | None) -> None:
        """Replace the answer."""
        self.snapshot, self.same_until = snapshot, answer.same_until
        self.etag = f'W/"{hashlib.blake2b(answer.body, digest_size=12).hexdigest()}"'
        self.encoded = {"": answer.body}


class _Kept:
    """The entries of this process, the least recently used of which make room."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def entry(self, key: Hashable) -> _Entry:
        """The entry of a key, made if need be."""
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            self._entries.move_to_end(key)
            if len(self._entries) > MAX_ENTRIES:
                self._entries.popitem(last=False)
            return entry

    def make_room(self) -> None:
        """Forget entries until the rest fits."""
        with self._lock:
            sizes = {
                key: sum(map(len, list(entry.encoded.values())))
                for key, entry in self._entries.items()
            }
            total = sum(sizes.values())
            while total > MAX_BYTES:
                key, _ = self._entries.popitem(last=False)
                total -= sizes[key]


_kept = _Kept()


def kept_response(request: Request, make: Callable[[], Answer]) -> HttpResponseBase:
    """The answer to this address for this principal, or 304 where the caller has it already.

    `make` must depend on the address, the principal's clusters and PostgreSQL alone.
    """
    arrived = time.monotonic()
    key = (request.build_absolute_uri(), principal_of(request).clusters)
    entry = _kept.entry(key)
    encoding, compress, _ = compressor(request.META.get("HTTP_ACCEPT_ENCODING", ""))
    with entry.lock:
        if entry.checked_at < arrived:
            _check(entry, make)
        etag = entry.etag
        if etag in _tags(request):
            return _with_headers(HttpResponse(status=304), etag)
        if encoding is None or len(entry.encoded[""]) < MIN_LEN:
            encoding = ""
        elif encoding not in entry.encoded:
            entry.encoded[encoding] = compress(entry.encoded[""])
        body = entry.encoded[encoding]
    response = HttpResponse(body, content_type="application/json")
    if encoding:
        response["Content-Encoding"] = encoding
    return _with_headers(response, etag)


def _check(entry: _Entry, make: Callable[[], Answer]) -> None:
    """See that the entry holds what is true now."""
    now = time.monotonic()
    # Read before the answer is made: what is committed meanwhile makes the answer no older.
    snapshot = queries.snapshot()
    if not entry.holds(snapshot):
        entry.take(make(), snapshot)
        _kept.make_room()
    entry.checked_at = now


def _tags(request: Request) -> list[str]:
    """The entity tags that the caller has, compared weakly."""
    header = request.META.get("HTTP_IF_NONE_MATCH", "")
    return [f"W/{tag.strip().removeprefix('W/')}" for tag in header.split(",") if tag.strip()]


def _with_headers(response: HttpResponse, etag: str) -> HttpResponse:
    response["ETag"] = etag
    # Caches may keep it, and ask each time whether it still holds.
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ("Accept-Encoding", "Authorization", "Cookie"))
    return response
