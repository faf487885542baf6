"""What the decoder is given: texts through XLM-R, image embeddings through the prior or CLIP's image tower.

Legend: N pictures, P padded text length, D1 width of t1, C latent channels, S prior steps, E joint width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from diffusers import UNet2DConditionModel

from murnau_worker.core.batch import LearntPair, NoiseDraws, PromptBatch, TrainingBatch
from murnau_worker.core.progress import Progress
from murnau_worker.core.spec import Pooling
from murnau_worker.core.turns import Turns, in_batches
from murnau_worker.families.family import PromptedPictures
from murnau_worker.families.kandinsky21.networks import Networks
from murnau_worker.families.kandinsky21.text_encoder import T1Text
from murnau_worker.models.prior_network import TextKeys, join_texts
from murnau_worker.sampling.guidance import Kept, Prediction
from murnau_worker.sampling.prior_sampler import sample_image_embedding, sample_prior
from murnau_worker.sampling.prior_schedule import prior_schedule
from murnau_worker.text.prompt_reader import PromptReader

LATENT_CHANNELS = 4
TRAINING_PRIOR_GUIDANCE = 4.0
NEGATIVE_TEXT = -1  # number of the decoder's negative prompt among the texts that the prior samples
_PRIOR_BATCH = 16  # embeddings sampled together


@dataclass(frozen=True)
class DecoderCondition:
    """Text and image embedding of N pictures: [N, P, D1], [N, E], [N, E]."""

    context_NPD: torch.Tensor
    pooled_NE: torch.Tensor
    image_NE: torch.Tensor

    def cat(self, other: DecoderCondition) -> DecoderCondition:
        return DecoderCondition(
            torch.cat([self.context_NPD, other.context_NPD]),
            torch.cat([self.pooled_NE, other.pooled_NE]),
            torch.cat([self.image_NE, other.image_NE]),
        )

    def of(self, places: list[int]) -> DecoderCondition:
        return DecoderCondition(self.context_NPD[places], self.pooled_NE[places], self.image_NE[places])

    def to(self, dtype: torch.dtype) -> DecoderCondition:
        return DecoderCondition(self.context_NPD.to(dtype), self.pooled_NE.to(dtype), self.image_NE.to(dtype))

    def expanded(self, count: int) -> DecoderCondition:
        """The condition of one picture for as many."""
        return DecoderCondition(
            self.context_NPD.expand(count, -1, -1), self.pooled_NE.expand(count, -1), self.image_NE.expand(count, -1)
        )


def predict(
    unet: UNet2DConditionModel, seen_NCHW: torch.Tensor, timesteps_N: torch.Tensor, condition: DecoderCondition
) -> torch.Tensor:
    """The UNet's output [N, 2C, H, W] in fp32, computed in its own dtype: noise, then the variance's interpolation."""
    condition = condition.to(unet.dtype)
    output: torch.Tensor = unet(
        seen_NCHW.to(unet.dtype),
        timesteps_N,
        encoder_hidden_states=condition.context_NPD,
        added_cond_kwargs={"text_embeds": condition.pooled_NE, "image_embeds": condition.image_NE},
        return_dict=False,
    )[0]
    return output.float()


class UnetDenoiser:
    """The UNet as a sampler's denoiser; the inpainting one is also given what is kept. Implements Denoiser."""

    def __init__(self, unet: UNet2DConditionModel, kept: Kept | None = None) -> None:
        self._unet = unet
        self._kept_beside: torch.Tensor | None = None
        if kept is not None:
            mask, latents = kept.mask_11HW, kept.latents_1CHW
            self._kept_beside = torch.cat([latents * mask, mask], dim=1)

    @property
    def device(self) -> torch.device:
        return self._unet.device

    @property
    def dtype(self) -> torch.dtype:
        return self._unet.dtype

    def __call__(self, noised_NCHW: torch.Tensor, timesteps_N: torch.Tensor, condition: DecoderCondition) -> Prediction:
        seen = noised_NCHW
        if self._kept_beside is not None:
            seen = torch.cat([seen, self._kept_beside.expand(len(seen), -1, -1, -1)], dim=1)
        output = predict(self._unet, seen, timesteps_N, condition)
        return Prediction(output[:, :LATENT_CHANNELS], output[:, LATENT_CHANNELS:])


def image_embeddings(
    networks: Networks,
    prompts: PromptBatch,
    t2_RD: torch.Tensor | None,
    poolings: Sequence[Pooling],
    draws: NoiseDraws,
) -> torch.Tensor:
    """The image embeddings [N, E] that the prior samples for N prompts, guidance as in the reference's training."""
    t2 = networks.t2.encode(prompts.t2_ids_NL, prompts.t2_mask_NL, t2_RD, poolings)
    return sample_image_embedding(
        networks.prior,
        networks.prior.encode_text(t2),
        networks.empty_text_keys(),
        draws.prior_init_NE,
        draws.prior_steps_SNE,
        TRAINING_PRIOR_GUIDANCE,
        prior_schedule(str(len(draws.prior_steps_SNE))),
    )


