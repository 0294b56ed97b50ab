"""`/ws/telemetry/`: the newest samples, and what changes."""

from apps.gateway.live.hub import hub
from apps.gateway.live.message import message
from apps.gateway.ws.live_socket import LiveSocket
from apps.gateway.ws.messages import (
    AnyMessage,
    BadMessage,
    Subscribe,
    Unsubscribe,
    choice_of,
    cursor_of,
)

MAX_SUBSCRIPTIONS = 16


class TelemetrySocket(LiveSocket):
    """Any number of subscriptions, up to a bound, by their ids."""

    face = "telemetry"

    async def handle(self, incoming: AnyMessage) -> None:
        """Subscribe or unsubscribe."""
        if isinstance(incoming, Subscribe):
            await self._subscribe(incoming)
        elif isinstance(incoming, Unsubscribe):
            if not hub().unsubscribe(self.feed, incoming.id):
                raise BadMessage("There is no such subscription.", "id", incoming.id)
            self._say(message("unsubscribed", id=incoming.id))

    async def _subscribe(self, wanted: Subscribe) -> None:
        outlets = self.feed.outlets
        if len(outlets) >= MAX_SUBSCRIPTIONS and wanted.id not in outlets:
            raise BadMessage(
                f"There are {MAX_SUBSCRIPTIONS} subscriptions, no more fit on a connection.",
                "id", wanted.id,
            )  # fmt: skip
        try:
            choice = choice_of(wanted.filters, self.visitor.principal.clusters)
            cursor = cursor_of(wanted.cursor)
        except BadMessage as wrong:
            wrong.id = wanted.id
            raise
        await hub().subscribe(self.feed, wanted.id, choice, wanted.interval_ms / 1000, cursor)

    def leave(self) -> None:
        """End its subscriptions."""
        hub().leave(self.feed)
