"""A local run from start to stop: servers, preparation, programs, watch, stop."""

import os
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from apps.embedded.ports import free_port, is_free
from apps.embedded.processes import StartFailed
from apps.embedded.stack import Stack
from workers.local.keeper import Keeper
from workers.local.preparation import Interrupted, Preparation, given, write_local_env
from workers.local.programs import Demo, arguments, child

LOOK_S = 0.2
STOP_S = 10.0
# Of the settings that a stack brings, those that the caller's environment may set.
CALLERS_CHOICE = ("SECRET_KEY", "PUBLIC_READ", "HTTPS")


@dataclass
class LocalRun:
    """Everything on this machine, data under `var_dir`, the gateway on `port` of loopback."""

    base_dir: Path
    var_dir: Path
    port: int
    stop: threading.Event
    say: Callable[[str], None]
    demo: Demo = field(default_factory=Demo)

    def __post_init__(self) -> None:
        endpoints = given("ETCD_ENDPOINTS", self.var_dir)
        self._stack = Stack(
            self.var_dir,
            database_url=given("DATABASE_URL", self.var_dir),
            etcd_endpoints=endpoints.split(",") if endpoints else (),
        )
        self._keeper: Keeper | None = None

    def run(self) -> bool:
        """Run until `stop` is set. False if a program died too often.

        Raises StartFailed when something cannot be started, KeyboardInterrupt when a second
        signal cut the stop short.
        """
        try:
            self.say("Starting PostgreSQL and etcd")
            self._stack.start()
            password = self._prepare()
            self.say("Starting streamers and collectors, the gateway and the periodic tasks")
            self._keeper = self._programs()
            self._keeper.start()
            return self._watch(self._keeper, password)
        except Interrupted:
            self.say("Stopping before everything has started")
            return True
        finally:
            self._stop()

    def _prepare(self) -> str:
        if not is_free(self.port):
            raise StartFailed(
                f"port {self.port} is in use by another program; take another: "
                f"`make run PORT={free_port()}`"
            )
        settings = self._settings()
        write_local_env(self.var_dir, settings)
        preparation = Preparation(self.base_dir, self.var_dir, self._environment(), self.stop)
        self.say("Preparing the tables and the demo data")
        preparation.migrate()
        preparation.ensure_demo(self.demo)
        return preparation.ensure_admin()

    def _settings(self) -> dict[str, str]:
        chosen = {name: given(name, self.var_dir) for name in CALLERS_CHOICE}
        return self._stack.settings() | {name: value for name, value in chosen.items() if value}

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self._settings(), "VAR_DIR": str(self.var_dir)}

    def _programs(self) -> Keeper:
        environment = self._environment()
        programs = {
            name: child(name, argv, self.base_dir, environment, self.var_dir / "log")
            for name, argv in arguments(self.demo, self.port, self.var_dir).items()
        }
        return Keeper(self._stack, programs, self.say)

    def _watch(self, keeper: Keeper, password: str) -> bool:
        announced = False
        while not self.stop.wait(LOOK_S):
            if not keeper.step():
                return False
            if not announced and answers(f"http://127.0.0.1:{self.port}/health"):
                announced = True
                self.say(self._where_to_look(password))
        return True

    def _where_to_look(self, password: str) -> str:
        base = f"http://127.0.0.1:{self.port}"
        shown = f"  user admin, password {password} (shown this once)" if password else ""
        return (
            f"The pipeline runs: {self.demo.gpus} simulated GPUs on {self.demo.hosts} hosts, one "
            "record per GPU and second.\n"
            f"  Dashboard  {base}/\n"
            f"  API docs   {base}/api/docs/\n"
            f"  Admin      {base}/admin/{shown}\n"
            f"  Data, logs {self.var_dir}\n"
            "Ctrl-C stops everything in order, a second Ctrl-C at once."
        )

    def _stop(self) -> None:
        if self._keeper is None:
            self._stack.stop(STOP_S)
            return
        self.say("Stopping: streamers, then collectors, then etcd and PostgreSQL")
        try:
            self._keeper.stop(STOP_S)
        except KeyboardInterrupt:
            self._keeper.kill()
            raise
        self.say("Everything is stopped; the data stays for the next start")


def answers(url: str) -> bool:
    """Whether a web server answers there, whatever its answer."""
    try:
        with urllib.request.urlopen(url, timeout=1):  # nosec B310 - an address of this run
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
