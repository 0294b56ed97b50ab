"""What the person at the terminal should see of a child's log: warnings, errors, tracebacks."""

import re
from pathlib import Path

LEVEL = re.compile(r"\b(DEBUG|INFO|WARNING|ERROR|CRITICAL)\b")
LOUD = {"WARNING", "ERROR", "CRITICAL"}
ROTATE_BYTES = 16 * 1024 * 1024


class LogFollower:
    """Reads what is appended to one file from now on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size if path.exists() else 0
        self._unfinished = b""
        self._loud = False

    def loud_lines(self) -> list[str]:
        """New complete lines of level WARNING and above, with the lines that belong to them."""
        return [line for line in self._new_lines() if self._is_loud(line)]

    def _new_lines(self) -> list[str]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                added = file.read()
        except FileNotFoundError:
            return []
        self._offset += len(added)
        *lines, self._unfinished = (self._unfinished + added).split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def _is_loud(self, line: str) -> bool:
        """A line without a level (a traceback's) goes with the line before it."""
        if level := LEVEL.search(line[:80]):
            self._loud = level[1] in LOUD
        elif line.startswith("Traceback "):
            self._loud = True
        return self._loud and bool(line.strip())


def rotate(path: Path) -> None:
    """Set a log that has grown large aside; one earlier generation is kept."""
    if path.exists() and path.stat().st_size > ROTATE_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
