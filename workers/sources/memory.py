"""What is remembered of earlier rows, in bounded memory, whatever stands in them."""

from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

# Names of usual lengths fit in three times; labels may have a thousand characters each.
CACHED_GPUS = 12_000
CACHED_GPU_BYTES = 12 << 20


class Memory(Generic[Key, Value]):
    """Values by key; when they become too many or too large it forgets all and begins anew."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._values: dict[Key, Value] = {}
        self._size_bytes = 0
        self.get = self._values.get

    def __contains__(self, key: Key) -> bool:
        return key in self._values

    def add(self, key: Key, value: Value, size_bytes: int) -> None:
        """Remember a value that is not known yet; with its key it takes about so many bytes."""
        if len(self._values) >= self._most or self._size_bytes + size_bytes > self._most_bytes:
            self._values.clear()
            self._size_bytes = 0
        self._values[key] = value
        self._size_bytes += size_bytes
