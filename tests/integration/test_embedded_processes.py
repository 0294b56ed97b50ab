"""Child processes: real ones, started, asked to stop, killed."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from apps.embedded.processes import Child, StartFailed, end_leftover, stop_all, wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
OBEDIENT = """
import signal, sys, time
def leave(*_):
    print("leaving", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
print("ready", flush=True)
time.sleep(600)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""


def started(name: str, program: str, folder: Path) -> Child:
    child = Child(name, [sys.executable, "-c", program], folder / f"{name}.log")
    child.start()
    assert wait_until(lambda: "ready" in child.tail(), 20)
    return child


def test_a_child_leaves_when_asked(tmp_path: Path) -> None:
    child = started("obedient", OBEDIENT, tmp_path)
    assert child.stop(20)
    assert child.returncode == 0
    assert child.tail().endswith("leaving")


def test_a_child_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    child = started("stubborn", STUBBORN, tmp_path)
    assert not child.stop(0.1)
    assert child.returncode == -signal.SIGKILL


def test_stop_twice_does_nothing_more(tmp_path: Path) -> None:
    child = started("obedient", OBEDIENT, tmp_path)
    assert child.stop(20)
    assert child.stop(20)


def test_one_that_hangs_leaves_time_for_the_others(tmp_path: Path) -> None:
    first = started("stubborn", STUBBORN, tmp_path)
    second = started("obedient", OBEDIENT, tmp_path)
    assert stop_all([first, second], 4) == ["stubborn"]
    assert (first.returncode, second.returncode) == (-signal.SIGKILL, 0)


def test_a_kill_reaches_what_the_child_started(tmp_path: Path) -> None:
    program = (
        "import subprocess, sys, time\n"
        "print(subprocess.Popen(['sleep', '600']).pid, 'ready', flush=True)\n"
        "time.sleep(600)\n"
    )
    child = started("parent", program, tmp_path)
    grandchild = int(child.tail().split()[0])
    child.kill()
    assert wait_until(lambda: not command_line(grandchild), 10)


def test_the_tail_is_of_the_present_start(tmp_path: Path) -> None:
    child = Child("talker", [sys.executable, "-c", "print('once')"], tmp_path / "talker.log")
    for _ in range(2):
        child.start()
        assert child.wait(20)
    assert child.tail() == "once"
    assert child.log.read_text() == "once\nonce\n"


def test_what_cannot_be_started_is_named(tmp_path: Path) -> None:
    child = Child("ghost", ["sleep", "1"], tmp_path / "ghost.log", cwd=tmp_path / "missing")
    with pytest.raises(StartFailed, match=r"ghost cannot be started: .*missing"):
        child.start()


@pytest.mark.skipif(
    shutil.which("setpriv") is None,
    reason="setpriv (util-linux) is not installed",
)
def test_children_end_with_a_killed_parent(tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from apps.embedded.processes import Child\n"
        "child = Child('sleeper', ['sleep', '600'], pathlib.Path(sys.argv[1])); child.start()\n"
        "print(child.pid, flush=True); time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "sleeper.log")],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    assert wait_until(lambda: not command_line(pid), 10)


def test_a_leftover_is_ended_only_if_it_is_ours(tmp_path: Path) -> None:
    stranger = started("stranger", OBEDIENT, tmp_path)
    end_leftover(stranger.pid, "/some/data/folder", signal.SIGTERM, 1)
    assert stranger.running
    end_leftover(stranger.pid, "leaving", signal.SIGTERM, 20)
    assert stranger.wait(10)
    stranger.kill()


def command_line(pid: int) -> bytes:
    """Empty for a process that has ended, reaped or not."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""