def condition_on(
    networks: Networks, batch: TrainingBatch, rows: LearntPair | None, poolings: Sequence[Pooling]
) -> DecoderCondition:
    """What the decoder is given for N prompts: XLM-R's text, and the image embedding of the batch or the prior."""
    image_NE = batch.image_NE
    if image_NE is None:
        image_NE = image_embeddings(networks, batch.prompts, rows.t2_RD if rows else None, poolings, batch.draws)
    t1 = networks.t1.encode(batch.prompts.t1_ids_NL, rows.t1_RD if rows else None, batch.dropout_seed)
    return DecoderCondition(t1.context_BPD, t1.pooled_BE, image_NE)


def decoder_text(networks: Networks, reader: PromptReader, prompts: Sequence[str]) -> T1Text:
    """Context and pooled text of one prompt per picture; equal prompts are encoded once."""
    rows_RD = reader.rows.t1_RD if reader.rows else None
    unique = list(dict.fromkeys(prompts))
    texts = [networks.t1.encode(reader.encoder.batch([text]).t1_ids_NL, rows_RD) for text in unique]
    if len(texts) == 1:
        count = len(prompts)
        return T1Text(texts[0].context_BPD.expand(count, -1, -1), texts[0].pooled_BE.expand(count, -1))
    places = [unique.index(prompt) for prompt in prompts]
    return T1Text(
        torch.cat([texts[place].context_BPD for place in places]),
        torch.cat([texts[place].pooled_BE for place in places]),
    )


def _text_keys(networks: Networks, reader: PromptReader, text: str) -> TextKeys:
    """A text's keys in the prior, batch 1; the empty text's are kept with the model."""
    if not text:
        return networks.empty_text_keys()
    batch = reader.encoder.batch([text])
    rows_RD = reader.rows.t2_RD if reader.rows else None
    t2 = networks.t2.encode(batch.t2_ids_NL, batch.t2_mask_NL, rows_RD, reader.pooling_of(text))
    return networks.prior.encode_text(t2)


def sampled_embeddings(
    networks: Networks, pictures: PromptedPictures, texts: Sequence[str], number: int
) -> Turns[torch.Tensor]:
    """Samples the prior for one text per picture by the picture's own noise: [N, E] in fp32.

    `number`: which of the request's texts these are, so that each has noise of its own.
    """
    options, noise = pictures.options, pictures.noise
    keys = {text: _text_keys(networks, pictures.reader, text) for text in dict.fromkeys(texts)}
    unwanted = _text_keys(networks, pictures.reader, options.negative_prior_prompt)
    schedule = prior_schedule(options.prior_steps)
    width = networks.prior.embedding_width
    found: list[torch.Tensor] = []

    def work(places: list[int]) -> Turns[torch.Tensor]:
        wanted = [keys[texts[place]] for place in places]
        joined = wanted[0].expanded(len(places)) if len(keys) == 1 else reduce(join_texts, wanted)
        starts = [noise.of_condition(place, "prior_init", number, (width,)) for place in places]
        steps = [noise.of_condition(place, "prior_steps", number, (len(schedule), width)) for place in places]
        return (
            yield from sample_prior(
                networks.prior,
                joined,
                unwanted,
                torch.stack(starts).to(networks.device),
                torch.stack(steps, dim=1).to(networks.device),
                options.prior_guidance_scale,
                schedule,
            )
        )

    def keep(_: list[int], embeddings_NE: torch.Tensor) -> Turns[None]:
        found.append(embeddings_NE)
        yield None

    yield Progress("prior")
    yield from in_batches(range(len(texts)), _PRIOR_BATCH, work, keep)
    return torch.cat(found)


def prompted_condition(
    networks: Networks, pictures: PromptedPictures, prompts: Sequence[str]
) -> Turns[DecoderCondition]:
    """What is wanted of N pictures by one prompt each: its text, and the image embedding that the prior samples."""
    image_NE = yield from sampled_embeddings(networks, pictures, prompts, 0)
    text = decoder_text(networks, pictures.reader, prompts)
    return DecoderCondition(text.context_BPD, text.pooled_BE, image_NE)


def unwanted_condition(
    networks: Networks, pictures: PromptedPictures, empty: DecoderCondition, negative_decoder_prompt: str
) -> Turns[DecoderCondition]:
    """What the decoder is steered away from, of N pictures. `empty`: of the empty text and an all-zero picture.

    As in the original the text is empty, and a negative prompt acts by its image embedding only.
    """
    count = len(pictures.noise)
    empty = empty.expanded(count)
    if not negative_decoder_prompt:
        return empty
    texts = [negative_decoder_prompt] * count
    image_NE = yield from sampled_embeddings(networks, pictures, texts, NEGATIVE_TEXT)
    return DecoderCondition(empty.context_NPD, empty.pooled_NE, image_NE)
