"""Compares every output of a golden folder, and says which entries nobody compared."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from murnau_worker.drawing.masks import grown
from murnau_worker.families.goldens import Goldens, Outputs
from murnau_worker.verify import recorded, tasks, training
from murnau_worker.verify.golden_folder import GoldenFolder, read_golden_folder


def parts(golden: GoldenFolder) -> Outputs:
    return golden.goldens.parts(golden.model, golden.tensors, golden.folder)


def mask(golden: GoldenFolder) -> Outputs:
    yield "prepare_mask.mask_out", grown(golden["prepare_mask.mask_in"])


Group = Callable[[GoldenFolder], Outputs]
_SAMPLED: tuple[Group, ...] = (
    parts,
    mask,
    tasks.text_to_image,
    tasks.inpainting,
    tasks.image_to_image,
    training.training,
)
_RECORDED: tuple[Group, ...] = (parts, recorded.preparation, recorded.runs)

# What the original code was given of every family whose goldens are sampled, beside tokens and rows by tower.
_INPUTS: frozenset[str] = frozenset(
    {
        "prepare_mask.mask_in",
        *(f"sample.{name}" for name in ("x_T", "p_step_noise")),
        *(f"inpaint.{name}" for name in ("init_latents", "mask", "p_step_noise")),
        "img2img.noise",
        "train.image",
        *(f"train.step{step}.{name}" for step in range(training.STEPS) for name in ("noise", "timestep")),
    }
)
_OF_TOWER = re.compile(r"(sample|train)\.\w+_(ids|mask|row_init)")


@dataclass(frozen=True)
class Comparison:
    """One output's error, see `error_of`, and its bound. Not compared: the error is NaN."""

    name: str
    error: float
    bound: float

    @property
    def is_ok(self) -> bool:
        return self.error <= self.bound


def relative_error(actual: torch.Tensor, wanted: torch.Tensor) -> float:
    """max|a-b| / max|b|; infinite for another shape."""
    if actual.shape != wanted.shape:
        return float("inf")
    difference = (actual.detach().double().cpu() - wanted.double()).abs().max()
    return float(difference / wanted.double().abs().max().clamp(min=torch.finfo(torch.float64).tiny))


def error_of(actual: torch.Tensor, wanted: torch.Tensor) -> float:
    """The relative error; of whole numbers, such as a picture's levels, the largest difference."""
    if wanted.is_floating_point() or actual.shape != wanted.shape:
        return relative_error(actual, wanted)
    return float((actual.cpu().long() - wanted.long()).abs().max())


def outputs_of(tensors: dict[str, torch.Tensor], goldens: Goldens) -> list[str]:
    """Names of the entries that are outputs."""

    def is_input(name: str) -> bool:
        is_common = goldens.form == "sampled" and (name in _INPUTS or _OF_TOWER.fullmatch(name) is not None)
        return is_common or goldens.is_input(name)

    return sorted(name for name in tensors if not is_input(name))


def compare(golden: GoldenFolder) -> Iterator[Comparison]:
    """Compares group after group; the outputs that no group gave come last."""
    left = dict.fromkeys(outputs_of(golden.tensors, golden.goldens))
    for group in _SAMPLED if golden.goldens.form == "sampled" else _RECORDED:
        for name, actual in group(golden):
            if name in left:
                del left[name]
                yield Comparison(name, error_of(actual, golden[name]), golden.bound(name))
    for name in left:
        yield Comparison(name, float("nan"), golden.bound(name))


def verify_model(folder: Path) -> bool:
    """Prints a line for each output; whether all were compared and none is off. Raises WorkerError."""
    results: list[Comparison] = []
    for result in compare(read_golden_folder(folder)):
        results.append(result)
        error = "not-compared" if result.error != result.error else f"{result.error:.3g}"
        print(f"{result.name} {error} {result.bound:.3g} {'ok' if result.is_ok else 'FAIL'}", flush=True)
    failed = sum(not result.is_ok for result in results)
    print(f"{len(results) - failed} of {len(results)} outputs within their bounds", file=sys.stderr)
    return failed == 0 and bool(results)
