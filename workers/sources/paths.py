"""The CSV files that the `--path` arguments mean."""

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from workers.sources.source import SourceError


def find_csv_files(paths: Iterable[str]) -> tuple[list[Path], list[SourceError]]:
    """The files of every path (a file, a directory or a glob), each file once, in order.

    A directory stands for the `.csv` files in it. A path that stands for nothing is an error; a
    file that cannot be read is one later, when it is opened.
    """
    found: dict[str, Path] = {}
    errors: list[SourceError] = []
    for text in paths:
        try:
            for path in _expand(text):
                found.setdefault(os.path.realpath(path), path)  # which minds no loop of links
        except SourceError as error:
            errors.append(error)
    return list(found.values()), errors


def _expand(text: str) -> list[Path]:
    path = Path(text)
    if path.is_dir():
        return _in_directory(path)
    if path.exists() or not glob.has_magic(text):
        return [path]
    matches = [Path(match) for match in sorted(glob.glob(text, recursive=True))]
    files = [match for match in matches if not match.is_dir()]
    if not files:
        raise SourceError(f"{text}: no file matches")
    return files


def _in_directory(directory: Path) -> list[Path]:
    try:
        files = sorted(
            path
            for path in directory.iterdir()
            if path.suffix.lower() == ".csv" and not path.name.startswith(".") and path.is_file()
        )
    except OSError as error:
        raise SourceError(f"{directory}: cannot be read: {error.strerror}") from error
    if not files:
        raise SourceError(f"{directory}: holds no .csv file")
    return files
