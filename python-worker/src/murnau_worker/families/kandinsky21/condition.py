"""What the decoder is given: texts through XLM-R, image embeddings through the prior or CLIP's image tower.

Behind `FamilyModel.condition` and its neighbours. Legend: N pictures, P padded text length, D1 width of t1, C latent
channels, S prior steps, E joint width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import torch
from diffusers import UNet2DConditionModel

from murnau_worker.core.batch import Batch, Rows
from murnau_worker.core.progress import Progress
from murnau_worker.core.turns import Turns, in_batches
from murnau_worker.families.family import PromptedPictures
from murnau_worker.families.kandinsky21.networks import Networks
from murnau_worker.families.kandinsky21.parameters import Kandinsky21Options, options_of
from murnau_worker.models.prior_network import TextKeys, join_texts
from murnau_worker.sampling.prior_sampler import PriorNoise, sample_prior
from murnau_worker.sampling.prior_schedule import prior_schedule

LATENT_CHANNELS = 4
NEGATIVE_TEXT = -1  # number of the decoder's negative prompt among the texts that the prior samples
_PRIOR_BATCH = 16  # embeddings sampled together


@dataclass(frozen=True)
class DecoderCondition:
    """Text and image embedding of N pictures: [N, P, D1], [N, E], [N, E]. Implements Condition."""

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


def text_keys(networks: Networks, batch: Batch, rows: Rows) -> TextKeys:
    """What N prompts offer the prior, read by CLIP together."""
    ids_NL, mask_NL = batch.padded("t2", pad_id=0)
    return networks.prior.encode_text(networks.t2.encode(ids_NL, mask_NL, rows.get("t2"), batch.poolings))


def image_embeddings(
    networks: Networks,
    wanted: TextKeys,
    unwanted: TextKeys,
    noise: PriorNoise,
    guidance_scale: float,
    steps: str,
) -> Turns[torch.Tensor]:
    """The image embeddings [N, E] that the prior samples for N texts, one turn a step."""
    noise = noise.to(networks.device)
    return sample_prior(networks.prior, wanted, unwanted, noise, guidance_scale, prior_schedule(steps))


def condition_on(networks: Networks, batch: Batch, rows: Rows, image_NE: torch.Tensor) -> DecoderCondition:
    """What the decoder is given for N prompts and their image embeddings: the prompts are read by XLM-R together."""
    ids_NL, _ = batch.padded("t1", networks.t1_pad_id)
    text = networks.t1.encode(ids_NL, rows.get("t1"), batch.dropout_seed)
    return DecoderCondition(text.context_BPD, text.pooled_BE, image_NE)


def condition_on_each(networks: Networks, batch: Batch, rows: Rows, image_NE: torch.Tensor) -> DecoderCondition:
    """As `condition_on`, each prompt read alone, equal ones once: no picture depends on its neighbours."""
    of_tower = batch.tokens["t1"]
    first_places = {ids: of_tower.index(ids) for ids in of_tower}
    read = {
        ids: condition_on(networks, batch.part(at, at + 1), rows, image_NE[at : at + 1])
        for ids, at in first_places.items()
    }
    if len(read) == 1:
        alone = read[of_tower[0]].expanded(len(batch))
        return DecoderCondition(alone.context_NPD, alone.pooled_NE, image_NE)
    return DecoderCondition(
        torch.cat([read[ids].context_NPD for ids in of_tower]),
        torch.cat([read[ids].pooled_NE for ids in of_tower]),
        image_NE,
    )


def _prior_sampling(networks: Networks, options: Kandinsky21Options) -> tuple[str, float]:
    """The prior's steps and guidance, the model's own where the options leave them open."""
    defaults = options_of(networks.settings.options)
    steps, scale = options.prior_steps or defaults.prior_steps, options.prior_guidance_scale
    scale = defaults.prior_guidance_scale if scale is None else scale
    assert steps is not None and scale is not None, "the description has defaults of both"  # noqa: PT018
    return steps, scale


def embeddings_of_pictures(
    networks: Networks, pictures: PromptedPictures, texts: Sequence[str], number: int
) -> Turns[torch.Tensor]:
    """Samples the prior for one text per picture by the picture's own noise: [N, E] in fp32.

    Each text is read alone, equal ones once. `number`: which of the request's texts these are, so that each has noise
    of its own.
    """
    options, noise, reader = options_of(pictures.options), pictures.noise, pictures.reader
    respacing, guidance_scale = _prior_sampling(networks, options)

    def keys_of(text: str) -> TextKeys:
        """Batch 1; the empty text's are kept with the model."""
        batch = reader.batch([text])
        is_empty = batch.tokens["t2"][0] == networks.empty_prompt_t2()
        return networks.empty_text_keys() if is_empty else text_keys(networks, batch, reader.rows)

    keys = {text: keys_of(text) for text in dict.fromkeys(texts)}
    unwanted = keys_of(options.negative_prior_prompt or "")
    steps = len(prior_schedule(respacing))
    width = networks.prior.embedding_width
    found: list[torch.Tensor] = []

    def work(places: list[int]) -> Turns[torch.Tensor]:
        wanted = [keys[texts[place]] for place in places]
        joined = wanted[0].expanded(len(places)) if len(keys) == 1 else reduce(join_texts, wanted)
        of_places = PriorNoise(
            torch.stack([noise.of_condition(place, "prior_init", number, (width,)) for place in places]),
            torch.stack([noise.of_condition(place, "prior_steps", number, (steps, width)) for place in places]),
        )
        return image_embeddings(networks, joined, unwanted, of_places, guidance_scale, respacing)

    def keep(_: list[int], embeddings_NE: torch.Tensor) -> Turns[None]:
        found.append(embeddings_NE)
        yield None

    yield Progress("prior")
    yield from in_batches(range(len(texts)), _PRIOR_BATCH, work, keep)
    return torch.cat(found)
