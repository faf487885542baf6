"""What must be equal for two computations to give the same bytes."""

from __future__ import annotations

import platform

import torch

_CPU = torch.device("cpu")
_DTYPES = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}


def numeric_fingerprint(device: torch.device = _CPU, dtype: torch.dtype = torch.float32) -> str:
    """Torch, device, instruction set, threads, dtype and determinism of this process, as one readable line."""
    parts = [
        f"torch {torch.__version__}",
        device.type if device.type == "cpu" else torch.cuda.get_device_name(device),
        platform.machine(),
        torch.backends.cpu.get_cpu_capability(),
        f"threads {torch.get_num_threads()}",
        _DTYPES[dtype],
        "deterministic" if torch.are_deterministic_algorithms_enabled() else "free",
    ]
    return ", ".join(parts)
