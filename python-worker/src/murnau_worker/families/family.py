"""A family of models: how its folders are recognised, opened and converted, and what its models do.

Training, drawing and the engine know models by `FamilyModel` only. Legend: N pictures or samples, C latent channels,
H/W pixels or latent cells, E width of an image embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import torch
from PIL import Image

from murnau_worker.core.batch import Batch, Prompt, Rows
from murnau_worker.core.draws import Draws
from murnau_worker.core.picture_noise import PictureNoise
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.core.turns import Turns
from murnau_worker.families.description import FamilyDescription, FamilyOptions
from murnau_worker.families.goldens import Goldens
from murnau_worker.families.sampling_rules import SamplingRules
from murnau_worker.families.settings import ModelSettings
from murnau_worker.models.checkpointing import BlockCheckpointing
from murnau_worker.models.model_parts import LoadingProgress, Offload, PartPlan, TextTower, VocabularyScale
from murnau_worker.models.parts import ModelShape, PartSource
from murnau_worker.sampling.guidance import Condition, Denoiser, Kept
from murnau_worker.sampling.tables import Process
from murnau_worker.sampling.threshold import Threshold
from murnau_worker.text.embedding_file import LearntEmbedding
from murnau_worker.text.prompt_reader import PromptReader
from murnau_worker.text.prompts import PromptModel
from murnau_worker.text.tokenizers import Tokenizers


@dataclass(frozen=True)
class Layout:
    """A form of model folders: how one is told from others, and how it is opened."""

    name: str
    is_here: Callable[[Path], bool]
    read: Callable[[Path], PartSource]
    what_it_looks_like: str


@dataclass(frozen=True)
class ConvertedFolders:
    """Where a conversion writes parts and tokenizers. `write_settings`: what lies beside them, by the parts there."""

    parts: Mapping[str, str]
    tokenizers: Mapping[str, str]
    write_settings: Callable[[Path, Collection[str]], None]


@dataclass(frozen=True)
class EmbeddingFile:
    """The code of an EmbeddingFormat. `is_here`, `read`: of a format that is read, which is recognised by looking."""

    write: Callable[[LearntEmbedding], bytes]
    is_here: Callable[[bytes], bool] | None = None
    read: Callable[[bytes], LearntEmbedding] | None = None


@dataclass(frozen=True)
class Family:
    """A family with its code.

    `left_out_of_fingerprint`: files and folders, as POSIX paths, that training does not read. `open`: makes a model
    of a source, its settings and its fingerprint. `embedding_files`: by the description's formats. `converted`: none
    where folders are not converted. `goldens`: none where there are no outputs of the original code.
    """

    description: FamilyDescription
    layouts: tuple[Layout, ...]
    open: Callable[..., FamilyModel]
    left_out_of_fingerprint: tuple[str, ...] = ()
    converted: ConvertedFolders | None = None
    goldens: Goldens | None = None
    embedding_files: Mapping[str, EmbeddingFile] = field(default_factory=dict[str, EmbeddingFile])


def part_plan(description: FamilyDescription) -> PartPlan:
    """A family's parts as a model keeps them."""
    return PartPlan(
        family=description.title,
        names=description.part_names,
        of_task=description.parts_of_task,
        of_phase=description.parts_of_phase,
        titles={part.name: part.title for part in description.parts},
        condition_side=frozenset(part.name for part in description.parts if part.side == "condition"),
        encoder=description.encoder,
        towers={tower.name: tower.part for tower in description.towers},
    )


@dataclass(frozen=True)
class PromptedPictures:
    """Pictures to be drawn: the task, who reads their prompts, their noise, and the family's own options."""

    task: str
    reader: PromptReader
    noise: PictureNoise
    options: FamilyOptions


class ShownPictures(Protocol):
    """The pictures that some samples of a step show, one of each sample."""

    @property
    def latents_NCHW(self) -> torch.Tensor:
        """On the model's device."""
        ...

    @property
    def embeddings_NE(self) -> torch.Tensor:
        """The model's embeddings of them, on the CPU; computed when first asked for."""
        ...


@dataclass(frozen=True)
class StepSamples:
    """Some samples of the step after `step` steps: their numbers in it, and the pictures that they show.

    `constants`: what the model computed once for the phase, see `phase_constants`.
    """

    spec: TrainingSpec
    draws: Draws
    step: int
    numbers: range
    pictures: ShownPictures
    constants: Mapping[str, torch.Tensor]


