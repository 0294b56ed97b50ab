"""The header of a CSV file that is a source: what is wrong with it names the file."""

from apps.telemetry.csv_header import Header, HeaderError, parse_header
from workers.sources.source import SourceError


def read_header(name: str, line: str) -> Header:
    """Read the first line of the file `name`.

    Raises SourceError if it is neither layout or names a field twice.
    """
    try:
        return parse_header(line)
    except HeaderError as error:
        raise SourceError(f"{name}: {error}") from error
