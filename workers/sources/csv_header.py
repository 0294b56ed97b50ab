"""The header of a CSV file that is a source: what is wrong with it names the file."""

from apps.telemetry.csv_header import Header, HeaderError, parse_header, split_start
from workers.sources.source import SourceError


def read_header(name: str, start: bytes) -> tuple[Header, bytes]:
    """The header of the file `name`, which begins with `start`, and what follows it there.

    Raises SourceError if it is no text, neither layout, or names a field twice.
    """
    try:
        line, rest = split_start(start)
        return parse_header(line), rest
    except HeaderError as error:
        raise SourceError(f"{name}: {error}") from error
