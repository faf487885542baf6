"""Peak memory of training steps at Kandinsky 2.1's published size, by fake tensors, through the packer's own code.

Every sample has its own prompt of the greatest length, and every run its own rows. Weights are in bf16.
Legend: N samples of a run, E width of CLIP's joint space (768).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import torch
from fake_memory import GIB, LiveBytes
from real_size import CPU, TOKENS, real_size_model
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from murnau_worker.core.batch import Batch, Rows
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.models.checkpointing import Checkpointing
from murnau_worker.models.model_parts import Offload
from murnau_worker.training.data.dataset import Bucket, LatentSet
from murnau_worker.training.evaluation import Evaluator
from murnau_worker.training.shares import Share
from murnau_worker.training.step import gradients as packed_gradients

BATCHES = (1, 4)
RUNS = (1, 4, 16)
PRIOR_STEPS = 5  # the default
SPLIT_PHASES: tuple[str, ...] = ("prior", "decoder")


@dataclass(frozen=True)
class TrainingCase:
    """`runs` of batch `batch` in one tick."""

    phase: str
    offload: Offload
    checkpointing: Checkpointing
    batch: int
    runs: int


def cases() -> Iterator[TrainingCase]:
    yield TrainingCase("joint", "none", "off", 1, 1)
    for phase in SPLIT_PHASES:
        yield TrainingCase(phase, "parts", "off", 1, 1)
    held: tuple[tuple[str, Offload], ...] = (("joint", "none"), *((phase, "parts") for phase in SPLIT_PHASES))
    for phase, offload in held:
        for batch in BATCHES:
            for runs in RUNS:
                yield TrainingCase(phase, offload, "on", batch, runs)


def _samples(model: Kandinsky, phase: str, count: int, side: int) -> Batch:
    prompt = {tower: _longest(model.vocabulary_size(tower)) for tower in ("t1", "t2")}
    given_NE, timesteps_N = torch.randn(count, model.embedding_width), torch.full((count,), 800)
    if phase == "prior":
        tensors = {"image": given_NE, "noise": torch.randn_like(given_NE), "timesteps": timesteps_N}
    else:
        latents_NCHW = torch.randn(count, 4, side // 8, side // 8)
        tensors = {
            "latents": latents_NCHW,
            "noise": torch.randn_like(latents_NCHW),
            "timesteps": timesteps_N,
            "prior_init": torch.randn_like(given_NE),
            "prior_steps": torch.randn(count, PRIOR_STEPS, model.embedding_width),
            **({"image": given_NE} if phase == "decoder" else {}),
        }
    return Batch.of([prompt] * count, "eot", tensors)


def _longest(learnt_id: int) -> tuple[int, ...]:
    return (0, *[5] * (TOKENS - 3), learnt_id, 2)


def training_peak(case: TrainingCase, side: int) -> int:
    """Bytes at the peak of one tick, with what preparing a run leaves in memory."""
    gc.collect()  # the case before
    with FakeTensorMode(allow_non_fake_inputs=True), LiveBytes(TOKENS) as live:
        model, shares = _ready(case, side)
        live.forget_peak()
        packed_gradients(model, shares)
        return live.peak


def checkpointing_arithmetic(side: int) -> float:
    """How many times the arithmetic of a joint step's products and convolutions checkpointing makes of it."""
    counts: list[int] = []
    settings: tuple[Checkpointing, ...] = ("on", "off")
    for checkpointing in settings:
        with FakeTensorMode(allow_non_fake_inputs=True), LiveBytes(TOKENS):
            model, shares = _ready(TrainingCase("joint", "none", checkpointing, 1, 1), side)
            with FlopCounterMode(display=False) as counter:
                packed_gradients(model, shares)
            counts.append(counter.get_total_flops())
    return counts[0] / counts[1]


