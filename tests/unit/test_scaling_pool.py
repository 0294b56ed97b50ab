"""A pool keeps as many processes as it is asked for, restarts, drains, and gives up."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.embedded.processes import Child, StartFailed
from workers.supervisor import command
from workers.supervisor import pool as pools
from workers.supervisor.pool import Pool

PATIENCE_S = 60
RUNS = "import time; time.sleep(600)"
DEAF = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('deaf', flush=True); time.sleep(600)"
)


class Workers:
    """Makes the children of a pool, and remembers them and what was said."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.made: list[Child] = []
        self.said: list[str] = []

    def pool(self, program: str, *, may_finish: bool = False) -> Pool:
        def make(number: int) -> Child:
            log = self._directory / f"worker-{number}.log"
            self.made.append(Child(f"worker-{number}", [sys.executable, "-c", program], log))
            return self.made[-1]

        return Pool("worker", make, self.said.append, may_finish=may_finish)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    one = Workers(tmp_path)
    yield one
    for child in one.made:
        child.kill()


def steps_until(pool: Pool, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        pool.step()
        time.sleep(0.02)


def test_it_runs_as_many_as_it_is_asked_for_and_drains_the_last_ones_first(workers):
    pool = workers.pool(RUNS)
    pool.wanted = 3
    pool.step()
    assert [child.running for child in workers.made] == [True] * 3
    pool.wanted = 1
    pool.step()
    assert pool.count == 1
    steps_until(pool, pool.stopped)
    assert [child.running for child in workers.made] == [True, False, False]


def test_one_that_died_is_started_again_and_counted(workers):
    pool = workers.pool(RUNS)
    pool.wanted = 1
    pool.step()
    workers.made[0].kill()
    steps_until(pool, lambda: pool.restarts == 1)
    assert workers.made[0].running
    assert not pool.failed


def test_one_that_always_dies_is_left_alone_with_the_end_of_its_log(workers, monkeypatch):
    monkeypatch.setattr(pools, "FIRST_DELAY_S", 0.01)
    pool = workers.pool("raise SystemExit('no database')")
    pool.wanted = 1
    steps_until(pool, lambda: pool.failed)
    assert (pool.lost, pool.restarts) == (1, pools.LIMIT)
    assert any("no database" in line for line in workers.said)
    assert "giving up" in workers.said[-1]


def test_wrong_arguments_are_not_tried_twice(workers):
    pool = workers.pool("import sys; print('no such option'); sys.exit(2)")
    pool.wanted = 1
    steps_until(pool, lambda: pool.failed)
    assert pool.restarts == 0
    assert "no such option" in workers.said[-1]


def test_while_others_work_one_that_is_left_alone_fails_nothing_and_is_not_replaced(
    workers, tmp_path, monkeypatch
):
    monkeypatch.setattr(pools, "FIRST_DELAY_S", 0.01)
    first = f"import os, sys; os.mkdir({str(tmp_path / 'first')!r}); {RUNS}"
    pool = workers.pool(first)
    pool.wanted = 1
    pool.step()
    steps_until(pool, (tmp_path / "first").exists)
    pool.wanted = 2
    steps_until(pool, lambda: pool.lost == 1)
    pool.step()
    assert (pool.count, pool.failed, len(workers.made)) == (1, False, 2)


def test_one_that_has_finished_is_not_started_again_nor_are_others(workers):
    pool = workers.pool("pass", may_finish=True)
    pool.wanted = 1
    steps_until(pool, lambda: pool.finished)
    pool.wanted = 5
    pool.step()
    assert (pool.count, pool.failed, len(workers.made)) == (0, False, 1)


def test_without_leave_to_finish_an_end_with_0_is_a_death(workers):
    pool = workers.pool("pass")
    pool.wanted = 1
    steps_until(pool, lambda: pool.restarts == 1)
    assert not pool.finished


def test_one_that_does_not_stop_in_time_is_killed_and_that_is_said(workers, monkeypatch):
    monkeypatch.setattr(pools, "DRAIN_S", 0.2)
    pool = workers.pool(DEAF)
    pool.wanted = 1
    pool.step()
    steps_until(pool, lambda: "deaf" in workers.made[0].tail())
    pool.ask_to_stop()
    steps_until(pool, pool.stopped)
    assert workers.made[0].returncode == -signal.SIGKILL
    assert "was killed" in workers.said[-1]


def test_supervisors_of_one_machine_do_not_mix_their_logs(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    folders = [command._log_folder().name for _ in range(3)]
    assert folders == ["pipeline", "pipeline-2", "pipeline-3"]


def test_a_folder_of_logs_that_cannot_be_made_is_told_with_the_setting_that_moves_it(
    settings, tmp_path
):
    settings.VAR_DIR = tmp_path / "file"
    settings.VAR_DIR.touch()
    with pytest.raises(StartFailed, match=r"cannot be written.*VAR_DIR names another folder"):
        command._log_folder()
