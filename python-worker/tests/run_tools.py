"""Runs on the tiny model: specs, pictures, a run made of them, and steps of several together."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from flat_spec import flat_spec
from PIL import Image

from murnau_worker.core.spec import TrainingSpec
from murnau_worker.engine.capacity import Capacities
from murnau_worker.engine.packer import Packer
from murnau_worker.engine.step_work import StepWork
from murnau_worker.families.family import FamilyModel
from murnau_worker.training.data.dataset import LatentSet, NamedPicture, encode_pictures
from murnau_worker.training.data.image_embeddings import ImageEmbeddings
from murnau_worker.training.evaluation import Evaluator
from murnau_worker.training.run import TrainingRun
from murnau_worker.training.state import RunIdentity, spec_hash


def png(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """Of [H, W], [H, W, 3] or [H, W, 4]."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def picture(seed: int, side: int = 24, width: int | None = None, **beside: Any) -> NamedPicture:
    """A PNG of random colours, square if it is not told its width. `beside`: mask, caption."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, width or side, 3), dtype=np.uint8)
    content = png(pixels)
    mask: bytes | None = beside.get("mask")
    mask_hash = "" if mask is None else hashlib.sha256(mask).hexdigest()
    return NamedPicture(
        hashlib.sha256(content).hexdigest(), f"{seed}.png", content, mask_hash, mask, beside.get("caption", "")
    )


def tiny_spec(**changes: Any) -> TrainingSpec:
    values: dict[str, Any] = {
        "model": "tiny",
        "placeholder_token": "sapsan",
        "initializer_token": "train",
        "learning_rate_t1": 0.1,
        "learning_rate_t2": 0.1,
        "schedule": "cosine",
        "schedule_steps": 12,
        "batch_size": 2,
        "max_steps": 12,
        "seed": 5,
        "ema_decay": 0.9,
        "packing": "exclusive",
        "checkpoint_every_steps": 4,
    }
    return flat_spec({**values, **changes})


def encoded(
    model: FamilyModel, pictures: Sequence[NamedPicture] | None = None, spec: TrainingSpec | None = None
) -> LatentSet:
    """Pictures (three squares, if none are given) as a run of the spec has them."""
    spec = spec or tiny_spec()
    given = pictures or [picture(1), picture(2), picture(3)]
    reads_captions = spec.data.templates == "captions"
    *_, last = encode_pictures(model, given, spec.data.resize, spec.objective.loss_mask, reads_captions=reads_captions)
    assert last is not None
    return last


def tiny_run(
    model: FamilyModel, spec: TrainingSpec, state: bytes | None = None, pictures: Sequence[NamedPicture] | None = None
) -> TrainingRun:
    latents = encoded(model, pictures, spec)
    identity = RunIdentity(spec_hash(spec), model.fingerprint, latents.fingerprint, "test")
    return TrainingRun(
        model,
        spec,
        latents,
        ImageEmbeddings(model, latents),
        Evaluator(model, latents, spec.data.templates),
        identity,
        state,
    )


def step_together(*runs: TrainingRun, packer: Packer | None = None) -> list[dict[str, float]]:
    """One optimizer step of each run by the engine's packer, all handed in at once; their metrics."""
    packer = packer or Packer(Capacities(max_samples=16))
    works = [StepWork(run) for run in runs]
    for work in works:
        packer.submit(work)
    over: list[StepWork] = []
    while len(over) < len(works):
        over += packer.tick()
    for work in works:
        if work.error is not None:
            raise work.error
    return [run.apply(work.gradients) for run, work in zip(runs, works, strict=True)]


def step(run: TrainingRun) -> dict[str, float]:
    """One optimizer step of a run by itself; its metrics."""
    return step_together(run)[0]
