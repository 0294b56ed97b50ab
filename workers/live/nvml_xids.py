"""XID errors as NVML tells of them: events, awaited in a thread of their own."""

import ctypes
import logging
import threading
from collections.abc import Iterable
from typing import Any, NamedTuple

import pynvml as c  # type: ignore[import-untyped]

from workers.live.nvml_gpu import NvmlGpu

logger = logging.getLogger(__name__)

WAIT_MS = 500
PAUSE_S = 1.0


class LastXid(NamedTuple):
    """The code of the last XID error, 0 for none, and how many there were since the start."""

    code: int
    errors: int


class XidWatch:
    """Knows the last XID error of each GPU that tells of them, since the watch began."""

    def __init__(self, nvml: Any, gpus: Iterable[NvmlGpu]) -> None:
        self._nvml = nvml
        self._last: dict[str, LastXid] = {}
        self._uuids: dict[int | None, str] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="XID events", daemon=True)
        try:
            self._events = nvml.nvmlEventSetCreate()
        except c.NVMLError as error:
            logger.warning("XID errors cannot be watched: %s", error)
            return
        for gpu in gpus:
            self._register(gpu)
        if self._last:
            self._thread.start()

    def last(self, uuid: str) -> LastXid | None:
        """The last error of a GPU; None if it does not tell of errors."""
        return self._last.get(uuid)

    def close(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.ident:
            self._thread.join(timeout=2 * WAIT_MS / 1000)

    def _register(self, gpu: NvmlGpu) -> None:
        nvml = self._nvml
        try:
            if nvml.nvmlDeviceGetSupportedEventTypes(gpu.handle) & c.nvmlEventTypeXidCriticalError:
                nvml.nvmlDeviceRegisterEvents(
                    gpu.handle, c.nvmlEventTypeXidCriticalError, self._events
                )
                self._last[gpu.uuid] = LastXid(0, 0)
                self._uuids[_address(gpu.handle)] = gpu.uuid
        except c.NVMLError as error:
            logger.info("GPU %s does not tell of XID errors: %s", gpu.uuid, error)

    def _watch(self) -> None:
        said = ""
        while not self._stop.is_set():
            try:
                self._take(self._nvml.nvmlEventSetWait_v2(self._events, WAIT_MS))
            except c.NVMLError as error:
                if error.value == c.NVML_ERROR_TIMEOUT:
                    continue
                if str(error) != said:  # a lost GPU makes every wait fail
                    said = str(error)
                    logger.warning("waiting for XID errors: %s", error)
                self._stop.wait(PAUSE_S)

    def _take(self, event: Any) -> None:
        # By the handle's address: a GPU that fell off the bus cannot be asked for its UUID.
        uuid = self._uuids.get(_address(event.device))
        if uuid and event.eventType == c.nvmlEventTypeXidCriticalError:
            self._last[uuid] = LastXid(int(event.eventData), self._last[uuid].errors + 1)
            logger.warning("GPU %s: XID %d", uuid, event.eventData)


def _address(handle: Any) -> int | None:
    return ctypes.cast(handle, ctypes.c_void_p).value
