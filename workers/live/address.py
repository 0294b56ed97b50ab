"""Where a target is: `http://host:9400/metrics` or `host:9400`, with what stands in for labels."""

from collections.abc import Mapping
from dataclasses import dataclass

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from workers.sources.source import SourceError

DEFAULT_PATH = "/metrics"


@dataclass(frozen=True, slots=True)
class Address:
    """A target; `auth` is `user:password` or empty and never part of `url`."""

    url: str
    host: str
    auth: str = ""
    labels: tuple[tuple[str, str], ...] = ()


def read_address(text: str, labels: Mapping[str, str] | None = None) -> Address:
    """A target from a URL or host:port, with the labels that its group has.

    `__scheme__` and `__metrics_path__` mean what they mean to Prometheus; other labels that begin
    with `__` are dropped. Raises SourceError.
    """
    labels = labels or {}
    if "://" not in text:
        path = labels.get("__metrics_path__", DEFAULT_PATH)
        text = f"{labels.get('__scheme__', 'http')}://{text}/{path.lstrip('/')}"
    try:
        url = parse_url(text)
    except LocationParseError as error:
        raise SourceError(f"{_shown(text)}: is not a URL like http://host:9400/metrics") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise SourceError(f"{_shown(text)}: is not a URL like http://host:9400/metrics")
    path = url.path if url.path not in (None, "/") else DEFAULT_PATH
    plain = Url(url.scheme, None, url.host, url.port, path, url.query)
    kept = tuple(sorted((k, v) for k, v in labels.items() if not k.startswith("__")))
    return Address(plain.url, url.host, url.auth or "", kept)


def _shown(text: str) -> str:
    """The text without what may be a password."""
    return text.rpartition("@")[2][:200]
