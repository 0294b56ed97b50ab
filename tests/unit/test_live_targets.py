"""Where targets are, and the files that list them."""

import argparse
import json
import logging
import os

import pytest

from workers.live.address import read_address
from workers.live.arguments import add_live_arguments, live_sources, wants_live
from workers.live.nvml import NvmlUnavailable
from workers.live.targets_file import TargetsFile
from workers.sources.source import SourceError


def any_time(timestamp):
    """Accepts every time."""


def parse(*arguments):
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_live_arguments(parser)
    return vars(parser.parse_args(arguments))


def urls(addresses):
    return [address.url for address in addresses]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "targets.json"
    path.write_text(json.dumps([{"targets": ["a:9400", "b:9400"], "labels": {"dc": "fra"}}]))
    return path


@pytest.mark.parametrize(
    ("text", "url", "host"),
    [
        ("node-1:9400", "http://node-1:9400/metrics", "node-1"),
        ("http://node-1:9400", "http://node-1:9400/metrics", "node-1"),
        ("http://node-1:9400/", "http://node-1:9400/metrics", "node-1"),
        ("https://10.0.0.7/gpu?x=1", "https://10.0.0.7/gpu?x=1", "10.0.0.7"),
        ("http://user:secret@node-1:9400/metrics", "http://node-1:9400/metrics", "node-1"),
    ],
)
def test_a_target_is_a_url_or_a_host_and_port(text, url, host):
    address = read_address(text)
    assert (address.url, address.host) == (url, host)
    assert address.auth == ("user:secret" if "secret" in text else "")


def test_labels_that_prometheus_gives_a_meaning_have_it_here():
    labels = {"__scheme__": "https", "__metrics_path__": "/gpu", "__meta_x": "y", "dc": "fra"}
    address = read_address("a:9400", labels)
    assert (address.url, address.labels) == ("https://a:9400/gpu", (("dc", "fra"),))


@pytest.mark.parametrize(
    "text", ["", "ftp://a:1/x", "http://", "http://a:port/", "http:///metrics"]
)
def test_what_is_no_target_is_refused(text):
    with pytest.raises(SourceError, match="is not a URL like"):
        read_address(text)


def test_a_refused_url_is_shown_without_its_password():
    with pytest.raises(SourceError, match=r"^a:port/x: ") as caught:
        read_address("http://user:secret@a:port/x")
    assert "secret" not in str(caught.value)


def test_a_list_of_targets_is_read_in_json_and_in_yaml(file, tmp_path):
    yaml = tmp_path / "targets.yml"
    yaml.write_text("- targets: ['a:9400', 'b:9400']\n  labels: {dc: fra}\n")
    assert TargetsFile(yaml).addresses() == TargetsFile(file).addresses()
    assert urls(TargetsFile(file).addresses()) == [
        "http://a:9400/metrics", "http://b:9400/metrics",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["{", '{"targets": []}', '[{"labels": {}}]', '[{"targets": ["ftp://a"]}]', '[{"targets": [5]}]',
     "[" * 100_000, "\ufeff[]"],
)  # fmt: skip
def test_a_file_that_is_broken_at_the_start_is_refused(file, text):
    file.write_text(text)
    with pytest.raises(SourceError, match=r"targets\.json: is not a list like"):
        TargetsFile(file)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        TargetsFile(tmp_path / "none.json")


def test_a_changed_file_is_read_again_and_a_broken_one_keeps_the_last_targets(file, caplog):
    targets = TargetsFile(file)
    replace(file, '[{"targets": ["c:9400"]}]')
    assert urls(targets.addresses()) == ["http://c:9400/metrics"]
    caplog.set_level(logging.ERROR)
    replace(file, '[{"targets": ["d:9400"')
    for _ in range(3):
        assert urls(targets.addresses()) == ["http://c:9400/metrics"]
    file.unlink()
    for _ in range(3):
        assert urls(targets.addresses()) == ["http://c:9400/metrics"]
    errors = [entry.message for entry in caplog.records if entry.levelno == logging.ERROR]
    assert [message.endswith("are kept") for message in errors] == [True, True]
    replace(file, "[]")
    assert targets.addresses() == []


def replace(file, text):
    """Another file in its place, as those who care write one."""
    new = file.with_name("new")
    new.write_text(text)
    new.rename(file)


def test_the_arguments_name_every_target_once(file):
    options = parse("--scrape", "a:9400", "--scrape", "http://c:1/x", "--targets", str(file))
    assert wants_live(options)
    names = [source.name for source in live_sources(options, any_time)()]
    assert sorted(names) == ["http://a:9400/metrics", "http://b:9400/metrics", "http://c:1/x"]


def test_a_target_that_stays_in_the_file_stays_the_same_source(file):
    find = live_sources(parse("--targets", str(file)), any_time)
    _, second = find()
    replace(file, '[{"targets": ["b:9400"], "labels": {"dc": "fra"}}, {"targets": ["c:9400"]}]')
    stayed, new = find()
    assert stayed is second
    assert new.name == "http://c:9400/metrics"


def test_nothing_live_is_wanted_by_default():
    assert not wants_live(parse())


@pytest.mark.parametrize(
    "arguments", [("--interval", "0.05"), ("--interval", "nan"), ("--scrape", "ftp://a")]
)
def test_wrong_arguments_are_refused(arguments):
    with pytest.raises(argparse.ArgumentError):
        parse(*arguments)


@pytest.mark.skipif(os.path.exists("/dev/nvidiactl"), reason="this host has an NVIDIA driver")
def test_without_a_driver_the_real_library_says_so():
    with pytest.raises(NvmlUnavailable, match=r"needs NVIDIA's driver .*does nvidia-smi work"):
        live_sources(parse("--nvml"), any_time)
