"""The body of an ingest request, cut into the JSON texts of its messages."""

import zlib

import msgspec
from django.http import HttpRequest
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from apps.gateway.rest.body import Body
from apps.gateway.rest.refusals import TooLarge

JSON, NDJSON = "application/json", "application/x-ndjson"
# No more are in INGEST_MAX_BYTES unless they are no records, each of which costs as much to refuse.
MAX_MESSAGES = 250_000

_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


def read_messages(request: HttpRequest, max_bytes: int) -> list[bytes]:
    """The messages, not looked into yet. Raises APIException."""
    content_type = request.content_type or ""
    if content_type not in (JSON, NDJSON):
        raise UnsupportedMediaType(content_type, f"Send {JSON} (an array) or {NDJSON}.")
    refusal = f"A request may have at most {max_bytes} bytes (INGEST_MAX_BYTES); send several."
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise UnsupportedMediaType(encoding, "Content-Encoding may be gzip or left out.")
    data = Body(request, max_bytes, refusal).read_all()
    if encoding == "gzip":
        data = _inflate(data, max_bytes, refusal)
    messages = _array(data) if content_type == JSON else _lines(data)
    if len(messages) > MAX_MESSAGES:
        raise TooLarge(f"A request may have at most {MAX_MESSAGES:,} records; send several.")
    return messages


def _inflate(data: bytes, max_bytes: int, refusal: str) -> bytes:
    """The content of gzip data, stopped where it gets larger than it may be."""
    plain = b""
    while data:
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            plain += member.decompress(data, max_bytes + 1 - len(plain))
        except zlib.error as error:
            raise ParseError(f"The body is not gzip: {error}.") from error
        if len(plain) > max_bytes:
            raise TooLarge(refusal)
        if not member.eof:
            raise ParseError("The gzip data ended early; send it again.")
        data = member.unused_data
    return plain


def _array(data: bytes) -> list[bytes]:
    try:
        return [bytes(raw) for raw in _decode_array(data)]
    except (msgspec.DecodeError, RecursionError) as error:
        raise ParseError(f"The body is not a JSON array of records: {error}.") from error


def _lines(data: bytes) -> list[bytes]:
    return [line for line in data.split(b"\n") if line and not line.isspace()]
