"""Kandinsky 2.1 as training and drawing use it. Legend: N pictures or samples, E width of CLIP's joint space."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import torch

from murnau_worker.core.batch import Batch, Prompt, Rows
from murnau_worker.core.draws import Draws
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.core.turns import Turns
from murnau_worker.families.description import FamilyOptions
from murnau_worker.families.family import PromptedPictures, StepSamples
from murnau_worker.families.kandinsky21 import condition, losses, phases
from murnau_worker.families.kandinsky21.condition import DecoderCondition
from murnau_worker.families.kandinsky21.networks import Networks
from murnau_worker.families.kandinsky21.parameters import options_of, parameters_of
from murnau_worker.families.kandinsky21.processes import DECODER_PROCESS, RENOISING_PROCESS, threshold
from murnau_worker.families.sampling_rules import SamplingRules
from murnau_worker.models.model_parts import LoadingProgress
from murnau_worker.sampling.guidance import Kept
from murnau_worker.sampling.samplers import SAMPLERS
from murnau_worker.sampling.threshold import NO_THRESHOLD, Threshold
from murnau_worker.sampling.unet_denoiser import UnetDenoiser

EVALUATION_PRIOR_STEPS = 5


class Kandinsky(Networks):
    """A model. Implements FamilyModel."""

    latent_channels = condition.LATENT_CHANNELS
    process = DECODER_PROCESS
    renoising_process = RENOISING_PROCESS
    evaluation_phases = ("prior", "decoder")

    _empty_condition: DecoderCondition | None = None

    def prepare(self, task: str, on_progress: LoadingProgress | None = None) -> Iterator[str]:
        yield from super().prepare(task, on_progress)
        if task != "train":
            self.unwanted_condition()

    # Drawing

    def condition(self, pictures: PromptedPictures, prompts: Sequence[str]) -> Turns[DecoderCondition]:
        image_NE = yield from condition.embeddings_of_pictures(self, pictures, prompts, 0)
        return condition.condition_on_each(self, pictures.reader.batch(prompts), pictures.reader.rows, image_NE)

    def unconditional(self, pictures: PromptedPictures) -> Turns[DecoderCondition]:
        """As in the original the text is empty, and a negative prompt acts by its image embedding only."""
        options, count = options_of(pictures.options), len(pictures.noise)
        empty = self.unwanted_condition().expanded(count)
        has_negative = not (pictures.task == "inpaint" and options.reference_quirks)
        if not has_negative or not options.negative_decoder_prompt:
            return empty
        texts = [options.negative_decoder_prompt] * count
        image_NE = yield from condition.embeddings_of_pictures(self, pictures, texts, condition.NEGATIVE_TEXT)
        return DecoderCondition(empty.context_NPD, empty.pooled_NE, image_NE)

    def unwanted_condition(self) -> DecoderCondition:
        """The decoder's unconditional half: empty text and zero picture, batch 1; computed once."""
        if self._empty_condition is None:
            with torch.inference_mode(False), torch.no_grad():
                config: Any = self.t1.encoder.config
                text = self.t1.encode(torch.tensor([[config.bos_token_id, config.eos_token_id]]), None)
                image_1E = self.zero_image_embedding()
                self._empty_condition = DecoderCondition(text.context_BPD, text.pooled_BE, image_1E)
        return self._empty_condition

    def text_embeddings(self, pictures: PromptedPictures, texts: Sequence[str], number: int) -> Turns[torch.Tensor]:
        return condition.embeddings_of_pictures(self, pictures, texts, number)

    def condition_on_embeddings(self, pictures: PromptedPictures, image_NE: torch.Tensor) -> DecoderCondition:
        empty = pictures.reader.batch([""] * len(image_NE))
        return condition.condition_on_each(self, empty, pictures.reader.rows, image_NE)

    def prompts_in_options(self, options: FamilyOptions) -> Sequence[tuple[str, tuple[str, ...]]]:
        own = options_of(options)
        return [(text, ("t2",)) for text in (own.negative_prior_prompt, own.negative_decoder_prompt) if text]

    def sampling_rules(self, options: FamilyOptions) -> SamplingRules:
        """The original ignores eta, and pastes nothing back."""
        follows_original = options_of(options).reference_quirks
        return SamplingRules(takes_eta=not follows_original, pastes_kept=not follows_original)

    def threshold(self, task: str, sampler: str, options: FamilyOptions) -> Threshold:
        """The original thresholds all pictures as the first."""
        if not SAMPLERS[sampler].thresholds:
            return NO_THRESHOLD
        return threshold(shares_first=options_of(options).reference_quirks)

    def drawn_upon(self, pictures: PromptedPictures, pixels_1CHW: torch.Tensor) -> torch.Tensor:
        return self.encode_picture(pixels_1CHW)

    def denoiser(self, task: str, kept: Kept | None = None) -> UnetDenoiser:
        return UnetDenoiser(self.inpaint_unet if task == "inpaint" else self.unet, condition.predict, kept)

    # Training

    def phase_of(self, spec: TrainingSpec, step: int) -> str:
        return phases.phase_of(spec, step)

    def schedule_place(self, spec: TrainingSpec, step: int) -> tuple[int, int]:
        return phases.schedule_place(spec, step)

    def pack_key(self, spec: TrainingSpec, phase: str) -> Hashable:
        """The prior's sampling steps; 0 where it samples nothing."""
        return parameters_of(spec).prior_steps if phase == "joint" else 0

    def phase_constants(
        self, phase: str, spec: TrainingSpec, rows: Rows, prompts: Sequence[Prompt]
    ) -> Mapping[str, torch.Tensor]:
        return losses.pool(self, spec, rows, prompts) if phase == "decoder" else {}

    def draw(self, phase: str, samples: StepSamples) -> dict[str, torch.Tensor]:
        return losses.draw(self, phase, samples)

    def losses(self, phase: str, batch: Batch, rows: Rows) -> torch.Tensor:
        return losses.losses(self, phase, batch, rows)

    def draw_evaluation(
        self, draws: Draws, step: int, numbers: Sequence[int], latent_shape: tuple[int, ...]
    ) -> dict[str, torch.Tensor]:
        return losses.noise_of(self, draws, step, numbers, latent_shape, EVALUATION_PRIOR_STEPS)

    def evaluate(self, phase: str, batch: Batch, rows: Rows) -> Batch:
        if phase == "prior":
            return batch.having(image=losses.sampled_images(self, batch, rows))
        return batch.having(losses=losses.decoder_losses(self, batch, rows))
