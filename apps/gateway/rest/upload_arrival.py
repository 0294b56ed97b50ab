"""An upload on its way in: multipart in, a file in the storage out, and nothing whole in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from apps.gateway.rest.body import ENDED_EARLY, Body
from apps.gateway.rest.refusals import TooLarge
from apps.telemetry.csv_header import HeaderError
from apps.telemetry.csv_start import StartCheck
from apps.telemetry.upload_files import IncomingFile

FIELD = "file"
# Boundaries, part headers and small fields around the file itself.
FORM_BYTES = 64 * 1024
ONE_FILE = f"Send one file, in the field `{FIELD}`, with a file name."


class ToStorage(FileUploadHandler):
    """Writes the file to the storage while it arrives, and ends the request as soon as it must."""

    chunk_size = 256 * 1024

    def __init__(self, max_bytes: int) -> None:
        super().__init__()
        self._max_bytes = max_bytes
        self._start = StartCheck()
        self.incoming: IncomingFile | None = None

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        """A file begins; `file_name` is without folders and control characters."""
        super().new_file(field_name, file_name, *args, **kwargs)
        if field_name != FIELD or self.incoming is not None:
            raise ParseError(ONE_FILE)
        self.incoming = IncomingFile(file_name)

    def receive_data_chunk(self, raw_data: bytes, _start: int) -> None:
        """The next bytes. Raises what the request is answered with."""
        assert self.incoming is not None, "new_file comes first"
        if self.incoming.size_bytes + len(raw_data) > self._max_bytes:
            raise TooLarge(too_large(self._max_bytes))
        try:
            self._start.feed(raw_data)
        except HeaderError as error:
            raise _refused(self.incoming, error) from error
        self.incoming.write(raw_data)

    def file_complete(self, _file_size: int) -> None:
        """The file has ended. Raises ParseError."""
        assert self.incoming is not None, "new_file comes first"
        try:
            self._start.finish()
        except HeaderError as error:
            raise _refused(self.incoming, error) from error


def _refused(file: IncomingFile, error: HeaderError) -> ParseError:
    return ParseError(f"{file.filename[-100:]}: {error}.")


def too_large(max_bytes: int) -> str:
    """Why a file is refused."""
    return f"A file may have at most {max_bytes} bytes (UPLOAD_MAX_BYTES); compress or split it."


@contextmanager
def receive(request: HttpRequest, max_bytes: int) -> Iterator[IncomingFile]:
    """The file of a multipart request, in the storage under its temporary name.

    It is deleted after the block unless it was kept and is wanted. Raises APIException and
    StorageFailed.
    """
    if not (request.content_type or "").startswith("multipart/form-data"):
        raise UnsupportedMediaType(
            request.content_type or "", "Send multipart/form-data; see /api/docs/."
        )
    body = Body(request, max_bytes + FORM_BYTES, too_large(max_bytes))
    handler = ToStorage(max_bytes)
    try:
        _parse(request, body, handler)
        if handler.incoming is None:
            raise ParseError(ONE_FILE)
        yield handler.incoming
    finally:
        if handler.incoming is not None and not handler.incoming.is_wanted:
            handler.incoming.discard()


def _parse(request: HttpRequest, body: Body, handler: ToStorage) -> None:
    tail: Any = _Tail(body)  # the parser's type asks for more than the parser does
    # Django parses nothing where no length is announced.
    meta = {**request.META, "CONTENT_LENGTH": body.announced_bytes or FORM_BYTES}
    try:
        parser = MultiPartParser(meta, tail, [handler], request.encoding)
        parser.parse()
    except MultiPartParserError as error:
        raise ParseError(f"The form cannot be read: {error}") from error
    except SuspiciousOperation as error:  # too many fields, too much in them
        raise ParseError(str(error)) from error
    boundary = request.content_params["boundary"].encode()  # type: ignore[index]
    if b"--" + boundary + b"--" not in tail.bytes:
        raise ParseError(ENDED_EARLY)


class _Tail:
    """Keeps the end of what is read, where a form that is whole has its last boundary."""

    SIZE = 1024

    def __init__(self, body: Body) -> None:
        self._body = body
        self.bytes = b""

    def read(self, size: int) -> bytes:
        """The next bytes."""
        data = self._body.read(size)
        self.bytes = (self.bytes + data[-self.SIZE :])[-self.SIZE :]
        return data
