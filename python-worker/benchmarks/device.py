"""What training and drawing take on this machine's GPU at Kandinsky 2.1's published size, with random weights.

    npm run -s bench:device [-- --side 512]

Runs go through the product's own pack, with prompts of the greatest length. Milliseconds are medians of steps; peaks
are of torch's allocator, without the device's context. The reference's step is the plain one of bench:step, in fp32.
Last come the packer on the small model, and a GPU that runs out of memory. The last line is JSON.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from drawing_requests import request_of
from fake_memory import GIB
from pack import compare, eight_runs
from real_size import TOKENS, RealSizeSource, real_size_model
from reference_step import PADDED_LENGTH, ReferenceBatch, ReferenceParts, ReferenceStep
from runs import open_kandinsky, step
from training_memory import PRIOR_STEPS, random_shares, ready_model

from murnau_worker.core.device_memory import free_memory
from murnau_worker.drawing.draw import draw
from murnau_worker.drawing.options import DrawOptions
from murnau_worker.drawing.request import DrawRequest
from murnau_worker.drawing.text_to_image import TextToImage
from murnau_worker.engine.capacity import Capacities
from murnau_worker.engine.device_thread import set_up_torch
from murnau_worker.engine.packer import Packer
from murnau_worker.engine.prepared_data import DataCache
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.models.checkpointing import Checkpointing
from murnau_worker.models.model_parts import Offload
from murnau_worker.training.shares import PackGroup
from murnau_worker.training.step import gradients as packed_gradients

CUDA = torch.device("cuda")
STEPS = 7  # of a median
PACKED = (1, 4, 8, 16, 32)
PICTURES = (1, 4)


class Measured:
    """Milliseconds of a piece of work, and GiB of the device's memory at its peak, weights included."""

    def __init__(self, work: Callable[[], object], steps: int = STEPS) -> None:
        work()  # kernels are chosen when a size is new
        gc.collect()
        torch.cuda.reset_peak_memory_stats()
        times = [self._seconds(work) for _ in range(steps)]
        self.ms = round(statistics.median(times) * 1e3, 1)
        self.gib = round(torch.cuda.max_memory_allocated() / GIB, 2)

    def _seconds(self, work: Callable[[], object]) -> float:
        torch.cuda.synchronize()
        began = time.perf_counter()
        work()
        torch.cuda.synchronize()
        return time.perf_counter() - began

    def __str__(self) -> str:
        return f"{self.ms:9.1f} ms {self.gib:7.2f} GiB"


def fresh_model(
    dtype: torch.dtype, offload: Offload = "none", checkpointing: Checkpointing = "off", phase: str = "joint"
) -> Kandinsky:
    """The model ready for a phase in the device's memory; of the model before, nothing is left there."""
    free_memory()
    torch.manual_seed(0)
    model = ready_model(phase, offload, checkpointing, dtype=dtype, device=CUDA)
    free_memory()
    return model


def training(side: int) -> list[dict[str, Any]]:
    """A step by phase, memory setting and packed runs of batch 1, in bf16."""
    settings: list[tuple[str, Offload, Checkpointing, tuple[int, ...]]] = [
        ("joint", "none", "off", PACKED),
        ("joint", "none", "on", PACKED),
        ("prior", "parts", "on", (1, 16)),
        ("decoder", "parts", "on", (1, 16)),
    ]
    rows: list[dict[str, Any]] = []
    for phase, offload, checkpointing, counts in settings:
        model = fresh_model(torch.bfloat16, offload, checkpointing, phase)
        for runs in counts:
            shares = random_shares(model, phase, batch=1, runs=runs, side=side)
            found = Measured(partial(packed_gradients, model, shares))
            row = {"phase": phase, "offload": offload, "checkpointing": checkpointing, "runs": runs}
            print(f"{phase:8} offload {offload:6} checkpointing {checkpointing:4} runs {runs:3} {found}", flush=True)
            rows.append({**row, "ms": found.ms, "gib": found.gib})
        del model
    return rows


def one_after_the_other(rows: list[dict[str, Any]], runs: int) -> float:
    """How many times as long so many runs take by themselves as together: joint, everything kept."""
    of = {row["runs"]: row["ms"] for row in rows if (row["phase"], row["checkpointing"]) == ("joint", "off")}
    return round(runs * of[1] / of[runs], 2)


def precision(side: int) -> dict[str, float]:
    """Least cosines of the rows' gradients with weights in bf16 and in fp32, and a joint step in fp32."""
    model = fresh_model(torch.float32)
    shares = random_shares(model, "joint", batch=1, runs=4, side=side)
    exact = packed_gradients(model, shares)
    result = {"float32_ms": Measured(partial(packed_gradients, model, shares[:1])).ms}
    del model
    rounded = packed_gradients(fresh_model(torch.bfloat16), shares)
    for tower in ("t1", "t2"):
        pairs = [(one.rows[tower], other.rows[tower]) for one, other in zip(exact, rounded, strict=True)]
        result[f"cosine_{tower}"] = round(min(torch.cosine_similarity(a, b).item() for a, b in pairs), 4)
    print(f"bf16 against fp32: {result}", flush=True)
    return result


