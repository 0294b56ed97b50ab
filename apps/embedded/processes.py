"""A child process: started so that it cannot outlive its parent, stopped within a deadline."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from apps.embedded.accounts import Account

POLL_S = 0.02
TAIL_BYTES = 4000


class StartFailed(Exception):
    """A server or worker could not be started; the message says what to do."""


@dataclass
class Child:
    """One child process whose stdout and stderr go to the end of `log`.

    `account` runs it as another user (only root may). `stop_signal` is what asks it to finish;
    it is also sent by the kernel when the parent dies. Start it from a thread that lives as long
    as the child should: the kernel watches the thread, not the process.
    """

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)
    _log_start: int = field(default=0, init=False, repr=False)
    _group_ended: bool = field(default=False, init=False, repr=False)

    def start(self) -> None:
        """Start it, in its own session, so that a terminal's Ctrl-C reaches only the parent.

        Raises StartFailed when the program cannot be executed.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._group_ended = False
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            try:
                self._process = subprocess.Popen(
                    [*die_with_parent(self.stop_signal), *self.argv],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=self.env,
                    cwd=self.cwd,
                    start_new_session=True,
                    **(self.account.popen_arguments() if self.account else {}),
                )
            except OSError as error:
                raise StartFailed(f"{self.name} cannot be started: {error}") from error

    @property
    def pid(self) -> int:
        """The process id; raises StartFailed before `start`."""
        if self._process is None:
            raise StartFailed(f"{self.name} has not been started")
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs or before it was started; negative is the signal that ended it."""
        return self._process.poll() if self._process else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; False if it still runs after `timeout_s`."""
        return wait_until(lambda: not self.running, timeout_s)

    def ask_to_stop(self) -> None:
        """Send the stop signal, if it runs."""
        if self._process and self.running:
            self._process.send_signal(self.stop_signal)

    def kill(self) -> None:
        """End it and everything it started at once, and reap it."""
        if self._process is None or self._group_ended:
            return
        # Its group may outlive it: a killed server leaves workers behind.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._group_ended = True

    def stop(self, timeout_s: float) -> bool:
        """Ask it to stop, wait `timeout_s`, then kill it. False if it had to be killed."""
        self.ask_to_stop()
        in_time = self.wait(timeout_s)
        self.kill()
        return in_time

    def tail(self) -> str:
        """The last lines that it logged since its start, for an error message."""
        return tail(self.log, self._log_start)


def stop_all(children: Sequence[Child], timeout_s: float) -> list[str]:
    """Ask all to stop, wait for them together, kill the rest; the names of those killed."""
    for child in children:
        child.ask_to_stop()
    wait_until(lambda: not any(child.running for child in children), timeout_s)
    late = [child.name for child in children if child.running]
    for child in children:
        child.kill()
    return late


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Poll `condition` until it holds; False after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def die_with_parent(stop_signal: signal.Signals) -> list[str]:
    """The command prefix that makes the kernel send `stop_signal` when the parent dies.

    The shell covers a parent that dies before the kernel was told to watch it.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    watched = [setpriv, "--pdeathsig", stop_signal.name.removeprefix("SIG"), "--"]
    return [*watched, "/bin/sh", "-c", 'test "$PPID" = "$0" && exec "$@"', str(os.getpid())]


def tail(log: Path, start: int = 0) -> str:
    """The last few kilobytes of a log file after `start`, from a line's beginning if possible."""
    try:
        data = log.read_bytes()[start:]
    except OSError:
        return ""
    if len(data) > TAIL_BYTES:
        data = data[-TAIL_BYTES:].split(b"\n", 1)[-1]
    return data.decode(errors="replace").strip()


def end_leftover(pid: int, marker: str, stop_signal: signal.Signals, timeout_s: float) -> None:
    """End a server that an earlier, killed parent left behind, so that its data can be opened.

    `marker` must be in its command line: the number may belong to a stranger by now.
    """

    def alive() -> bool:
        try:
            return marker.encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False

    for number, patience_s in ((stop_signal, timeout_s), (signal.SIGKILL, 5.0)):
        if not alive():
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        wait_until(lambda: not alive(), patience_s)
