"""Kandinsky 2.0 as training and drawing use it. Legend: N pictures or samples, E width of an image embedding."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from PIL import Image

from murnau_worker.core.batch import Batch, Prompt, Rows
from murnau_worker.core.draws import Draws
from murnau_worker.core.progress import Progress
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.core.turns import Turns
from murnau_worker.families.description import FamilyOptions
from murnau_worker.families.family import PromptedPictures, StepSamples
from murnau_worker.families.kandinsky20 import condition
from murnau_worker.families.kandinsky20.condition import JoinedTexts
from murnau_worker.families.kandinsky20.networks import Networks
from murnau_worker.families.kandinsky20.parameters import options_of
from murnau_worker.families.kandinsky20.thresholds import drawing_threshold
from murnau_worker.families.noise_loss import drawn_noise, loss_weights, noise_losses
from murnau_worker.families.sampling_rules import SamplingRules
from murnau_worker.models.model_parts import LoadingProgress
from murnau_worker.sampling.guidance import Kept
from murnau_worker.sampling.noising import add_noise
from murnau_worker.sampling.tables import Process, linear_betas
from murnau_worker.sampling.threshold import Threshold
from murnau_worker.sampling.unet_denoiser import UnetDenoiser

PROCESS = Process(linear_betas(1e-4, 2e-2))
LATENT_CHANNELS = 4
_NO_FUSING = "no task of it draws by image embeddings"


class Kandinsky20(Networks):
    """A model. Implements FamilyModel."""

    latent_channels = LATENT_CHANNELS
    process = PROCESS
    renoising_process = PROCESS
    evaluation_phases = ("joint",)

    @cached_property
    def _unwanted(self) -> dict[bool, JoinedTexts]:
        """The empty text's condition, by whether it is inpainting's."""
        return {}

    def prepare(self, task: str, on_progress: LoadingProgress | None = None) -> Iterator[str]:
        yield from super().prepare(task, on_progress)
        if task != "train":
            self.unwanted_condition(task)

    # Drawing

    def condition(self, pictures: PromptedPictures, prompts: Sequence[str]) -> Turns[JoinedTexts]:
        yield Progress(self.description.conditioner)
        return condition.read_each(self, pictures.task, pictures.reader.batch(prompts), pictures.reader.rows)

    def unconditional(self, pictures: PromptedPictures) -> Turns[JoinedTexts]:
        """The empty text's."""
        yield None
        return self.unwanted_condition(pictures.task).of([0] * len(pictures.noise))

    def unwanted_condition(self, task: str) -> JoinedTexts:
        """The empty text's, batch 1; computed once by either joining."""
        known, is_inpainting = self._unwanted, task == "inpaint"
        if is_inpainting not in known:
            first: Any = self.t1.encoder.config
            second: Any = self.t2.encoder.config
            empty = {"t1": (first.bos_token_id, first.eos_token_id), "t2": (second.eos_token_id,)}
            with torch.inference_mode(False), torch.no_grad():  # it outlives the caller's
                known[is_inpainting] = condition.read(self, task, Batch.of([empty], ""), {})
        return known[is_inpainting]

    def prompts_in_options(self, options: FamilyOptions) -> Sequence[tuple[str, tuple[str, ...]]]:
        return ()

    def sampling_rules(self, options: FamilyOptions) -> SamplingRules:
        """The original ignores eta, pastes nothing back, and draws upon pictures of its own square only."""
        follows_original = options_of(options).reference_quirks
        return SamplingRules(
            takes_eta=not follows_original, pastes_kept=not follows_original, squashes=follows_original
        )

    def threshold(self, task: str, sampler: str, options: FamilyOptions) -> Threshold:
        return drawing_threshold(task, sampler, options_of(options))

    def drawn_upon(self, pictures: PromptedPictures, pixels_1CHW: torch.Tensor) -> torch.Tensor:
        """The original draws latents by what its encoder says of them; their mean is as near and needs no noise."""
        if not options_of(pictures.options).reference_quirks:
            return self.encode_picture(pixels_1CHW)
        rows, columns = (side // self.latent_factor for side in pixels_1CHW.shape[-2:])
        shape = (self.latent_channels, rows, columns)
        noise = [pictures.noise.of_condition(place, "encoding", 0, shape) for place in range(len(pictures.noise))]
        return self.sample_latents(pixels_1CHW, torch.stack(noise))

    def denoiser(self, task: str, kept: Kept | None = None) -> UnetDenoiser:
        return UnetDenoiser(self.unet(task), condition.predict, kept)

    # Image embeddings, which it has none of.

    @property
    def embedding_width(self) -> int:
        raise NotImplementedError(_NO_FUSING)

    def embed_picture(self, picture: Image.Image) -> torch.Tensor:
        raise NotImplementedError(_NO_FUSING)

    def text_embeddings(self, pictures: PromptedPictures, texts: Sequence[str], number: int) -> Turns[torch.Tensor]:
        raise NotImplementedError(_NO_FUSING)

    def condition_on_embeddings(self, pictures: PromptedPictures, image_NE: torch.Tensor) -> JoinedTexts:
        raise NotImplementedError(_NO_FUSING)

    # Training

    def phase_of(self, spec: TrainingSpec, step: int) -> str:
        return "joint"

    def schedule_place(self, spec: TrainingSpec, step: int) -> tuple[int, int]:
        return step, spec.optimizer.schedule_steps

    def pack_key(self, spec: TrainingSpec, phase: str) -> Hashable:
        return None

    def phase_constants(
        self, phase: str, spec: TrainingSpec, rows: Rows, prompts: Sequence[Prompt]
    ) -> Mapping[str, torch.Tensor]:
        return {}

    def draw(self, phase: str, samples: StepSamples) -> dict[str, torch.Tensor]:
        latents_NCHW = samples.pictures.latents_NCHW
        noise = drawn_noise(samples.draws, samples.step, samples.numbers, tuple(latents_NCHW.shape[1:]))
        return {"latents": latents_NCHW, **noise, **loss_weights(PROCESS, samples.spec, noise["timesteps"])}

    def losses(self, phase: str, batch: Batch, rows: Rows) -> torch.Tensor:
        """Of the predicted noise; the learnt variance is left alone."""
        given = batch.tensors
        noised_NCHW = add_noise(PROCESS, given["latents"], given["noise"], given["timesteps"])
        texts = condition.read(self, "train", batch, rows)
        output = condition.predict(self.unet("train"), noised_NCHW, given["timesteps"], texts)
        return noise_losses(output[:, :LATENT_CHANNELS], given)

    def draw_evaluation(
        self, draws: Draws, step: int, numbers: Sequence[int], latent_shape: tuple[int, ...]
    ) -> dict[str, torch.Tensor]:
        return drawn_noise(draws, step, numbers, latent_shape)

    def evaluate(self, phase: str, batch: Batch, rows: Rows) -> Batch:
        return batch.having(losses=self.losses(phase, batch, rows))
