"""Messages to clients, as text. One that goes to many is made once."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from apps.gateway.live.choice import Choice
from apps.gateway.live.cursor import Cursor
from apps.telemetry.queries.changes import Change


class Message(NamedTuple):
    """`text` is a JSON object of type `kind`; `cursor` where it moves the client's place."""

    kind: str
    text: str
    cursor: str = ""


def message(kind: str, **members: Any) -> Message:
    """A message of these members; None leaves one out."""
    present = {name: value for name, value in members.items() if value is not None}
    return Message(kind, msgspec.json.encode({"type": kind, **present}).decode())


def error(status: int, detail: str, parameter: str | None = None, id: str | None = None) -> Message:
    """What is wrong: `status` is HTTP's, `parameter` the member at fault, `id` a subscription."""
    return message("error", id=id, status=status, detail=detail, parameter=parameter)


class Tick:
    """Samples for everybody who made the same choice; made into text when first wanted."""

    def __init__(self, kind: str, choice: Choice, rows: Sequence[Change], cursor: Cursor) -> None:
        self.kind = kind
        self._choice = choice
        self._rows = rows
        self._cursor = cursor.text
        self._rest = ""
        self._of: dict[str, Message] = {}

    @property
    def uuids(self) -> Iterable[str]:
        """The GPUs in it."""
        return (row.uuid for row in self._rows)

    def message(self, id: str) -> Message:
        """The message for a subscription of this id; most have the same."""
        known = self._of.get(id)
        if known is None:
            head = f'{{"type":"{self.kind}","id":{msgspec.json.encode(id).decode()},'
            known = self._of[id] = Message(self.kind, head + self._body(), self._cursor)
        return known

    def _body(self) -> str:
        if not self._rest:
            lines = self._choice.lines(self._rows)
            self._rest = (
                f'"cursor":"{self._cursor}","count":{len(self._rows)},"results":[{lines}]}}'
            )
        return self._rest
