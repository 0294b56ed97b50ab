"""What a subscription is about: filters, metrics, and which clusters its holder may see. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from apps.telemetry.queries import COLUMNS
from apps.telemetry.queries.changes import PLACE, Change

_ALWAYS = (*PLACE, "timestamp")


@dataclass(frozen=True, slots=True)
class Choice:
    """Equal choices get the same messages. None leaves a filter out; `columns` None is all."""

    cluster: str | None = None
    hostname: str | None = None
    uuids: frozenset[str] | None = None
    columns: tuple[str, ...] | None = None
    clusters: frozenset[str] | None = None

    def matches(self, row: Change) -> bool:
        """Whether this GPU is chosen and may be seen."""
        return (
            (self.uuids is None or row.uuid in self.uuids)
            and (self.cluster is None or row.cluster == self.cluster)
            and (self.hostname is None or row.hostname == self.hostname)
            and (self.clusters is None or row.cluster in self.clusters)
        )

    def of(self, rows: Mapping[str, Change]) -> list[Change]:
        """The chosen ones of these rows by UUID."""
        if self.uuids is not None and len(self.uuids) < len(rows):
            named = (rows[uuid] for uuid in self.uuids if uuid in rows)
            return [row for row in named if self.matches(row)]
        return [row for row in rows.values() if self.matches(row)]

    def lines(self, rows: Iterable[Change]) -> str:
        """These rows as JSON objects with commas between."""
        if self.columns is None:
            return ",".join(row.line for row in rows)
        names = (*_ALWAYS, *self.columns)
        return ",".join(_part(row.line, names) for row in rows)


def columns_of(names: Iterable[str]) -> tuple[str, ...] | None:
    """Metrics in the order of the registry, so that it does not matter how they are asked for.

    None if they are all of them. The names are the registry's.
    """
    chosen = set(names)
    columns = tuple(name for name in COLUMNS if name in chosen)
    return None if columns == COLUMNS else columns


def _part(line: str, names: tuple[str, ...]) -> str:
    fields = _decode(line)
    return msgspec.json.encode({name: fields[name] for name in names}).decode()


_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
