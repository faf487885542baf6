"""Kandinsky 2.1 as training and drawing use it. Legend: N pictures, E width of CLIP's joint space."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from murnau_worker.core.turns import Turns
from murnau_worker.families.family import PromptedPictures
from murnau_worker.families.kandinsky21 import condition
from murnau_worker.families.kandinsky21.condition import DecoderCondition, UnetDenoiser
from murnau_worker.families.kandinsky21.networks import Networks
from murnau_worker.models.model_parts import LoadingProgress
from murnau_worker.sampling.guidance import Kept


class Kandinsky(Networks):
    """A model. Implements FamilyModel."""

    latent_channels = condition.LATENT_CHANNELS

    _empty_condition: DecoderCondition | None = None

    def prepare(self, task: str, on_progress: LoadingProgress | None = None) -> Iterator[str]:
        yield from super().prepare(task, on_progress)
        if task != "train":
            self.unwanted_condition()

    def unwanted_condition(self) -> DecoderCondition:
        """The decoder's unconditional half: empty text and zero picture, batch 1; computed once."""
        if self._empty_condition is None:
            with torch.inference_mode(False), torch.no_grad():
                config: Any = self.t1.encoder.config
                text = self.t1.encode(torch.tensor([[config.bos_token_id, config.eos_token_id]]), None)
                image_1E = self.zero_image_embedding()
                self._empty_condition = DecoderCondition(text.context_BPD, text.pooled_BE, image_1E)
        return self._empty_condition

    def condition(self, pictures: PromptedPictures, prompts: Sequence[str]) -> Turns[DecoderCondition]:
        return condition.prompted_condition(self, pictures, prompts)

    def unconditional(self, pictures: PromptedPictures) -> Turns[DecoderCondition]:
        options = pictures.options
        has_negative = not (pictures.task == "inpaint" and options.reference_quirks)
        negative = options.negative_decoder_prompt if has_negative else ""
        return condition.unwanted_condition(self, pictures, self.unwanted_condition(), negative)

    def text_embeddings(self, pictures: PromptedPictures, texts: Sequence[str], number: int) -> Turns[torch.Tensor]:
        return condition.sampled_embeddings(self, pictures, texts, number)

    def condition_on_embeddings(self, pictures: PromptedPictures, image_NE: torch.Tensor) -> DecoderCondition:
        text = condition.decoder_text(self, pictures.reader, [""] * len(image_NE))
        return DecoderCondition(text.context_BPD, text.pooled_BE, image_NE)

    def denoiser(self, task: str, kept: Kept | None = None) -> UnetDenoiser:
        return UnetDenoiser(self.inpaint_unet if task == "inpaint" else self.unet, kept)
