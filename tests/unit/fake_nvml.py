"""A library object that answers and raises as pynvml does, with its own classes and constants."""

import ctypes
import threading
from collections.abc import Callable
from queue import Empty, Queue
from typing import Any

import pynvml as c  # type: ignore[import-untyped]

MIB = 1024 * 1024


class FakeNvml:
    """`errors` maps (function, GPU index) to an error code; an index of None means every GPU."""

    def __init__(self, gpus=2):
        self.gpus = gpus
        self.errors = {}
        self.calls = {}
        self.events: Queue[Any] = Queue()
        self.registered = set()
        self.is_down = threading.Event()
        self._handles = [ctypes.cast(0x1000 * (i + 1), c.c_nvmlDevice_t) for i in range(gpus)]

    def __getattr__(self, name):
        if not name.startswith("nvml"):
            raise AttributeError(name)
        answer = ANSWERS[name]

        def call(*arguments):
            index = self._index(arguments)
            self.calls[name, index] = self.calls.get((name, index), 0) + 1
            for key in ((name, index), (name, None), (None, index), (None, None)):
                if key in self.errors:
                    raise c.NVMLError(self.errors[key])
            return answer(self, index, *arguments)

        return call

    def _index(self, arguments):
        for argument in arguments:
            if isinstance(argument, c.c_nvmlDevice_t):
                return (ctypes.cast(argument, ctypes.c_void_p).value or 0) // 0x1000 - 1
        return None

    def xid(self, index, code):
        """An XID error happens."""
        # A handle of its own, as NVML gives: equal by address alone.
        handle = ctypes.cast(0x1000 * (index + 1), c.c_nvmlDevice_t)
        self.events.put(c.c_nvmlEventData_t(handle, c.nvmlEventTypeXidCriticalError, code, 0, 0))


def _wait(self, _index, _events, timeout_ms):
    try:
        event = self.events.get(timeout=min(timeout_ms, 20) / 1000)
    except Empty:
        raise c.NVMLError(c.NVML_ERROR_TIMEOUT) from None
    if isinstance(event, int):
        raise c.NVMLError(event)
    return event


def _register(self, index, *_arguments):
    self.registered.add(index)


def _memory(_self, _index, _gpu, version=None):
    info = c.c_nvmlMemory_v2_t() if version else c.c_nvmlMemory_t()
    info.total, info.free = 81_559 * MIB, 20_000 * MIB
    info.used = 61_007 * MIB if version else 61_559 * MIB
    return info


def _fields(_self, _index, _gpu, ids):
    (value,) = (c.c_nvmlFieldValue_t * 1)()
    value.fieldId, value.nvmlReturn, value.value.uiVal = ids[0], c.NVML_SUCCESS, 55
    return [value]


def _pci(_self, index, _gpu):
    return c.nvmlPciInfo_t(busId=b"00000000:1%d:00.0" % index)


ANSWERS: dict[str, Callable[..., Any]] = {
    "nvmlInit": lambda self, _: None,
    "nvmlShutdown": lambda self, _: self.is_down.set(),
    "nvmlSystemGetDriverVersion": lambda *_: "550.54.15",
    "nvmlDeviceGetCount": lambda self, _: self.gpus,
    "nvmlDeviceGetHandleByIndex": lambda self, _, index: self._handles[index],
    "nvmlDeviceGetUUID": lambda _, index, *__: f"GPU-fake-{index}",
    "nvmlDeviceGetName": lambda *_: "NVIDIA H100 80GB HBM3",
    "nvmlDeviceGetPciInfo": _pci,
    "nvmlDeviceGetUtilizationRates": lambda *_: c.c_nvmlUtilization_t(97, 43),
    "nvmlDeviceGetMemoryInfo": _memory,
    "nvmlDeviceGetTemperature": lambda *_: 61,
    "nvmlDeviceGetFieldValues": _fields,
    "nvmlDeviceGetPowerUsage": lambda *_: 412_345,
    "nvmlDeviceGetClockInfo": lambda _, __, ___, clock: {c.NVML_CLOCK_SM: 1980}.get(clock, 2619),
    "nvmlDeviceGetEncoderUtilization": lambda *_: [1, 167000],
    "nvmlDeviceGetDecoderUtilization": lambda *_: [2, 167000],
    "nvmlDeviceGetTotalEnergyConsumption": lambda *_: 2**33,
    "nvmlDeviceGetCurrentClocksEventReasons": lambda *_: 0x4,
    "nvmlDeviceGetCurrentClocksThrottleReasons": lambda *_: 0x8,
    "nvmlDeviceGetPcieReplayCounter": lambda *_: 3,
    "nvmlDeviceGetRemappedRows": lambda *_: (1, 2, 0, 1),
    "nvmlDeviceGetTotalEccErrors": lambda _, __, ___, kind, counter: 10 * kind + counter,
    "nvmlDeviceGetFanSpeed": lambda *_: 30,
    "nvmlDeviceGetPowerState": lambda *_: 0,
    "nvmlEventSetCreate": lambda *_: c.c_nvmlEventSet_t(),
    "nvmlDeviceGetSupportedEventTypes": lambda *_: c.nvmlEventTypeXidCriticalError | 1,
    "nvmlDeviceRegisterEvents": _register,
    "nvmlEventSetWait_v2": _wait,
}