class FamilyModel(PromptModel, Protocol):
    """An opened model. Only the device thread computes with it; names, `tokenizers` and widths are for any thread."""

    description: FamilyDescription
    latent_channels: int
    name: str
    fingerprint: str
    settings: ModelSettings
    source: PartSource
    device: torch.device
    dtype: torch.dtype
    offload: Offload
    checkpointing: BlockCheckpointing

    # Parts in memory: see ModelParts.

    @property
    def tasks(self) -> tuple[str, ...]: ...

    def prepare(self, task: str, on_progress: LoadingProgress | None = None) -> Iterator[str]: ...

    def hold(self, phase: str) -> None: ...

    def holds(self, phase: str) -> bool: ...

    def release_condition_side(self) -> None: ...

    def is_resident(self, part: str) -> bool: ...

    def size_bytes(self, part: str) -> int: ...

    # Text towers and their rows.

    @property
    def tokenizers(self) -> Tokenizers: ...

    def tower(self, tower: str) -> TextTower: ...

    def vocabulary_size(self, tower: str) -> int: ...

    def scale(self, tower: str) -> VocabularyScale: ...

    def known_scale(self, tower: str) -> VocabularyScale | None: ...

    # Pictures and latents.

    @property
    def shape(self) -> ModelShape: ...

    @property
    def image_size(self) -> int:
        """Side of the pictures the model was trained for, in pixels."""
        ...

    @property
    def latent_factor(self) -> int:
        """Pixels per latent cell."""
        ...

    @property
    def latent_multiple(self) -> int:
        """What the sides of latents are multiples of, in cells."""
        ...

    def encode_picture(self, pixels_NCHW: torch.Tensor) -> torch.Tensor:
        """Pictures in -1..1 → latents [N, C, H, W] in fp32, each computed alone."""
        ...

    def decode_latents(self, latents_NCHW: torch.Tensor) -> torch.Tensor:
        """Latents → pictures [N, 3, H, W] in -1..1 on the CPU, each computed alone."""
        ...

    @property
    def embedding_width(self) -> int: ...

    def embed_picture(self, picture: Image.Image) -> torch.Tensor:
        """The model's own embedding of a picture [1, E] in fp32."""
        ...

    # Drawing. `renoising_process`: by which a picture is noised that is drawn upon.

    process: Process
    renoising_process: Process

    def condition(self, pictures: PromptedPictures, prompts: Sequence[str]) -> Turns[Condition]:
        """What is wanted of N pictures by one prompt each."""
        ...

    def unconditional(self, pictures: PromptedPictures) -> Turns[Condition]:
        """What guidance steers N pictures away from."""
        ...

    def text_embeddings(self, pictures: PromptedPictures, texts: Sequence[str], number: int) -> Turns[torch.Tensor]:
        """Image embeddings [N, E] of one text per picture. `number`: which of the request's texts these are."""
        ...

    def condition_on_embeddings(self, pictures: PromptedPictures, image_NE: torch.Tensor) -> Condition:
        """What is wanted of N pictures by image embeddings alone."""
        ...

    def prompts_in_options(self, options: FamilyOptions) -> Sequence[tuple[str, tuple[str, ...]]]:
        """Prompts among a drawing's options, with the towers that read them."""
        ...

    def sampling_rules(self, options: FamilyOptions) -> SamplingRules: ...

    def threshold(self, task: str, sampler: str, options: FamilyOptions) -> Threshold:
        """What a sampler's predicted clean latents are held to."""
        ...

    def drawn_upon(self, pictures: PromptedPictures, pixels_1CHW: torch.Tensor) -> torch.Tensor:
        """Latents in fp32 of the picture in -1..1 that N pictures are drawn upon: [1, C, H, W], or each its own."""
        ...

    def denoiser(self, task: str, kept: Kept | None = None) -> Denoiser: ...

    # Training.

    def phase_of(self, spec: TrainingSpec, step: int) -> str:
        """The loss of the step after `step` steps."""
        ...

    def schedule_place(self, spec: TrainingSpec, step: int) -> tuple[int, int]:
        """Steps done and steps in all of the learning-rate schedule."""
        ...

    def pack_key(self, spec: TrainingSpec, phase: str) -> Hashable:
        """What runs must have in common to share a batch, beside model, phase and shape of the latents."""
        ...

    def phase_constants(
        self, phase: str, spec: TrainingSpec, rows: Rows, prompts: Sequence[Prompt]
    ) -> Mapping[str, torch.Tensor]:
        """What a phase needs that does not change in it: by the rows at its start and the run's prompts."""
        ...

    def draw(self, phase: str, samples: StepSamples) -> dict[str, torch.Tensor]:
        """The tensors of some samples' batch: functions of (seed, step, sample)."""
        ...

    def losses(self, phase: str, batch: Batch, rows: Rows) -> torch.Tensor:
        """Each sample's loss [N], with its weight if it has one, by which the rows get their gradients."""
        ...

    @property
    def evaluation_phases(self) -> tuple[str, ...]:
        """Phases whose parts an evaluation needs, one after the other."""
        ...

    def draw_evaluation(
        self, draws: Draws, step: int, numbers: Sequence[int], latent_shape: tuple[int, ...]
    ) -> dict[str, torch.Tensor]:
        """Noise of some samples of an evaluation; their timesteps are given by the evaluation."""
        ...

    def evaluate(self, phase: str, batch: Batch, rows: Rows) -> Batch:
        """The batch with what the phase computes of it; after the last one it has `losses` [N]. Rows may be none."""
        ...
