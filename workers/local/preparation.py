"""What a local run needs before its programs start: settings file, tables, admin, demo data."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from apps.embedded.processes import POLL_S, StartFailed, die_with_parent
from workers.local.programs import Demo

LOCAL_ENV = "local.env"


class Interrupted(Exception):
    """The person asked to stop during the preparation."""


def given(name: str, var_dir: Path) -> str:
    """A setting from the caller's environment, empty where an earlier run's local.env gave it.

    Settings were read before this, and put that file's values into the environment.
    """
    value = os.environ.get(name, "")
    try:
        lines = (var_dir / LOCAL_ENV).read_text().splitlines()
    except FileNotFoundError:
        return value
    return "" if f"{name}={value}" in lines else value


def write_local_env(var_dir: Path, settings: Mapping[str, str]) -> None:
    """Let commands started beside the run find its servers; only the owner may read it."""
    path = var_dir / LOCAL_ENV
    draft = var_dir / f"{LOCAL_ENV}.new"
    lines = ["# Written by `manage.py runlocal` at every start; the environment wins over it."]
    lines += [f"{name}={value}" for name, value in settings.items()]
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
    draft.replace(path)


class Preparation:
    """Runs management commands one by one as child processes on the started servers."""

    def __init__(
        self, base_dir: Path, var_dir: Path, environment: Mapping[str, str], stop: threading.Event
    ) -> None:
        self._base_dir = base_dir
        self._var_dir = var_dir
        self._environment = environment
        self._stop = stop

    def migrate(self) -> None:
        """Bring the tables to the code's version."""
        self._manage("migrate", "--no-input", "--verbosity", "0")

    def ensure_admin(self) -> str:
        """Make the user `admin` where there is no superuser; its password, or empty."""
        return self._manage("ensureadmin").strip()

    def ensure_demo(self, demo: Demo) -> None:
        """Write the demo's file where it does not exist."""
        path = demo.path(self._var_dir)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._manage(*demo.arguments(path))

    def _manage(self, *argv: str) -> str:
        """Run one command; its standard output. Raises StartFailed or Interrupted."""
        process = subprocess.Popen(
            [*die_with_parent(signal.SIGTERM), sys.executable, "manage.py", *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(self._environment),
            cwd=self._base_dir,
            start_new_session=True,  # Ctrl-C reaches the parent only
        )
        while True:
            try:
                output, errors = process.communicate(timeout=POLL_S)
                break
            except subprocess.TimeoutExpired:
                if self._stop.is_set():
                    process.terminate()
                    process.communicate()
                    raise Interrupted from None
        if process.returncode:
            raise StartFailed(f"manage.py {argv[0]} failed ({process.returncode}):\n{errors}")
        return output
