"""What both kinds of WebSocket share: who may open one, what may be sent, and how it ends."""

import asyncio
import logging
import random
from collections.abc import Coroutine
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer

from apps.gateway.access.limiter import Limiter
from apps.gateway.access.origins import is_origin_allowed
from apps.gateway.live.clients import TOO_SLOW, clients
from apps.gateway.live.feed import Feed, Overflow
from apps.gateway.live.message import error, message
from apps.gateway.live.sending import Sending
from apps.gateway.live.visitor import RECHECK_S, SIGN_IN, Turned, Visitor
from apps.gateway.metrics.live import DROPPED
from apps.gateway.ws.closing import Closing
from apps.gateway.ws.messages import AnyMessage, Authenticate, BadMessage, Ping, read_message

logger = logging.getLogger(__name__)

# Of the client's messages.
MAX_BYTES = 64 * 1024
PER_S, BURST = 20, 40
AUTHENTICATE_S = 5.0

TOO_BIG, TRY_LATER, FAULT = 1009, 1013, 1011
TURNED = {401: 4001, 403: 4003, 429: 4029, 503: TRY_LATER}


class LiveSocket(AsyncWebsocketConsumer):
    """A socket that is closed with a code and a reason, whatever happens to it."""

    face = ""

    def __init__(self) -> None:
        super().__init__()
        self.feed = Feed()
        self.sending = Sending(self.face)
        self.visitor: Visitor
        self._closing: Closing
        self._authenticated = asyncio.Event()
        self._limiter = Limiter(PER_S, BURST)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one socket to its end."""
        self.visitor = Visitor(scope)
        self._closing = Closing(receive, send)
        try:
            await super().__call__(scope, self._closing.receive, send)
        finally:
            for task in self._tasks:
                task.cancel()
            self.leave()
            clients().release(self)

    def end(self, code: int, reason: str) -> None:
        """Close it, with a WebSocket close code and why."""
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()
        self._closing.ask(code, reason)

    def leave(self) -> None:
        """Let go of what the socket was subscribed to."""

    async def welcome(self) -> None:
        """The client may read from now on. Raises Turned."""

    async def handle(self, incoming: AnyMessage) -> None:
        """Do what a message says. Raises BadMessage."""
        del incoming
        raise BadMessage("This socket takes `ping` and `authenticate` only.", "type")

    async def connect(self) -> None:
        """Let in whoever comes from an allowed page while there is room."""
        headers = {name: value.decode("latin-1") for name, value in self.scope["headers"]}
        if not is_origin_allowed(headers.get(b"origin"), headers.get(b"host", "")):
            self._drop("origin", 4003, "Pages of this origin may not connect.")
            return
        await self.accept()
        if not clients().admit(self):
            self._drop("full", TRY_LATER, "There are too many connections here; try again.")
            return
        self._start(self._write())
        try:
            await self.visitor.identify()
            if self.visitor.is_viewer:
                await self._let_in()
        except Turned as turned:
            self._turn(turned)
            return
        self._start(self._guard())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Check a message and do what it says."""
        if self._closing.is_asked:
            return
        text = text_data or ""
        if max(len(text), len(bytes_data or b"")) > MAX_BYTES:
            self._drop("size", TOO_BIG, f"A message has at most {MAX_BYTES} bytes.")
        elif self._limiter.take(""):
            self._drop("rate", TURNED[429], f"More than {PER_S} messages per second.")
        else:
            await self._answer(text)

    async def _answer(self, text: str) -> None:
        try:
            await self._dispatch_message(read_message(text))
        except BadMessage as wrong:
            self._say(error(400, wrong.detail, wrong.parameter, wrong.id))
        except Turned as turned:
            self._turn(turned)

    async def _dispatch_message(self, incoming: AnyMessage) -> None:
        match incoming:
            case Ping():
                self._say(message("pong", id=incoming.id))
            case Authenticate():
                await self._authenticate(incoming.token)
            case _ if not self.visitor.is_viewer:
                raise Turned(401, SIGN_IN)
            case _:
                await self.handle(incoming)

    async def _authenticate(self, token: str) -> None:
        if self.visitor.principal.name:
            raise BadMessage("This connection is signed in already.", "type")
        if self.feed.outlets:
            raise BadMessage("Sign in before anything else.", "type")
        await self.visitor.authenticate(token)
        if not self.visitor.is_viewer:
            raise Turned(403, "This needs the role viewer.")
        await self._let_in()

    async def _let_in(self) -> None:
        await self.welcome()
        self._authenticated.set()
        self._say(message("authenticated", name=self.visitor.principal.name))

    def _say(self, answer: Any) -> None:
        try:
            self.feed.answer(answer)
        except Overflow:
            self._drop("slow", TOO_SLOW, "Answers are not read.")

    def _turn(self, turned: Turned) -> None:
        self._drop("unauthorized", TURNED.get(turned.status, FAULT), turned.detail)

    def _drop(self, why: str, code: int, reason: str) -> None:
        DROPPED.labels(why).inc()
        self.end(code, reason)

    async def _guard(self) -> None:
        """Cut off who does not sign in, or may not read any more."""
        try:
            async with asyncio.timeout(AUTHENTICATE_S):
                await self._authenticated.wait()
        except TimeoutError:
            self._drop("unauthorized", TURNED[401], SIGN_IN)
            return
        while True:
            # Not all at once after many connected together.
            await asyncio.sleep(RECHECK_S * random.uniform(0.7, 1.0))
            try:
                await self.visitor.check_again()
            except Turned as turned:
                self._turn(turned)
                return

    async def _write(self) -> None:
        """Send what there is, one message when the one before was taken."""
        while True:
            outgoing = await self.feed.next()
            self.sending.begin()
            try:
                await self.base_send({"type": "websocket.send", "text": outgoing.text})
            except (RuntimeError, OSError):
                return  # it is closed; whoever receives will know
            self.sending.end()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._look_at)

    def _look_at(self, task: asyncio.Task[None]) -> None:
        """A side task that failed ends the socket: without it the client would wait for ever."""
        if not task.cancelled() and (fault := task.exception()) is not None:
            logger.error("A WebSocket's task has failed", exc_info=fault)
            self._drop("fault", FAULT, "A fault of the gateway; its log has the reason.")
