"""The machine as a device, where no GPU computes. Loads no torch."""

from __future__ import annotations

import os
import platform
import resource
import sys

from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb


def describe_machine(threads: int) -> pb.Device:
    """`threads`: of the device thread's kernels."""
    return pb.Device(
        kind="cpu",
        name=platform.processor() or platform.machine(),
        memory_bytes=_memory_bytes(),
        memory_used_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        threads=threads,
    )


def _memory_bytes() -> int:
    """The machine's memory; 0 where the system does not say."""
    if sys.platform != "linux":
        return 0
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