def reference(side: int) -> dict[str, float]:
    """The reference's joint step of one sample, whole tables under AdamW."""
    free_memory()
    torch.manual_seed(0)
    source = RealSizeSource(CUDA)
    names: tuple[str, ...] = ("text_encoder", "clip_text", "prior", "unet", "movq")
    parts: list[Any] = [source.read(name, torch.float32) for name in names]
    rows = (torch.randn(1, 1024, device=CUDA), torch.randn(1, 768, device=CUDA))
    plain = ReferenceStep(ReferenceParts(*parts), rows=rows, rates=(1e-4, 1e-4), decay=1e-2)
    found = Measured(partial(plain.step, _reference_batch(side)), steps=3)
    print(f"the reference's joint step: {found}", flush=True)
    return {"ms": found.ms, "gib": found.gib}


def _reference_batch(side: int) -> ReferenceBatch:
    cells, ones_NL = side // 8, torch.ones(1, PADDED_LENGTH, dtype=torch.long, device=CUDA)
    return ReferenceBatch(
        pixels_N3HW=torch.randn(1, 3, side, side, device=CUDA),
        t1_ids_NL=5 * ones_NL,
        t1_mask_NL=ones_NL,
        t2_ids_NL=5 * ones_NL,
        t2_mask_NL=ones_NL.bool(),
        empty_ids_NL=5 * ones_NL,
        empty_mask_NL=ones_NL.cumsum(1) <= 2,
        noise={
            "noise": torch.randn(1, 4, cells, cells, device=CUDA),
            "timesteps": torch.full((1,), 800, device=CUDA),
            "prior_init": torch.randn(1, 768, device=CUDA),
            "prior_steps": torch.randn(1, PRIOR_STEPS, 768, device=CUDA),
        },
    )


def capacity(side: int) -> dict[str, Any]:
    """How many samples the device is found to hold, and that it does hold them."""
    model = fresh_model(torch.bfloat16, checkpointing="on")
    group = PackGroup(model.name, "joint", (4, side // 8, side // 8), PRIOR_STEPS)

    def compute(samples: int) -> None:
        packed_gradients(model, random_shares(model, "joint", batch=1, runs=samples, side=side))

    capacities = Capacities()
    while (known := capacities.known(group)) is None:
        capacities.measure(group, CUDA, compute)
    filled = Measured(partial(compute, known), steps=1)
    share = round(torch.cuda.max_memory_reserved() / torch.cuda.get_device_properties(CUDA).total_memory, 3)
    print(f"capacity: {known} samples, {filled}, {share:.0%} of the device", flush=True)
    return {"samples": known, "ms": filled.ms, "gib": filled.gib, "share_of_device": share}


def drawing(side: int) -> list[dict[str, Any]]:
    """text2img by the model's own settings, by offload and pictures at once, in bf16."""
    rows: list[dict[str, Any]] = []
    cases: tuple[tuple[Offload, int], ...] = (*(("none", pictures) for pictures in PICTURES), ("parts", 1))
    for offload, pictures in cases:
        free_memory()
        torch.manual_seed(0)
        model = real_size_model(torch.bfloat16, offload, "off", CUDA)
        task = TextToImage(tuple(f"prompt {place}" for place in range(pictures)))
        request = request_of(model, task, DrawOptions(width=side, height=side), pictures)
        steps = request.options.num_steps
        found = Measured(partial(_draw, model, request), steps=1)
        print(f"text2img offload {offload:6} pictures {pictures} {steps} steps {found}", flush=True)
        row = {"offload": offload, "pictures": pictures, "steps": steps}
        rows.append({**row, "ms": found.ms, "gib": found.gib})
        del model
    return rows


def _draw(model: Kandinsky, request: DrawRequest) -> None:
    for _ in model.prepare("text2img"):
        pass
    for _ in draw(model, request):
        pass


def small_model() -> dict[str, Any]:
    """The packer's ratios on the small model, and the same step when the device has little memory left."""
    model, cache = open_kandinsky(), DataCache()
    ratios = {f"packed_ratio_batch{size}": round(compare(model, cache, size, 9).ratio, 2) for size in (1, 4)}
    runs = eight_runs(model, cache, 64)
    capacities = Capacities()
    packer = Packer(capacities)
    step(packer, runs)
    before = capacities.known(runs[0].group)
    free_memory()
    torch.cuda.reset_peak_memory_stats()
    held, total = torch.cuda.memory_reserved(), torch.cuda.get_device_properties(CUDA).total_memory
    try:
        torch.cuda.set_per_process_memory_fraction((held + 0.4 * GIB) / total)
        step(packer, runs)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    after = capacities.known(runs[0].group)
    result: dict[str, Any] = {**ratios, "samples": before, "samples_after_out_of_memory": after}
    result["steps"] = [run.state.step for run in runs]
    print(f"small model: {result}", flush=True)
    return result


SECTIONS: dict[str, Callable[[int], Any]] = {
    "training": training,
    "precision": precision,
    "reference": reference,
    "capacity": capacity,
    "drawing": drawing,
    "small_model": lambda _side: small_model(),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=512, help="pixels of a picture's side (default 512)")
    parser.add_argument("--only", choices=list(SECTIONS), nargs="+", default=list(SECTIONS), help="some of its parts")
    asked = parser.parse_args()
    side: int = asked.side
    if not torch.cuda.is_available():
        parser.exit(2, "bench:device: torch sees no GPU here; run it on a machine that has one\n")
    logging.disable(logging.INFO)
    set_up_torch(1)
    result: dict[str, Any] = {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "side": side}
    print(f"{result['device']}, torch {torch.__version__}, {side} px, prompts of {TOKENS} tokens")
    for name in asked.only:
        result[name] = SECTIONS[name](side)
    if "training" in result:
        result["packed_ratio"] = one_after_the_other(result["training"], 8)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
