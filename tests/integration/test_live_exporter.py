"""Exporters over HTTP, well-behaved and not."""

import ssl

import pytest
import trustme

from tests.integration.exporter_server import ExporterServer
from tests.unit.exporter_samples import page
from workers.live.address import read_address
from workers.live.exporter import Exporter
from workers.live.http_page import HttpPage
from workers.sources.source import SourceError


def any_time(timestamp):
    """Accepts every time."""


@pytest.fixture
def server():
    server = ExporterServer(page(8))
    yield server
    server.kill()


@pytest.fixture
def exporter(server):
    exporter = Exporter(read_address(server.url), 10.0, any_time)
    yield exporter
    exporter.close()


@pytest.fixture
def impatient(server):
    exporter = Exporter(read_address(server.url), 0.3, any_time)
    yield exporter
    exporter.close()


def test_one_connection_serves_every_scrape(server, exporter):
    for _ in range(5):
        assert len(exporter.sample().drafts) == 8
    assert (server.requests, server.connections) == (5, 1)


def test_a_connection_that_the_server_closed_is_made_again_without_a_word(server, exporter):
    server.close_after = True
    for _ in range(4):
        assert len(exporter.sample().drafts) == 8
    assert server.connections >= 4


def test_a_page_in_chunks_is_read_whole(server, exporter):
    server.chunked = True
    assert len(exporter.sample().drafts) == 8
    assert len(exporter.sample().drafts) == 8


def test_an_exporter_that_was_started_again_is_scraped_again(server, exporter):
    exporter.sample()
    server.kill()
    with pytest.raises(SourceError, match="cannot be reached"):
        exporter.sample()
    server.begin()
    assert len(exporter.sample().drafts) == 8


def test_an_exporter_that_does_not_answer_in_time_is_down(server, impatient):
    server.hang.set()
    with pytest.raises(SourceError, match=r"no answer within 0\.3 s"):
        impatient.sample()
    server.hang.clear()
    assert len(impatient.sample().drafts) == 8


def test_a_page_that_trickles_meets_the_timeout_too(server, impatient):
    server.trickle = True
    with pytest.raises(SourceError, match=r"no answer within 0\.3 s"):
        impatient.sample()


@pytest.mark.parametrize("status", [301, 404, 500, 503])
def test_any_answer_but_200_is_named(server, exporter, status):
    server.status = status
    server.headers = {"Location": "/elsewhere"}
    with pytest.raises(SourceError, match=f"{server.port}/metrics: answers {status}"):
        exporter.sample()
    assert server.requests == 1


def test_a_page_that_is_cut_off_gives_no_record(server, exporter):
    server.lie_bytes = 10
    with pytest.raises(SourceError, match=r"/metrics: .*IncompleteRead"):
        exporter.sample()


def test_a_huge_page_is_refused_although_it_is_small_when_compressed(server):
    server.page = "# a comment\n" * 2_000_000
    small = HttpPage(read_address(server.url), 20.0, max_bytes=1_000_000)
    with pytest.raises(SourceError, match="the page is over 1000000 bytes"):
        small.read()
    small.close()


def test_a_page_that_is_none_of_an_exporter_is_refused(server, exporter):
    server.page = "<html><body>It works!</body></html>"
    with pytest.raises(SourceError, match="is this dcgm-exporter"):
        exporter.sample()


def test_user_and_password_of_the_url_are_sent_and_never_shown(server, exporter):
    server.credentials = "user:secret"
    with pytest.raises(SourceError, match="answers 401"):
        exporter.sample()
    named = Exporter(read_address(f"http://user:secret@{server.address}"), 10.0, any_time)
    assert len(named.sample().drafts) == 8
    assert "secret" not in named.name
    named.close()


def test_a_host_that_does_not_exist_is_named(exporter):
    unknown = Exporter(read_address("http://no-such-host.invalid:9400"), 10.0, any_time)
    with pytest.raises(SourceError, match=r"no-such-host\.invalid:9400/metrics: cannot be reached"):
        unknown.sample()
    unknown.close()


def test_over_https_the_authority_that_ssl_cert_file_names_is_trusted(tmp_path, monkeypatch):
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    server = ExporterServer(page(2), tls)
    address = read_address(f"https://{server.address}/metrics")
    try:
        with pytest.raises(SourceError, match=r"no secure connection .*SSL_CERT_FILE names"):
            sample_once(address)
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert len(sample_once(address).drafts) == 2
    finally:
        server.kill()


def sample_once(address):
    exporter = Exporter(address, 10.0, any_time)
    try:
        return exporter.sample()
    finally:
        exporter.close()
