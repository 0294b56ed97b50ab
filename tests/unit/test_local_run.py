"""The rules of a local run: restarts, what reaches the terminal, whose settings win."""

from pathlib import Path

import pytest

from apps.embedded.etcd import EtcdOptions, arguments, may_lose_writes
from apps.embedded.ports import free_port
from workers.local.preparation import given, write_local_env
from workers.supervisor.log_follower import LogFollower, rotate
from workers.supervisor.restarts import Restarts


def test_the_delay_doubles_with_each_death_in_a_row() -> None:
    restarts = Restarts(limit=3, first_delay_s=1)
    assert [restarts.delay_after(0.1) for _ in range(4)] == [1, 2, 4, None]


def test_a_program_that_stayed_up_starts_afresh() -> None:
    restarts = Restarts(limit=2, first_delay_s=1, steady_s=60)
    assert [restarts.delay_after(ran_s) for ran_s in (0, 0, 61, 0, 0)] == [1, 2, 1, 2, None]


def test_only_warnings_errors_and_their_tracebacks_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "program.log"
    path.write_text("2025-07-18 20:42:34,000 ERROR old: before the run\n")
    follower = LogFollower(path)
    with path.open("a") as log:
        log.write(
            "2025-07-18 20:42:35,000 INFO a: quiet\n"
            "2025-07-18 20:42:35,100 WARNING a: loud\n"
            "2025-07-18 20:42:35,200 INFO a: quiet again\n"
            "  belongs to the quiet one\n"
            "Traceback (most recent call last):\n"
            '  File "x.py", line 1\n'
            "ValueError: bad\n"
            "2025-07-18 20:42:36,000 ERR"
        )
        log.flush()
        assert follower.loud_lines() == [
            "2025-07-18 20:42:35,100 WARNING a: loud",
            "Traceback (most recent call last):",
            '  File "x.py", line 1',
            "ValueError: bad",
        ]
        log.write("OR a: cut in two\n")
    assert follower.loud_lines() == ["2025-07-18 20:42:36,000 ERROR a: cut in two"]


def test_a_log_that_has_grown_large_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "program.log"
    path.write_text("small")
    rotate(path)
    assert path.read_text() == "small"
    with path.open("r+b") as log:
        log.truncate(17 * 1024 * 1024)
    rotate(path)
    assert not path.exists()
    assert (tmp_path / "program.log.1").exists()


def test_a_setting_of_the_caller_wins_over_the_one_that_an_earlier_run_wrote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_local_env(tmp_path, {"DATABASE_URL": "postgres://earlier"})
    monkeypatch.setenv("DATABASE_URL", "postgres://earlier")
    assert given("DATABASE_URL", tmp_path) == ""
    monkeypatch.setenv("DATABASE_URL", "postgres://mine")
    assert given("DATABASE_URL", tmp_path) == "postgres://mine"


def test_the_settings_file_is_for_its_owner_only(tmp_path: Path) -> None:
    write_local_env(tmp_path, {"SECRET_KEY": "secret"})
    assert (tmp_path / "local.env").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("version", "unsafe"),
    [((3, 4, 23), False), ((3, 5, 0), True), ((3, 5, 2), True), ((3, 5, 3), False)],
)
def test_versions_of_etcd_that_can_lose_writes_are_known(
    version: tuple[int, int, int], unsafe: bool
) -> None:
    assert may_lose_writes(version) is unsafe


def test_etcd_compacts_by_itself_and_is_told_its_limits() -> None:
    line = arguments(Path("etcd"), Path("/data"), 2379, 2380, EtcdOptions(max_txn_ops=512))
    assert "--auto-compaction-mode=periodic" in line
    assert "--auto-compaction-retention=60s" in line
    assert "--max-txn-ops=512" in line


def test_a_preferred_port_is_kept_while_it_is_free() -> None:
    port = free_port()
    assert free_port(port) == port
