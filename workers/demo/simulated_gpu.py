"""One simulated GPU: its identity, and readings that hang together as those of a real one do."""

import math
import random
from dataclasses import dataclass
from typing import NamedTuple

from workers.demo.gpu_models import GpuModel
from workers.demo.workloads import Workload

IDLE, POWER_CAP, THERMAL_SLOWDOWN = 0x1, 0x4, 0x20  # bits of DCGM field 112
SLOWDOWN_C = 85.0
THERMAL_LAG_S = 25.0
CONTEXT_SHARE = 0.0058  # what the driver itself keeps of the frame buffer


class Reading(NamedTuple):
    """One instant of one GPU; the names are those of the metric registry."""

    gpu_utilization: int
    memory_utilization: int
    power_draw: float
    temperature: int
    memory_used_mib: int
    memory_free_mib: int
    decoder_utilization: int
    encoder_utilization: int
    sm_clock_mhz: int
    memory_clock_mhz: int
    memory_temperature: int
    energy_consumption_mj: int
    xid_error: int
    clock_event_reasons: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a GPU is; `gpu_id` counts from 0 on every host."""

    hostname: str
    gpu_id: int
    uuid: str
    pci_bus_id: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a GPU.

    `heat_c` is added to its temperature. A stalled GPU reports full utilisation and draws little,
    as one that waits in a collective operation does.
    """

    heat_c: float = 0.0
    stalled: bool = False
    xid: int = 0
    xid_at_s: float = math.inf


class SimulatedGpu:
    """A GPU whose temperature and energy follow from what it has done so far."""

    def __init__(
        self, identity: Identity, model: GpuModel, workload: Workload, trouble: Trouble, seed: str
    ) -> None:
        self.identity = identity
        self.model = model
        self.workload = workload
        self.trouble = trouble
        self._random = random.Random(seed)
        self._inlet_c = 24 + 6 * self._random.random() + trouble.heat_c
        self._efficiency = 0.93 + 0.07 * self._random.random()
        self._energy_mj = self._random.randrange(10**11, 10**13)
        self._temperature_c = self._resting_c(self._power_w(workload.level(0.0)))

    def read(self, at_s: float, elapsed_s: float) -> Reading:
        """The reading `at_s` seconds after the start, `elapsed_s` after the one before."""
        noise = self._random.random
        model = self.model
        level = self.workload.level(at_s)
        busy = level > 0
        power_w = self._power_w(level) + 3 * noise()
        self._energy_mj += int(power_w * elapsed_s * 1000)
        self._warm(power_w, elapsed_s)
        temperature_c = self._temperature_c
        held = max(CONTEXT_SHARE, self.workload.memory(at_s))
        memory_used_mib = int(model.memory_mib * held)
        capped = power_w > 0.9 * model.limit_w
        slowed = temperature_c >= SLOWDOWN_C
        sm_clock_mhz = model.sm_clock_mhz if busy else model.idle_sm_clock_mhz
        if busy:
            sm_clock_mhz -= 15 * int((6 if capped else 0) + (14 if slowed else 0) + 3 * noise())
        return Reading(
            gpu_utilization=self._utilization(level),
            memory_utilization=int(60 * level + 5 * noise()) if busy else 0,
            power_draw=power_w,
            temperature=int(temperature_c),
            memory_used_mib=memory_used_mib,
            memory_free_mib=model.memory_mib - memory_used_mib,
            decoder_utilization=0,
            encoder_utilization=0,
            sm_clock_mhz=sm_clock_mhz,
            memory_clock_mhz=model.memory_clock_mhz,
            memory_temperature=int(temperature_c + 4 + 6 * level),
            energy_consumption_mj=self._energy_mj,
            xid_error=self.trouble.xid if at_s >= self.trouble.xid_at_s else 0,
            clock_event_reasons=(
                IDLE if not busy else POWER_CAP * capped | THERMAL_SLOWDOWN * slowed
            ),
        )

    def _utilization(self, level: float) -> int:
        if level <= 0:
            return 0
        return (
            100 if self.trouble.stalled else min(100, int(100 * level + 4 * self._random.random()))
        )

    def _power_w(self, level: float) -> float:
        if self.trouble.stalled:
            level *= 0.12
        headroom_w = self.model.limit_w * self._efficiency - self.model.idle_w
        return self.model.idle_w + headroom_w * level

    def _resting_c(self, power_w: float) -> float:
        return self._inlet_c + 40 * power_w / self.model.limit_w

    def _warm(self, power_w: float, elapsed_s: float) -> None:
        share = 1 - math.exp(-elapsed_s / THERMAL_LAG_S)
        self._temperature_c += (self._resting_c(power_w) - self._temperature_c) * share
