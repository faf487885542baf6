"""The parts of a Kandinsky 2.1, which of them each task needs, and what a folder offers to read them by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from torch import nn

from murnau_worker.models.clip_normalisation import ClipNormalisation

PartName = Literal["text_encoder", "clip_text", "clip_image", "prior", "unet", "inpaint_unet", "movq"]
DrawingTaskName = Literal["text2img", "fuse", "inpaint", "img2img"]
TaskName = Literal["train"] | DrawingTaskName
# What a training step computes: both towers' rows by the decoder's loss, t2's by the prior's, t1's by the decoder's.
Phase = Literal["joint", "prior", "decoder"]
TowerName = Literal["t1", "t2"]

PART_NAMES: tuple[PartName, ...] = (
    "text_encoder",
    "clip_text",
    "clip_image",
    "prior",
    "unet",
    "inpaint_unet",
    "movq",
)
OPTIONAL_PARTS: frozenset[PartName] = frozenset({"inpaint_unet"})
# Kept in fp32 whatever the model's dtype: the image embeddings' statistics, which are applied outside the prior.
EXACT_TENSORS: dict[PartName, tuple[str, ...]] = {"prior": ("clip_mean", "clip_std")}
# What turns prompts and pictures into conditions, and what draws by them: with `offload: parts` not resident together.
PRIOR_SIDE: tuple[PartName, ...] = ("text_encoder", "clip_text", "clip_image", "prior")
DECODER_SIDE: tuple[PartName, ...] = ("unet", "inpaint_unet", "movq")

_TEXT_TO_PICTURE: tuple[PartName, ...] = (*PRIOR_SIDE, "unet", "movq")
PARTS_OF_TASK: dict[TaskName, tuple[PartName, ...]] = {
    "train": ("text_encoder", "clip_text", "prior", "unet", "movq"),
    "text2img": _TEXT_TO_PICTURE,
    "fuse": _TEXT_TO_PICTURE,
    "inpaint": (*PRIOR_SIDE, "inpaint_unet", "movq"),
    "img2img": _TEXT_TO_PICTURE,
}
PARTS_OF_PHASE: dict[Phase, tuple[PartName, ...]] = {
    "joint": ("text_encoder", "clip_text", "prior", "unet"),
    "prior": ("clip_text", "prior"),
    "decoder": ("text_encoder", "unet"),
}


@dataclass(frozen=True)
class ModelShape:
    """Widths of a model as its files show them without being loaded.

    `sample_size`: side of the latents it was trained on. `latent_factor`: pixels per latent cell. `latent_multiple`:
    latent sides are multiples of it. `width_t1`, `width_t2`: of a token's row in each tower. `context_t2`: tokens that
    CLIP's text tower reads.
    """

    sample_size: int
    latent_factor: int
    latent_multiple: int
    width_t1: int
    width_t2: int
    context_t2: int


class PartSource(Protocol):
    """A model folder whose layout is known and whose needed parts are all there."""

    folder: Path
    layout: str
    inpainting_place: str  # where the inpainting part would have to be put

    @property
    def parts(self) -> tuple[PartName, ...]:
        """The parts that are there."""
        ...

    def read_shape(self) -> ModelShape:
        """Raises WorkerError `model.unreadable`."""
        ...

    def read(self, part: PartName, dtype: torch.dtype | None) -> nn.Module:
        """Reads a part on the CPU, in the given dtype or the file's own. Raises WorkerError `model.unreadable`."""
        ...

    def read_clip_normalisation(self) -> ClipNormalisation:
        """How the image tower wants its pictures. Raises WorkerError `model.unreadable`."""
        ...

    def read_tokenizer(self, tower: TowerName) -> Any:
        """A tower's tokenizer. Raises WorkerError `model.unreadable` and says which file to put where."""
        ...


@dataclass(frozen=True)
class MissingPart:
    """A part that is not there, and the paths it was looked for at, relative to the model's folder."""

    name: str
    looked_for: tuple[str, ...]


def describe_missing(folder: Path, layout: str, missing: list[MissingPart]) -> str:
    """One sentence that lists all of them."""
    parts = "; ".join(f"{part.name} (looked for {' or '.join(part.looked_for)})" for part in missing)
    return f"the model in {folder} ({layout} layout) lacks {len(missing)} of its parts: {parts}"
