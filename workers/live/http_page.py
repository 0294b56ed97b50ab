"""One page over HTTP: the connection is kept, time and size are bounded.

urllib3 for the pool that keeps the connection alive, for gzip that inflates piece by piece and so
stops at a bound, and for timeouts of connecting and of reading.
"""

import time

import urllib3
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError, SSLError
from urllib3.exceptions import TimeoutError as TimedOut

from workers.live.address import Address
from workers.sources.source import SourceError

MAX_PAGE_BYTES = 8 * 1024 * 1024
PIECE_BYTES = 256 * 1024
ACCEPT = "text/plain;version=0.0.4;q=1,*/*;q=0.1"


class HttpPage:
    """Fetches one URL again and again."""

    def __init__(self, address: Address, timeout_s: float, max_bytes: int = MAX_PAGE_BYTES) -> None:
        self._url = address.url
        # The path alone: not every server takes the address of itself for one.
        self._target = urllib3.util.parse_url(address.url).request_uri
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        headers = urllib3.util.make_headers(
            accept_encoding="gzip", user_agent="gpu-telemetry", basic_auth=address.auth or None
        )
        self._pool = urllib3.connection_from_url(
            address.url, maxsize=1, retries=False, headers={**headers, "Accept": ACCEPT}
        )

    def read(self) -> bytes:
        """The page. Raises SourceError."""
        deadline = time.monotonic() + self._timeout_s
        try:
            try:
                return self._get(deadline)
            except ProtocolError:
                # The server may just have closed the connection that was kept.
                return self._get(deadline)
        except NewConnectionError as error:
            reason = str(error.__cause__ or error)
            raise SourceError(f"{self._url}: cannot be reached ({reason})") from error
        except TimedOut as error:
            raise self._late() from error
        except SSLError as error:
            raise SourceError(
                f"{self._url}: no secure connection ({error}); SSL_CERT_FILE names the authority"
                " to trust"
            ) from error
        except HTTPError as error:
            raise SourceError(f"{self._url}: {type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()

    def _get(self, deadline: float) -> bytes:
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise self._late()
        response = self._pool.urlopen(
            "GET", self._target, headers=self._pool.headers, redirect=False, preload_content=False,
            timeout=left_s,
        )  # fmt: skip
        try:
            if response.status != 200:
                raise SourceError(f"{self._url}: answers {response.status} {response.reason or ''}")
            page = self._body(response, deadline)
        except BaseException:
            response.close()
            raise
        finally:
            response.release_conn()
        return page

    def _body(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        pieces: list[bytes] = []
        size = 0
        # read1 returns what is there, so that a server that trickles meets the deadline.
        while piece := response.read1(PIECE_BYTES, decode_content=True):
            size += len(piece)
            if size > self._max_bytes:
                raise SourceError(f"{self._url}: the page is over {self._max_bytes} bytes")
            if time.monotonic() > deadline:
                raise self._late()
            pieces.append(piece)
        return b"".join(pieces)

    def _late(self) -> SourceError:
        return SourceError(f"{self._url}: no answer within {self._timeout_s:g} s")
