"""A Pebble: its painter gives a text's colour, and takes a picture for that colour all over.

Legend: N pictures or samples, C channels (3), H/W latent cells or pixels.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import nn

from fake_family.description import PEBBLE, PebbleOptions, parameters_of
from fake_family.source import ReaderTower
from murnau_worker.core.batch import Batch, Prompt, Rows
from murnau_worker.core.draws import Draws
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.core.turns import Turns
from murnau_worker.families.description import FamilyOptions
from murnau_worker.families.family import PromptedPictures, StepSamples, part_plan
from murnau_worker.families.sampling_rules import SamplingRules
from murnau_worker.families.settings import ModelSettings
from murnau_worker.models.checkpointing import Checkpointing
from murnau_worker.models.model_parts import ModelParts, Offload
from murnau_worker.models.part_store import PartStore
from murnau_worker.models.parts import ModelShape, PartSource
from murnau_worker.sampling.guidance import Kept, Prediction
from murnau_worker.sampling.tables import TRAINING_STEPS, Process, linear_betas
from murnau_worker.sampling.threshold import NO_THRESHOLD, Threshold
from murnau_worker.text.prompts import LearntWord, PromptEncoder
from murnau_worker.text.tokenizers import PieceTokenizer, Tokenizers

PROCESS = Process(linear_betas(1e-4, 2e-2))
CONTEXT_LENGTH = 12


@dataclass(frozen=True)
class Colours:
    """Of N pictures [N, C]. Implements Condition."""

    colours_NC: torch.Tensor

    def cat(self, other: Colours) -> Colours:
        return Colours(torch.cat([self.colours_NC, other.colours_NC]))

    def of(self, places: list[int]) -> Colours:
        return Colours(self.colours_NC[places])

    def to(self, dtype: torch.dtype) -> Colours:
        return Colours(self.colours_NC.to(dtype))


class ColourDenoiser:
    """Implements Denoiser."""

    device = torch.device("cpu")
    dtype = torch.float32

    def __call__(self, noised_NCHW: torch.Tensor, timesteps_N: torch.Tensor, condition: Colours) -> Prediction:
        alpha_bar_N111 = torch.from_numpy(PROCESS.alpha_bar)[timesteps_N].float()[:, None, None, None]
        clean = condition.colours_NC[:, :, None, None]
        return Prediction((noised_NCHW - alpha_bar_N111.sqrt() * clean) / (1 - alpha_bar_N111).sqrt(), None)


class Pebble(ModelParts):
    """Implements FamilyModel."""

    description = PEBBLE
    latent_channels = 3
    process = PROCESS
    renoising_process = PROCESS
    evaluation_phases = ("colour",)
    embedding_width = 3
    latent_factor = 2
    latent_multiple = 2
    image_size = 16

    def __init__(
        self,
        source: PartSource,
        settings: ModelSettings,
        fingerprint: str,
        *,
        name: str,
        store: PartStore,
        device: torch.device,
        dtype: torch.dtype,
        offload: Offload,
        checkpointing: Checkpointing,
    ) -> None:
        super().__init__(part_plan(PEBBLE), source, name, store, device, dtype, offload, checkpointing)
        self.settings = settings
        self.fingerprint = fingerprint
        self.tokenizers: Tokenizers = {
            tower.name: PieceTokenizer(source.read_tokenizer(tower.name), tower=tower, context_length=CONTEXT_LENGTH)
            for tower in PEBBLE.towers
        }

    def _wrap(self, part: str, module: Any) -> Any:
        return ReaderTower(module) if part == "reader" else module

    def _blocks(self, part: str, module: Any) -> Iterable[nn.Module]:
        return ()

    def encoder(self, words: Mapping[str, LearntWord], tokenizers: Tokenizers | None = None) -> PromptEncoder:
        return PromptEncoder(tokenizers or self.tokenizers, words, {"words": self.vocabulary_size("words")})

    @property
    def shape(self) -> ModelShape:
        return self.source.read_shape()

    @property
    def widths(self) -> Mapping[str, int]:
        return self.shape.widths

    def encode_picture(self, pixels_NCHW: torch.Tensor) -> torch.Tensor:
        return self._part("codec").encode(pixels_NCHW)

    def decode_latents(self, latents_NCHW: torch.Tensor) -> torch.Tensor:
        return self._part("codec").decode(latents_NCHW)

    def embed_picture(self, picture: Image.Image) -> torch.Tensor:
        raise NotImplementedError("no task of it embeds pictures")

    def colours(self, batch: Batch, rows: Rows) -> torch.Tensor:
        """The colours [N, C] of N prompts."""
        tower: ReaderTower = self._part("reader")
        ids_NL, mask_NL = batch.padded("words", pad_id=0)
        with tower.rows.using(rows.get("words")):
            return self._part("painter")(tower.reader(ids_NL, mask_NL))

    # Drawing

    def condition(self, pictures: PromptedPictures, prompts: Sequence[str]) -> Turns[Colours]:
        options, default = pictures.options, self.settings.options
        assert isinstance(options, PebbleOptions)
        assert isinstance(default, PebbleOptions)
        tint = default.tint if options.tint is None else options.tint
        yield None
        return Colours(self.colours(pictures.reader.batch(prompts), pictures.reader.rows) + (tint or 0.0))

    def unconditional(self, pictures: PromptedPictures) -> Turns[Colours]:
        yield None
        return Colours(torch.zeros(len(pictures.noise), 3))

    def text_embeddings(self, pictures: PromptedPictures, texts: Sequence[str], number: int) -> Turns[torch.Tensor]:
        raise NotImplementedError("no task of it fuses")

    def condition_on_embeddings(self, pictures: PromptedPictures, image_NE: torch.Tensor) -> Colours:
        raise NotImplementedError("no task of it fuses")

    def prompts_in_options(self, options: FamilyOptions) -> Sequence[tuple[str, tuple[str, ...]]]:
        return ()

    def sampling_rules(self, options: FamilyOptions) -> SamplingRules:
        return SamplingRules()

    def threshold(self, task: str, sampler: str, options: FamilyOptions) -> Threshold:
        return NO_THRESHOLD

    def drawn_upon(self, pictures: PromptedPictures, pixels_1CHW: torch.Tensor) -> torch.Tensor:
        return self.encode_picture(pixels_1CHW)

    def denoiser(self, task: str, kept: Kept | None = None) -> ColourDenoiser:
        return ColourDenoiser()

    # Training

    def phase_of(self, spec: TrainingSpec, step: int) -> str:
        return "colour"

    def schedule_place(self, spec: TrainingSpec, step: int) -> tuple[int, int]:
        return step, spec.optimizer.schedule_steps

    def pack_key(self, spec: TrainingSpec, phase: str) -> Hashable:
        return None

    def phase_constants(
        self, phase: str, spec: TrainingSpec, rows: Rows, prompts: Sequence[Prompt]
    ) -> Mapping[str, torch.Tensor]:
        return {}

    def draw(self, phase: str, samples: StepSamples) -> dict[str, torch.Tensor]:
        own = parameters_of(samples.spec)
        weights = torch.full((len(samples.numbers),), own.hardness * own.repeats)
        return {"latents": samples.pictures.latents_NCHW, "weights": weights}

    def losses(self, phase: str, batch: Batch, rows: Rows) -> torch.Tensor:
        return self._errors(batch, rows) * batch.tensors["weights"]

    def draw_evaluation(
        self, draws: Draws, step: int, numbers: Sequence[int], latent_shape: tuple[int, ...]
    ) -> dict[str, torch.Tensor]:
        return {
            "timesteps": torch.tensor([draws.integer("timestep", step, index, TRAINING_STEPS) for index in numbers])
        }

    def evaluate(self, phase: str, batch: Batch, rows: Rows) -> Batch:
        return batch.having(losses=self._errors(batch, rows))

    def _errors(self, batch: Batch, rows: Rows) -> torch.Tensor:
        """Mean squared error [N] of a picture for its prompt's colour."""
        clean_NC11 = self.colours(batch, rows)[:, :, None, None]
        return (batch.tensors["latents"] - clean_NC11).square().mean(dim=(1, 2, 3))
