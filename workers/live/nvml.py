"""The GPUs of this host through NVML, NVIDIA's management library, as a live source."""

import logging
from datetime import UTC, datetime
from typing import Any

import pynvml  # type: ignore[import-untyped]

from apps.telemetry.records import InvalidRecord, from_fields
from workers.live.nvml_gpu import NvmlGpu, text_of
from workers.live.nvml_xids import XidWatch
from workers.sources.draft import Draft, draft_of
from workers.sources.source import Chunk, Rejection, SourceError

logger = logging.getLogger(__name__)


class NvmlUnavailable(SourceError):
    """This host has no usable NVIDIA driver, or no GPU."""


class Nvml:
    """Samples every GPU of this host; only this host can."""

    shared = False

    def __init__(self, nvml: Any, hostname: str, gpus: list[NvmlGpu]) -> None:
        self.name = f"nvml:{hostname}"
        self._nvml = nvml
        self._gpus = gpus
        self._xids = XidWatch(nvml, gpus)

    @classmethod
    def open(cls, hostname: str, nvml: Any = pynvml) -> "Nvml":
        """Load the driver's library and find the GPUs. Raises NvmlUnavailable."""
        try:
            nvml.nvmlInit()
        except pynvml.NVMLError as error:
            raise NvmlUnavailable(
                f"--nvml: {error}; it needs NVIDIA's driver on this host (does nvidia-smi work"
                " here?), in a container the NVIDIA runtime"
            ) from error
        try:
            gpus = _find_gpus(nvml, hostname)
        except BaseException:
            nvml.nvmlShutdown()
            raise
        return cls(nvml, hostname, gpus)

    def sample(self) -> Chunk:
        """One record per GPU that answers, all of one instant. Raises SourceError if none does."""
        sampled_at = datetime.now(UTC)
        chunk = Chunk()
        for gpu in self._gpus:
            try:
                draft = self._draft(gpu, sampled_at)
            except InvalidRecord as error:
                chunk.rejections.append(Rejection(f"{self.name}/{gpu.uuid}", 0, str(error)))
            else:
                chunk.drafts += [draft] if draft else []
        chunk.rows = len(chunk.drafts) + len(chunk.rejections)
        if not chunk.rows:
            raise SourceError(f"{self.name}: no GPU answers")
        return chunk

    def close(self) -> None:
        """End the watch for XID errors and let go of the library."""
        self._xids.close()
        try:
            self._nvml.nvmlShutdown()
        except pynvml.NVMLError as error:
            logger.warning("%s: %s", self.name, error)

    def _draft(self, gpu: NvmlGpu, sampled_at: datetime) -> Draft | None:
        """What the GPU says; of a lost one only an XID error that was not sent yet."""
        values = gpu.read()
        xid = self._xids.last(gpu.uuid)
        if xid and (values or xid.errors > gpu.xids_sent):
            gpu.xids_sent = xid.errors
            values["xid_error"] = xid.code
        if not values:
            return None
        return draft_of(from_fields({"timestamp": sampled_at, **gpu.identity, **values}))


def _find_gpus(nvml: Any, hostname: str) -> list[NvmlGpu]:
    try:
        driver_version = text_of(nvml.nvmlSystemGetDriverVersion())
        count = nvml.nvmlDeviceGetCount()
    except pynvml.NVMLError as error:
        raise NvmlUnavailable(f"--nvml: the driver does not tell its GPUs: {error}") from error
    gpus = []
    for index in range(count):
        try:
            gpus.append(NvmlGpu(nvml, index, hostname, driver_version))
        except pynvml.NVMLError as error:
            logger.error("GPU %d of this host cannot be used: %s", index, error)
    if not gpus:
        raise NvmlUnavailable("--nvml: the driver is there, but this host has no GPU it can use")
    return gpus
