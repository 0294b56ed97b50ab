"""A fleet for a seed: hosts, their GPUs, the jobs on them, and the troubles an operator looks for.

The same arguments always give the same fleet, and a larger fleet begins with the smaller one's
GPUs under the same UUIDs.
"""

import random
import uuid
from collections.abc import Iterator

from workers.demo.gpu_models import MODEL_WEIGHTS, MODELS, GpuModel
from workers.demo.simulated_gpu import Identity, SimulatedGpu, Trouble
from workers.demo.workloads import Idle, Serving, Training, Workload

MAX_JOB_HOSTS = 4
XID_ILLEGAL_ACCESS = 31  # a job's own fault: the job dies, the GPU is fine
HOT_C = 26.0


def build_fleet(
    hosts: int, gpus_per_host: int, duration_s: float, seed: int
) -> list[list[SimulatedGpu]]:
    """The GPUs of each host, in order of host and index.

    `duration_s` places the XID event two fifths of the way in.
    """
    troubles = _troubles(hosts, gpus_per_host, duration_s)
    fleet = []
    for host, job in zip(range(hosts), _jobs(seed, troubles), strict=False):
        model = _model(host, seed)
        fleet.append(
            [
                SimulatedGpu(
                    identity=_identity(host, gpu, seed),
                    model=model,
                    workload=_workload(job, gpu, random.Random(f"{seed}/work/{host}/{gpu}")),
                    trouble=troubles.get((host, gpu), Trouble()),
                    seed=f"{seed}/noise/{host}/{gpu}",
                )
                for gpu in range(gpus_per_host)
            ]
        )
    return fleet


def _troubles(hosts: int, gpus_per_host: int, duration_s: float) -> dict[tuple[int, int], Trouble]:
    """Who is in trouble: a hot host, a stalled GPU and an XID, as far apart as the fleet allows."""
    hot_host = hosts // 2
    last_gpu = gpus_per_host - 1
    troubles = {(hot_host, gpu): Trouble(heat_c=HOT_C) for gpu in range(gpus_per_host)}
    troubles[(min(1, hosts - 1), last_gpu)] = Trouble(stalled=True)
    troubles[(0, 0)] = Trouble(xid=XID_ILLEGAL_ACCESS, xid_at_s=0.4 * duration_s)
    return troubles


def _jobs(seed: int, troubles: dict[tuple[int, int], Trouble]) -> Iterator[Workload | None]:
    """The job of each host, without end; None where each GPU has its own work or none."""
    draw = random.Random(f"{seed}/jobs")
    crash_at_s = troubles[(0, 0)].xid_at_s
    troubled_hosts = {host for host, _ in troubles}
    host = 0
    while True:
        training = _training(draw, crash_at_s)
        size = draw.randint(1, MAX_JOB_HOSTS)
        kind = draw.choices(("training", "own work"), weights=(7, 3))[0]
        for _ in range(size):
            # Heat, a stall and a crash show on a busy host only.
            busy = kind == "training" or host in troubled_hosts
            yield training if busy else None
            host += 1
        crash_at_s = float("inf")


def _training(draw: random.Random, crash_at_s: float) -> Training:
    return Training(
        memory_share=draw.uniform(0.78, 0.95),
        step_s=draw.uniform(12.0, 40.0),
        checkpoint_every_s=draw.uniform(240.0, 600.0),
        offset_s=draw.uniform(20.0, 200.0),
        crash_at_s=crash_at_s,
    )


def _workload(job: Workload | None, gpu: int, draw: random.Random) -> Workload:
    """The host's job, or else a shared host's mix: serving, idle, idle but holding memory."""
    if job:
        return job
    if gpu % 4 == 0:
        return Serving(draw.uniform(0.4, 0.9), draw.uniform(120.0, 900.0), draw.uniform(0, 900))
    if gpu % 4 == 1:
        return Idle(memory_share=draw.uniform(0.06, 0.95))
    return Idle()


def _model(host: int, seed: int) -> GpuModel:
    return random.Random(f"{seed}/model/{host}").choices(MODELS, weights=MODEL_WEIGHTS)[0]


def _identity(host: int, gpu: int, seed: int) -> Identity:
    bits = random.Random(f"{seed}/uuid/{host}/{gpu}").getrandbits(128)
    return Identity(
        hostname=f"demo-dgx-{host + 1:03d}",
        gpu_id=gpu,
        uuid=f"GPU-{uuid.UUID(int=bits, version=4)}",
        pci_bus_id=f"00000000:{0x1A + 0x11 * gpu & 0xFF:02X}:00.0",
    )