def _ready(case: TrainingCase, side: int) -> tuple[Kandinsky, list[Share]]:
    """The model with the parts of a case's phase, and its samples."""
    model = ready_model(case.phase, case.offload, case.checkpointing)
    return model, random_shares(model, case.phase, batch=case.batch, runs=case.runs, side=side)


def ready_model(
    phase: str,
    offload: Offload,
    checkpointing: Checkpointing,
    *,
    dtype: torch.dtype = torch.bfloat16,
    device: torch.device = CPU,
) -> Kandinsky:
    """The model with the parts that a phase's first step finds."""
    model = _prepared(offload, checkpointing, dtype, device)
    if phase == "joint":
        model.empty_text_keys()  # made at a model's first step
    model.hold(phase)
    return model


def random_shares(model: Kandinsky, phase: str, *, batch: int, runs: int, side: int) -> list[Share]:
    """What so many runs hand in for a step of a phase, with random rows, pictures of `side` pixels and noise."""
    return [
        Share(
            phase=phase,
            rows={tower: 0.02 * torch.randn(1, width) for tower, width in model.widths.items()},
            weight=1.0 / batch,
            batch=_samples(model, phase, batch, side),
        )
        for _ in range(runs)
    ]


def evaluation_peak(offload: Offload, side: int) -> int:
    """Bytes at the peak of an evaluation after steps of the decoder's phase (with `offload: parts`), or of any."""
    gc.collect()
    with FakeTensorMode(allow_non_fake_inputs=True), LiveBytes(TOKENS) as live:
        model = _prepared(offload, "on")
        cells = side // 8
        bucket = Bucket((0,), torch.zeros(1, 2, 4, cells, cells), None)
        latents = LatentSet((bucket,), (torch.zeros(3, side, side),), (), "real-size", "real-size")
        evaluator = Evaluator(model, latents, "object")
        encoder = model.encoder({})
        model.empty_text_keys()
        model.hold("decoder")
        live.forget_peak()
        rows: Rows = {tower: torch.zeros(1, width) for tower, width in model.widths.items()}
        for _ in evaluator.losses(encoder, rows, "eot", "sapsan"):
            pass
        return live.peak


def _prepared(
    offload: Offload, checkpointing: Checkpointing, dtype: torch.dtype = torch.bfloat16, device: torch.device = CPU
) -> Kandinsky:
    model = real_size_model(dtype, offload, checkpointing, device)
    for _ in model.prepare("train"):
        pass
    # As a run's start does: sizes are read while the parts are there that tell them.
    model.encoder({})
    _ = model.embedding_width
    return model


def training_table(side: int) -> dict[str, Any]:
    """Prints the table; what the last line of the benchmark's output says of training."""
    print(f"{'training':10} {'offload':8} {'checkpointing':14} {'batch':>5} {'runs':>5} {'GiB':>7}")
    rows: list[dict[str, Any]] = []
    for case in cases():
        gib = round(training_peak(case, side) / GIB, 2)
        print(
            f"{case.phase:10} {case.offload:8} {case.checkpointing:14} {case.batch:5} {case.runs:5} {gib:7.2f}",
            flush=True,
        )
        rows.append({**asdict(case), "gib": gib})
    of_one = {
        row["phase"]: row["gib"] for row in rows if (row["checkpointing"], row["batch"], row["runs"]) == ("on", 1, 1)
    }
    evaluations: dict[str, float] = {}
    for offload in ("none", "parts"):
        evaluations[offload] = round(evaluation_peak(offload, side) / GIB, 2)
        print(f"{'evaluation':10} {offload:8} {evaluations[offload]:42.2f}", flush=True)
    arithmetic = round(checkpointing_arithmetic(side), 2)
    print(f"checkpointing: {arithmetic} times a joint step's arithmetic")
    return {
        "training": rows,
        "checkpointing_arithmetic": arithmetic,
        "evaluation_gib": evaluations,
        "joint_gib": of_one["joint"],
        "split_gib": {phase: of_one[phase] for phase in SPLIT_PHASES},
    }
