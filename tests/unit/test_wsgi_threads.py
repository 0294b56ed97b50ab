"""WSGI behind ASGI: what a WSGI application sees of a request, and what becomes of its answer."""

import asyncio
import threading

import pytest

from apps.gateway.serving import body
from apps.gateway.serving.threads import WsgiThreads

SCOPE = {
    "type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "path": "/",
    "raw_path": b"/", "query_string": b"", "headers": [], "server": ("127.0.0.1", 8000),
    "client": ("127.0.0.1", 50000),
}  # fmt: skip
DEADLINE_S = 20


class Client:
    """The other end: gives the events it is made with, then leaves when it is told to."""

    def __init__(self, *events):
        self.events = list(events)
        self.leaves = asyncio.Event()
        self.sent = []

    async def receive(self):
        if self.events:
            return self.events.pop(0)
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, event):
        self.sent.append(event)

    @property
    def body(self):
        return b"".join(event.get("body", b"") for event in self.sent[1:])


def part(body, more=False):
    return {"type": "http.request", "body": body, "more_body": more}


def call(wsgi, *events, **scope):
    async def exchange():
        client = Client(*events)
        application = WsgiThreads(wsgi, 2)
        await asyncio.wait_for(application({**SCOPE, **scope}, client.receive, client.send), 20)
        return client

    return asyncio.run(exchange())


def environ_of_request(*events, **scope):
    seen = {}

    def wsgi(environ, start_response):
        seen.update(environ)
        seen["body"] = environ["wsgi.input"].read()
        start_response("200 OK", [("X-Answer", "1")])
        return [b"yes"]

    client = call(wsgi, *events, **scope)
    assert client.sent[0]["headers"] == [(b"x-answer", b"1")]
    assert client.body == b"yes"
    return seen


def test_a_path_is_decoded_from_the_bytes_that_were_sent():
    assert environ_of_request(raw_path=b"/a%C3%A9%FF%2Fb")["PATH_INFO"] == "/aÃ©ÿ/b"


def test_a_header_given_twice_is_one_list_and_cookies_stay_cookies():
    seen = environ_of_request(
        headers=[(b"accept", b"a"), (b"accept", b"b"), (b"cookie", b"a=1"), (b"cookie", b"b=2")]
    )
    assert seen["HTTP_ACCEPT"] == "a,b"
    assert seen["HTTP_COOKIE"] == "a=1; b=2"


def test_a_header_with_an_underscore_cannot_pass_for_one_that_a_proxy_sets():
    seen = environ_of_request(headers=[(b"x_forwarded_for", b"1.2.3.4"), (b"x-real-ip", b"::1")])
    assert "HTTP_X_FORWARDED_FOR" not in seen
    assert seen["HTTP_X_REAL_IP"] == "::1"


def test_a_small_body_has_arrived_before_the_application_runs():
    headers = [(b"content-length", b"6"), (b"content-type", b"text/plain")]
    seen = environ_of_request(part(b"abc", True), part(b"def"), headers=headers)
    assert (seen["CONTENT_LENGTH"], seen["CONTENT_TYPE"]) == ("6", "text/plain")
    assert seen["body"] == b"abcdef"


@pytest.mark.parametrize("headers", [[(b"transfer-encoding", b"chunked")],
                                     [(b"content-length", b"3000000")]])  # fmt: skip
def test_a_large_body_is_read_in_its_parts(headers):
    parts = [part(bytes([number]) * 1_000_000, number < 2) for number in range(3)]
    assert environ_of_request(*parts, headers=headers)["body"] == b"".join(
        bytes([number]) * 1_000_000 for number in range(3)
    )


def test_a_client_that_leaves_within_its_body_is_an_error_of_reading():
    caught = []

    def wsgi(environ, start_response):
        with pytest.raises(OSError, match="left") as error:
            environ["wsgi.input"].read()
        caught.append(error)
        start_response("400 Bad Request", [])
        return []

    left = {"type": "http.disconnect"}
    call(wsgi, part(b"abc", True), left, headers=[(b"transfer-encoding", b"chunked")])
    assert caught


def test_without_its_small_body_a_request_does_not_run():
    left = {"type": "http.disconnect"}
    client = call(None, part(b"abc", True), left, headers=[(b"content-length", b"6")])
    assert client.sent == []


def test_a_small_body_that_stops_arriving_is_shorter_than_announced(monkeypatch):
    monkeypatch.setattr(body, "STALL_S", 0.1)
    seen = environ_of_request(part(b"abc", True), headers=[(b"content-length", b"6")])
    assert seen["CONTENT_LENGTH"] == "6"
    assert seen["body"] == b""


def test_a_streamed_answer_is_sent_in_its_parts():
    def wsgi(environ, start_response):
        start_response("200 OK", [])
        return iter([b"a", b"", b"b"])

    assert [event.get("body") for event in call(wsgi).sent] == [None, b"a", b"b", b""]


def test_a_streamed_answer_is_closed_when_its_client_leaves():
    closed = threading.Event()

    class Endless:
        def __iter__(self):
            while True:
                yield b"x"

        def close(self):
            closed.set()

    def wsgi(environ, start_response):
        start_response("200 OK", [])
        return Endless()

    async def exchange():
        client = Client()
        application = WsgiThreads(wsgi, 1)
        answering = asyncio.ensure_future(application(SCOPE, client.receive, client.send))
        while len(client.sent) < 3:
            await asyncio.sleep(0)
        client.leaves.set()
        await asyncio.wait_for(answering, DEADLINE_S)

    asyncio.run(exchange())
    assert closed.wait(DEADLINE_S)


def test_an_answer_that_fails_half_way_does_not_look_whole():
    def wsgi(environ, start_response):
        start_response("200 OK", [])
        yield b"a"
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        call(wsgi)
