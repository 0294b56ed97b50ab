"""One upload into the queue, from where it is to its end."""

import logging
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.mq import EtcdError, MessageTooLarge, PublishStopped
from apps.telemetry.dead_letters import readable
from apps.telemetry.models import Upload
from apps.telemetry.models.upload import MAX_REJECTIONS, UploadState
from apps.telemetry.records import check_time
from apps.telemetry.upload_files import StorageFailed, local_file, remove
from workers.sources.csv_file import CsvFile
from workers.sources.draft import messages_of
from workers.sources.source import Chunk, SourceError
from workers.streamer.report import Report
from workers.streamer.streamer import MessagePublisher
from workers.uploads.contents import note
from workers.uploads.watch import UploadWatch

logger = logging.getLogger(__name__)

SAVE_EVERY_S = 1.0
TOO_MUCH = "holds more than UPLOAD_MAX_INFLATED_BYTES; split it, or raise that"
PROGRESS = (
    "offset_bytes", "bytes_done", "rows", "rows_rejected", "rejections", "gpus",
    "first_sample_at", "last_sample_at", "records_published", "published_until_ns", "error",
)  # fmt: skip


class UploadStreaming:
    """Streams `upload`, whose lock this thread's database session holds."""

    def __init__(
        self,
        upload: Upload,
        publisher: MessagePublisher,
        report: Report,
        watch: UploadWatch,
        stop: threading.Event,
    ) -> None:
        self._upload = upload
        self._publisher = publisher
        self._report = report
        self._watch = watch
        self._stop = stop
        self._handed_over: list[tuple[Chunk, int, int]] = []
        self._bytes_before = 0
        self._save_at = time.monotonic() + SAVE_EVERY_S

    def run(self) -> None:
        """Stream and save what came of it.

        At `stop` the upload waits again. Raises EtcdError where repeating cannot help, and
        DatabaseError, after which others find the upload as it was saved last.
        """
        try:
            complete = self._stream()
        except PublishStopped:
            self._end(UploadState.WAITING)
        except (SourceError, StorageFailed, MessageTooLarge) as error:
            logger.warning("upload %s failed: %s", self._upload.pk, error)
            self._upload.error = readable(str(error))
            self._end(UploadState.FAILED)
        except EtcdError:
            self._end(UploadState.WAITING)
            raise
        else:
            if not complete:
                self._end(UploadState.WAITING)
            elif self._end(UploadState.DONE):
                remove(self._upload.storage_name)

    def _stream(self) -> bool:
        """Publish the file, and whether it was read to its end."""
        upload = self._upload
        most_bytes = max(settings.UPLOAD_MAX_INFLATED_BYTES, upload.size_bytes)
        with local_file(upload.storage_name) as path:
            source = CsvFile(path, _check_time, start=upload.offset_bytes)
            source.name = upload.filename
            self._bytes_before = upload.size_bytes - (source.total_bytes or 0)
            try:
                for chunk in source.chunks():
                    if self._stop.is_set() or self._watch.unwanted.is_set():
                        return False
                    if chunk.resume_at > most_bytes:
                        raise SourceError(f"{source.name}: {TOO_MUCH}")
                    self._publish(chunk)
            finally:
                self._settle()
        return True

    def _publish(self, chunk: Chunk) -> None:
        self._report.add(chunk)
        self._publisher.publish(messages_of(chunk.drafts))
        note(self._upload, chunk.drafts)
        # Chunks wait here for up to a second: what is large in them is not needed any more.
        kept = replace(chunk, drafts=[], rejections=chunk.rejections[:MAX_REJECTIONS])
        self._handed_over.append((kept, len(chunk.drafts), len(chunk.rejections)))
        if time.monotonic() >= self._save_at:
            self._settle()
            self._save(state=UploadState.STREAMING)
            self._save_at = time.monotonic() + SAVE_EVERY_S

    def _settle(self) -> None:
        """Count what was handed over, once etcd has acknowledged it."""
        self._publisher.flush()
        upload = self._upload
        for chunk, records, rejected in self._handed_over:
            upload.offset_bytes = chunk.resume_at
            upload.bytes_done = self._bytes_before + chunk.bytes_done
            upload.rows += chunk.rows
            upload.rows_rejected += rejected
            upload.records_published += records
            room = MAX_REJECTIONS - len(upload.rejections)
            upload.rejections += [
                {"line": rejection.line, "reason": readable(rejection.reason)}
                for rejection in chunk.rejections[:room]
            ]
        self._handed_over.clear()
        upload.published_until_ns = max(upload.published_until_ns, time.time_ns())

    def _end(self, state: UploadState) -> bool:
        """Whether the upload is in that state now; of a cancelled one only counts are saved."""
        finished_at = None if state == UploadState.WAITING else timezone.now()
        if self._save(state=state, finished_at=finished_at):
            return True
        self._save(if_in=UploadState.CANCELLED)
        return False

    def _save(self, if_in: UploadState = UploadState.STREAMING, **changes: Any) -> bool:
        """Save what is known if the upload is in that state."""
        known = {name: getattr(self._upload, name) for name in PROGRESS}
        rows = Upload.objects.filter(pk=self._upload.pk, state=if_in)
        return bool(rows.update(**known, **changes))


def _check_time(timestamp: datetime) -> None:
    check_time(timestamp, settings.SAMPLE_MIN_TIME, datetime.now(UTC))
