"""What must be equal for two computations to give the same bytes."""

from __future__ import annotations

import platform

import torch


def numeric_fingerprint() -> str:
    """Torch, device, instruction set, threads, dtype and determinism of this process, as one readable line."""
    parts = [
        f"torch {torch.__version__}",
        "cpu",
        platform.machine(),
        torch.backends.cpu.get_cpu_capability(),
        f"threads {torch.get_num_threads()}",
        "fp32",
        "deterministic" if torch.are_deterministic_algorithms_enabled() else "free",
    ]
    return ", ".join(parts)
