"""What a simulated GPU is doing: workloads as pure functions of time."""

import math
from dataclasses import dataclass
from typing import Protocol


class Workload(Protocol):
    """Work on a GPU; `at_s` counts seconds from the start of the simulation."""

    def level(self, at_s: float) -> float:
        """How busy the GPU is, 0 (nothing runs) to 1."""

    def memory(self, at_s: float) -> float:
        """The share of the frame buffer that is held, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing runs; memory may still be held, by a forgotten notebook for instance."""

    memory_share: float = 0.0

    def level(self, at_s: float) -> float:  # noqa: ARG002 - the same at any time
        """Always 0."""
        return 0.0

    def memory(self, at_s: float) -> float:  # noqa: ARG002 - the same at any time
        """Always the same share."""
        return self.memory_share


@dataclass(frozen=True, slots=True)
class Training:
    """Steps of compute and gradient exchange, in unison on all GPUs of a job, with checkpoints.

    A job that crashes (`crash_at_s`) comes back from its checkpoint after `RESTART_S`.
    """

    memory_share: float
    step_s: float
    checkpoint_every_s: float
    offset_s: float
    crash_at_s: float = math.inf

    def level(self, at_s: float) -> float:
        """Near 1 while computing, low while exchanging gradients or writing a checkpoint."""
        if self._is_down(at_s):
            return 0.0
        age_s = at_s + self.offset_s
        if age_s % self.checkpoint_every_s < CHECKPOINT_S:
            return 0.04
        return 0.97 if age_s % self.step_s < COMPUTE_SHARE * self.step_s else 0.45

    def memory(self, at_s: float) -> float:
        """A crash gives the memory back."""
        return 0.0 if self._is_down(at_s) else self.memory_share

    def _is_down(self, at_s: float) -> bool:
        return self.crash_at_s <= at_s < self.crash_at_s + RESTART_S


@dataclass(frozen=True, slots=True)
class Serving:
    """Inference: load that comes and goes with the requests."""

    memory_share: float
    period_s: float
    offset_s: float

    def level(self, at_s: float) -> float:
        """A slow wave with a faster one on it."""
        phase = 2 * math.pi * (at_s + self.offset_s) / self.period_s
        return 0.45 + 0.28 * math.sin(phase) + 0.12 * math.sin(7.3 * phase)

    def memory(self, at_s: float) -> float:  # noqa: ARG002 - the same at any time
        """Weights and cache are loaded once."""
        return self.memory_share


CHECKPOINT_S = 12.0
COMPUTE_SHARE = 0.85
RESTART_S = 60.0
