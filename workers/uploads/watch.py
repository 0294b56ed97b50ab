"""Looks whether an upload is still wanted while it is streamed."""

import threading
import time
from types import TracebackType
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection

from apps.telemetry.models import Upload
from apps.telemetry.models.upload import UploadState

LOOK_EVERY_S = 0.5


class UploadWatch(threading.Thread):
    """`unwanted` is set once somebody cancelled the upload.

    `give_up` is set then too, and `grace_s` after `stop`: it ends every wait of the publisher.
    """

    def __init__(self, upload_id: UUID, stop: threading.Event, grace_s: float) -> None:
        super().__init__(name=f"watch of upload {upload_id}", daemon=True)
        self._uploads = Upload.objects.filter(pk=upload_id, state=UploadState.STREAMING)
        self._stop_asked = stop
        self._grace_s = grace_s
        self._over = threading.Event()
        self.unwanted = threading.Event()
        self.give_up = threading.Event()

    def __enter__(self) -> "UploadWatch":
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        """Look until the block ends."""
        give_up_at = float("inf")
        try:
            while not self._over.wait(LOOK_EVERY_S):
                if self._stop_asked.is_set():
                    give_up_at = min(give_up_at, time.monotonic() + self._grace_s)
                if time.monotonic() >= give_up_at:
                    self.give_up.set()
                self.look()
        finally:
            connection.close()

    def look(self) -> None:
        """Ask PostgreSQL once; while it is away nothing is known."""
        try:
            wanted = self._uploads.exists()
        except (DatabaseError, InterfaceError):
            connection.close()
            return
        if not wanted:
            self.unwanted.set()
            self.give_up.set()
