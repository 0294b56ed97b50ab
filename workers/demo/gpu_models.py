"""The GPU models that a simulated fleet is made of, with the figures that shape their readings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GpuModel:
    """`memory_mib` is what DCGM reports as used + free, which is constant per model."""

    name: str
    memory_mib: int
    idle_w: float
    limit_w: float
    sm_clock_mhz: int
    idle_sm_clock_mhz: int
    memory_clock_mhz: int
    driver_version: str


H100 = GpuModel("NVIDIA H100 80GB HBM3", 81_007, 68.0, 700.0, 1980, 345, 2619, "535.129.03")
A100 = GpuModel("NVIDIA A100-SXM4-80GB", 81_038, 55.0, 400.0, 1410, 210, 1593, "535.129.03")
H200 = GpuModel("NVIDIA H200", 143_156, 75.0, 700.0, 1980, 345, 3201, "550.90.07")

# Weights of a mixed site: mostly one generation, the rest older and newer.
MODELS = (H100, A100, H200)
MODEL_WEIGHTS = (7, 2, 1)
