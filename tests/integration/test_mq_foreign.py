"""Messages that other programs put as plain keys are adopted; what is not of the format is not."""

import os
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from apps.mq import Batch, Consumer, Queue
from apps.mq.keys import Keys
from apps.mq.sweep import KEYS_PER_GAP
from apps.telemetry.records import Record, decode
from tests.integration.queue_steps import publish, put, take_all, values

GO_EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "go"
STAMP = 1_700_000_000_000_000_000


@pytest.fixture
def etcdctl(etcd_endpoints: list[str]) -> list[str]:
    found = shutil.which("etcdctl")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("CI needs etcdctl: install the package etcd-client")
        pytest.skip("no etcdctl found: install the package etcd-client")
    return ["env", "ETCDCTL_API=3", found, f"--endpoints={','.join(etcd_endpoints)}"]


@pytest.fixture
def go_program(tmp_path: Path) -> Path:
    if shutil.which("go") is None:
        pytest.skip("no Go found")
    program = tmp_path / "publish"
    try:
        # Too old a Go, or no way to the modules: no fault of the program's.
        in_example(["go", "mod", "download"])
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"the Go program's modules cannot be fetched: {error.stderr!r:.300}")
    in_example(["go", "build", "-o", str(program), "."])
    return program


def in_example(command: list[str]) -> None:
    subprocess.run(command, cwd=GO_EXAMPLE, capture_output=True, text=True, timeout=300, check=True)


def records(batches: list[Batch]) -> list[Record]:
    return [decode(message.value) for batch in batches for message in batch.messages]


def keys_at(keys: Keys, stamps: range) -> list[tuple[bytes, bytes]]:
    return [(keys.message_prefix(stamp) + b"h_0_0", b"%d" % (stamp - STAMP)) for stamp in stamps]


def test_what_etcdctl_puts_is_taken_with_its_values(
    etcdctl, queue_config, cluster_id, start_consumer
):
    one = start_consumer("one")
    for gpu in range(5):
        subprocess.run(
            [
                *etcdctl, "put", f"/telemetry/queue/{cluster_id}/{time.time_ns()}_node_7_{gpu}_0",
                f'{{"timestamp": "2026-01-31T12:00:00Z", "gpu_id": {gpu}, "hostname": "node_7",'
                f' "uuid": "GPU-{gpu}", "power_draw": "412.5", "temperature": 61,'
                ' "weather": "fine"}',
            ],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
    taken = take_all(one, 5, acknowledge=True)
    found = {record.gpu_id: record for record in records(taken)}
    assert sorted(found) == list(range(5))
    for gpu, record in found.items():
        assert record.uuid == f"GPU-{gpu}"
        assert record.power_draw == 412.5
        assert record.temperature == 61
        assert record.gpu_utilization is None
        assert record.extra == {"weather": "fine"}
    assert Queue(queue_config).depth() == 0


def test_what_a_go_program_puts_is_taken_with_its_values(
    go_program, etcd_endpoints, queue_config, cluster_id, start_consumer
):
    one = start_consumer("one")
    arguments = ["-endpoints", ",".join(etcd_endpoints), "-cluster", cluster_id, "-count", "50"]
    subprocess.run([go_program, *arguments], check=True, capture_output=True, timeout=60)
    taken = records(take_all(one, 50, acknowledge=True))
    assert len(taken) == 50
    assert {(r.hostname, r.gpu_id, r.gpu_utilization, r.power_draw) for r in taken} == {
        ("go-node-1", 0, 97.5, 412.25)
    }
    assert Queue(queue_config).depth() == 0


def test_twenty_thousand_messages_of_a_nanosecond_each_are_taken_once(queue_config):
    count = 20_000
    put(queue_config, keys_at(Keys(queue_config.cluster), range(STAMP, STAMP + count)))
    one = Consumer(replace(queue_config, lease_s=60), "one")
    one.start()
    taken = take_all(one, count)  # all in hand, none acknowledged
    assert values(taken) == list(range(count))
    for _ in range(20):
        assert one.take(8, 0.1) == []
    one.ack(taken)
    one.close()
    assert Queue(queue_config).depth() == 0


def test_foreign_messages_that_are_given_back_are_taken_again(queue_config, start_consumer):
    put(queue_config, keys_at(Keys(queue_config.cluster), range(STAMP, STAMP + 30)))
    one = start_consumer("one")
    one.release(take_all(one, 30))
    assert values(take_all(one, 30, acknowledge=True)) == list(range(30))
    assert Queue(queue_config).depth() == 0


def test_foreign_messages_between_batches_take_no_batch_with_them(queue_config, start_consumer):
    keys = Keys(queue_config.cluster)
    stamps = [STAMP + number for number in range(9)]
    put(queue_config, keys_at(keys, range(STAMP, STAMP + 9)))
    put(queue_config, [(keys.descriptor(stamp), b'{"count": 1}') for stamp in stamps[1::3]])
    one = start_consumer("one")
    taken = take_all(one, 9)
    assert values(taken) == list(range(9))
    assert {batch.timestamp for batch in taken if batch.descriptor} == {*stamps[1::3]}
    one.ack(taken)
    assert Queue(queue_config).depth() == 0


def test_a_key_not_of_the_format_is_reported_once_and_left_alone(
    queue_config, start_consumer, caplog
):
    keys = Keys(queue_config.cluster)
    strange = [keys.queue + name for name in (b"notes", b"17000_h_0_1", b"%d_h" % STAMP)]
    put(queue_config, [(key, b"{}") for key in strange])
    put(queue_config, [(keys.batches + b"12345", b"{}")])
    one = start_consumer("one")
    for start in (STAMP, STAMP + 10, STAMP + 20):
        put(queue_config, keys_at(keys, range(start, start + 10)))
        assert len(values(take_all(one, 10, acknowledge=True))) == 10
    reports = [r.getMessage() for r in caplog.records if "is left alone" in r.getMessage()]
    assert len(reports) == 4
    for key in (*strange, keys.batches + b"12345"):
        assert sum(repr(key.decode()) in report for report in reports) == 1
    assert Queue(queue_config).depth() == len(strange)


def test_strange_keys_in_front_hide_no_message(queue_config, start_consumer):
    keys, count = Keys(queue_config.cluster), KEYS_PER_GAP + 200
    put(queue_config, [(keys.queue + b"0%018d" % n, b"") for n in range(count)])
    put(queue_config, keys_at(keys, range(STAMP, STAMP + 5)))
    one = start_consumer("one")
    assert values(take_all(one, 5, acknowledge=True)) == list(range(5))
    # And again, once it has been all around.
    put(queue_config, keys_at(keys, range(STAMP + 5, STAMP + 10)))
    assert values(take_all(one, 5, acknowledge=True)) == list(range(5, 10))
    assert Queue(queue_config).depth() == count


@pytest.mark.parametrize("name", [b"note-%d", b"1%06d"])
def test_strange_keys_among_the_descriptors_hide_no_batch(queue_config, start_consumer, name):
    keys = Keys(queue_config.cluster)
    put(queue_config, [(keys.batches + name % n, b"{}") for n in range(2100)])
    publish(queue_config, 5)
    one = start_consumer("one")
    assert values(take_all(one, 5, acknowledge=True)) == list(range(5))
    publish(queue_config, 5, first=5)
    assert values(take_all(one, 5, acknowledge=True)) == list(range(5, 10))
    assert Queue(queue_config).depth() == 0
