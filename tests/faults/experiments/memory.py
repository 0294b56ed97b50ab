"""Collectors that the kernel kills for lack of memory."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from apps.embedded.processes import wait_until
from tests.faults.experiment import Experiment
from tests.faults.world import World

CGROUPS = Path("/sys/fs/cgroup/memory")
# Of new memory: what a process has when it comes into the group is not counted.
LIMIT_BYTES = 1 << 20
KILLS = 3


def out_of_memory(world: World) -> None:
    """Collectors may take no more memory than they have, which ends them with SIGKILL."""
    victims = [world.fleet.expect_death() for _ in range(KILLS)]
    with memory_limit(LIMIT_BYTES) as processes:
        for victim in victims:
            processes.write_text(str(victim.pid))
        world.until(lambda: not any(victim.running for victim in victims), 60.0, "they are killed")


@contextmanager
def memory_limit(limit_bytes: int) -> Iterator[Path]:
    """A control group; whoever is written into the file is in it. Needs root and cgroups v1."""
    group = CGROUPS / "faults"
    group.mkdir(exist_ok=True)
    (group / "memory.limit_in_bytes").write_text(str(limit_bytes))
    try:
        yield group / "cgroup.procs"
    finally:
        # Its last member may not be gone yet, or may never have died.
        for process in (group / "cgroup.procs").read_text().split():
            (CGROUPS / "cgroup.procs").write_text(process)
        wait_until(lambda: _removed(group), 10.0)


def _removed(group: Path) -> bool:
    with suppress(OSError):
        group.rmdir()
    return not group.exists()


EXPERIMENTS = [Experiment("collector-out-of-memory", "23", out_of_memory, requires_root=True)]
