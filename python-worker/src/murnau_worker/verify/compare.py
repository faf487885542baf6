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
from murnau_worker.verify import tasks, training
from murnau_worker.verify.golden_folder import GoldenFolder, read_golden_folder


def parts(golden: GoldenFolder) -> Outputs:
    return golden.goldens.parts(golden.model, golden.tensors)


def mask(golden: GoldenFolder) -> Outputs:
    yield "prepare_mask.mask_out", grown(golden["prepare_mask.mask_in"])


GROUPS: tuple[Callable[[GoldenFolder], Outputs], ...] = (
    parts,
    mask,
    tasks.text_to_image,
    tasks.inpainting,
    tasks.image_to_image,
    training.training,
)

# What the original code was given of every family, beside tokens and rows by tower. Every entry that is neither of
# these nor the family's is an output, known here or not.
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
    """One output's error, max|a-b| / max|b|, and its bound. Not compared: the error is NaN."""

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


def outputs_of(tensors: dict[str, torch.Tensor], goldens: Goldens) -> list[str]:
    """Names of the entries that are outputs."""
    of_family = goldens.inputs.union(*map(goldens.training_inputs, range(training.STEPS)))
    return sorted(name for name in set(tensors) - _INPUTS - of_family if not _OF_TOWER.fullmatch(name))


def compare(golden: GoldenFolder) -> Iterator[Comparison]:
    """Compares group after group; the outputs that no group gave come last."""
    left = dict.fromkeys(outputs_of(golden.tensors, golden.goldens))
    for group in GROUPS:
        for name, actual in group(golden):
            if name in left:
                del left[name]
                yield Comparison(name, relative_error(actual, golden[name]), golden.bound(name))
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
