"""A real etcd cluster whose members can be killed, paused and restarted one by one."""

import signal
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from apps.embedded.processes import StartFailed, wait_until
from tests.faults.etcd_member import Addresses, Member, cluster_options, member_options
from tests.faults.etcd_program import sound_etcd
from tests.faults.network import Host

STOP_S = 10.0
PATIENCE_S = 30.0


class EtcdCluster:
    """`members` servers on loopback or in `hosts`, with every write on disk before its answer.

    Their logs, and their data unless `data_dirs` says where, are in `directory` and outlive
    `stop()`. `command_prefix` goes before each etcd; a program that stays its parent there
    (`strace` without `-D`) gets the signals too. TLS between clients and members is `scheme`
    "https" with the certificates in `extra_arguments`. `compaction_s` None keeps the history.
    """

    def __init__(
        self,
        directory: Path,
        members: int = 1,
        *,
        quota_bytes: int = 2 << 30,
        max_txn_ops: int = 1024,
        compaction_s: int | None = 60,
        hosts: Sequence[Host] | None = None,
        data_dirs: Sequence[Path] | None = None,
        command_prefix: Sequence[str] = (),
        extra_arguments: Sequence[str] = (),
        scheme: str = "http",
    ) -> None:
        names = [f"m{i}" for i in range(members)]
        addresses = [Addresses.on(hosts[i] if hosts else None) for i in range(members)]
        peers = {name: own.peer for name, own in zip(names, addresses, strict=True)}
        shared = cluster_options(peers, uuid.uuid4().hex, quota_bytes, max_txn_ops, compaction_s)
        self._members = []
        for i, (name, own) in enumerate(zip(names, addresses, strict=True)):
            data = data_dirs[i] if data_dirs else directory / name
            before = [*(hosts[i].prefix if hosts else ()), *command_prefix]
            options = [*member_options(name, data, own, scheme), *shared, *extra_arguments]
            argv = [*before, str(sound_etcd()), *options]
            self._members.append(Member(name, argv, directory / f"{name}.log", own))
        # A child dies with the thread that started it, and faults are injected by brief threads.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="starts etcd")

    def __enter__(self) -> "EtcdCluster":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Not `stop()`: a leader that is asked to stop waits seconds for a member to follow it.
        for i in range(len(self._members)):
            self.kill(i)
        self._starter.shutdown()

    @property
    def endpoints(self) -> list[str]:
        """host:port for clients of each member, in order."""
        return [member.addresses.client for member in self._members]

    def start(self) -> None:
        """Start every member; returns when all serve. Raises StartFailed."""
        try:
            for i in range(len(self._members)):
                self.launch(i)
            self.wait_healthy()
        except StartFailed:
            self.stop()
            raise

    def stop(self) -> None:
        """Ask all members to stop, also paused ones, and kill those that do not."""
        self._stop(self._members)

    def kill(self, i: int) -> None:
        """SIGKILL."""
        self._members[i].child.kill()

    def launch(self, i: int) -> None:
        """Start a member on its data and ports, without waiting; nothing happens if it runs."""
        if self.running(i):
            return
        self._starter.submit(self._members[i].child.start).result()

    def restart(self, i: int) -> None:
        """Start a member again, stopped first if it runs; returns when it serves.

        Raises StartFailed, also when there is no majority to serve with.
        """
        self._stop([self._members[i]])
        self.launch(i)
        self._wait_serving([self._members[i]], PATIENCE_S)

    def pause(self, i: int) -> None:
        """SIGSTOP: the connections stay and nothing answers."""
        self._members[i].signal(signal.SIGSTOP)

    def resume(self, i: int) -> None:
        """SIGCONT; nothing happens to a member that is not paused."""
        self._members[i].signal(signal.SIGCONT)

    def running(self, i: int) -> bool:
        """Whether its process lives; a paused one does."""
        return self._members[i].child.running

    def pid(self, i: int) -> int:
        """Its process id: etcd's, or that of a `command_prefix` that stays its parent."""
        return self._members[i].child.pid

    def leader(self) -> int:
        """The index of the leader, waited for while there is none. Raises StartFailed."""
        found: list[int] = []

        def one_leads() -> bool:
            found[:] = [i for i, member in enumerate(self._members) if member.leads()]
            return len(found) == 1

        self._await(one_leads, self._members, PATIENCE_S, "etcd elected no leader")
        return found[0]

    def wait_healthy(self, timeout_s: float = PATIENCE_S) -> None:
        """Wait until every member that runs serves linearizable reads. Raises StartFailed."""
        self._wait_serving([one for one in self._members if one.child.running], timeout_s)

    def _stop(self, members: Sequence[Member]) -> None:
        for member in members:
            member.signal(signal.SIGTERM)
            member.signal(signal.SIGCONT)
        wait_until(lambda: not any(member.child.running for member in members), STOP_S)
        for member in members:
            member.child.kill()

    def _wait_serving(self, members: Sequence[Member], timeout_s: float) -> None:
        def alive() -> bool:
            return all(member.child.running for member in members)

        def settled() -> bool:
            return not alive() or all(member.serves() for member in members)

        self._await(settled, members, timeout_s, "etcd does not serve")
        self._await(alive, members, 0, "etcd ended")

    def _await(
        self, condition: Callable[[], bool], members: Sequence[Member], timeout_s: float, what: str
    ) -> None:
        if not wait_until(condition, timeout_s):
            words = "\n".join(member.last_words() for member in members)
            raise StartFailed(f"{what} ({timeout_s:g} s waited); the ends of the logs:\n{words}")
