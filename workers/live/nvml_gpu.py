"""One GPU of this host as NVML tells of it."""

import logging
from typing import Any

import pynvml as c  # type: ignore[import-untyped]

from workers.live.nvml_readings import READINGS, Reading

logger = logging.getLogger(__name__)

# What a driver or a GPU cannot do it will not be able to do at the next sample.
_NEVER = (
    c.NVML_ERROR_NOT_SUPPORTED, c.NVML_ERROR_FUNCTION_NOT_FOUND, c.NVML_ERROR_NO_PERMISSION,
    c.NVML_ERROR_INVALID_ARGUMENT, c.NVML_ERROR_ARGUMENT_VERSION_MISMATCH,
    c.NVML_ERROR_VGPU_ECC_NOT_SUPPORTED, c.NVML_ERROR_DEPRECATED,
)  # fmt: skip
_LOST = (
    c.NVML_ERROR_GPU_IS_LOST, c.NVML_ERROR_RESET_REQUIRED, c.NVML_ERROR_GPU_NOT_FOUND,
    c.NVML_ERROR_UNINITIALIZED, c.NVML_ERROR_DRIVER_NOT_LOADED,
)  # fmt: skip


class NvmlGpu:
    """`identity` holds the fields of a record that say which GPU it is."""

    def __init__(self, nvml: Any, index: int, hostname: str, driver_version: str) -> None:
        """Raises pynvml.NVMLError if the GPU cannot even be named."""
        self._nvml = nvml
        self.handle = nvml.nvmlDeviceGetHandleByIndex(index)
        self.uuid = text_of(nvml.nvmlDeviceGetUUID(self.handle))
        self.identity = {
            "gpu_id": index,
            "hostname": hostname,
            "uuid": self.uuid,
            "device": f"nvidia{index}",
            "model_name": text_of(nvml.nvmlDeviceGetName(self.handle)),
            "driver_version": driver_version,
            "pci_bus_id": text_of(nvml.nvmlDeviceGetPciInfo(self.handle).busId),
        }
        self.xids_sent = 0
        self._readings = list(READINGS)
        self._is_lost = False

    def read(self) -> dict[str, Any]:
        """Every metric that it has a value of now; none if it does not answer.

        What it does not support is asked once and never again.
        """
        values: dict[str, Any] = {}
        try:
            for reading in tuple(self._readings):
                values.update(self._ask(reading))
        except c.NVMLError as error:
            self._lost(error)
            return {}
        if self._is_lost:
            self._is_lost = False
            logger.warning("GPU %s answers again", self.uuid)
        return values

    def _ask(self, reading: Reading) -> dict[str, Any]:
        """The values of one reading. Raises pynvml.NVMLError if the GPU is lost."""
        try:
            values = reading.ways[0](self._nvml, self.handle)
        except c.NVMLError as error:
            if error.value in _LOST:
                raise
            if error.value in _NEVER:
                return self._give_up(reading)
            return {}  # this time only: a timeout, no data yet
        return dict(zip(reading.fields, values, strict=True))

    def _give_up(self, reading: Reading) -> dict[str, Any]:
        """Forget the first way of a reading; the values that another way gives."""
        at = self._readings.index(reading)
        if len(reading.ways) == 1:
            del self._readings[at]
            return {}
        self._readings[at] = reading._replace(ways=reading.ways[1:])
        return self._ask(self._readings[at])

    def _lost(self, error: Exception) -> None:
        if not self._is_lost:
            self._is_lost = True
            logger.error(
                "GPU %s (%s, %s) does not answer: %s; it is not seen until it does. dmesg may tell"
                " the XID", self.uuid, self.identity["device"], self.identity["pci_bus_id"], error,
            )  # fmt: skip


def text_of(value: Any) -> str:
    """pynvml gives bytes or text, depending on its version."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
