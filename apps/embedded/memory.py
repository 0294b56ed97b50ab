"""What a server must remember between starts: ports, passwords, its process id."""

import json
import os
from pathlib import Path
from typing import Any


class Memory:
    """A small JSON file, readable by its owner only; written whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._values: dict[str, Any] = json.loads(path.read_text())
        except FileNotFoundError:
            self._values = {}

    def get(self, name: str) -> Any:
        """The remembered value, or None."""
        return self._values.get(name)

    def set(self, **values: Any) -> None:
        """Remember values; on disk when this returns."""
        self._values.update(values)
        draft = self.path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self._values, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self.path)
