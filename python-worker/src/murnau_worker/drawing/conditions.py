"""What the decoder is told: texts through XLM-R, image embeddings through the prior or CLIP's image tower.

Legend: N pictures, S prior steps, E joint width, B unique texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import torch

from murnau_worker.core.picture_noise import NEGATIVE_TEXT
from murnau_worker.core.progress import Progress
from murnau_worker.core.turns import Turns, in_batches
from murnau_worker.drawing.request import DrawRequest
from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.models.prior_network import TextKeys, join_texts
from murnau_worker.models.text_towers import T1Text
from murnau_worker.sampling.decoder import DecoderCondition
from murnau_worker.sampling.prior_sampler import prior_steps
from murnau_worker.sampling.prior_schedule import prior_schedule
from murnau_worker.text.prompt_reader import PromptReader

_PRIOR_BATCH = 16  # embeddings sampled together


def decoder_text(model: Kandinsky, reader: PromptReader, prompts: Sequence[str]) -> T1Text:
    """Context and pooled text of one prompt per picture; equal prompts are encoded once."""
    rows_RD = reader.rows.t1_RD if reader.rows else None
    unique = list(dict.fromkeys(prompts))
    texts = [model.t1.encode(reader.encoder.batch([text]).t1_ids_NL, rows_RD) for text in unique]
    if len(texts) == 1:
        count = len(prompts)
        return T1Text(texts[0].context_BPD.expand(count, -1, -1), texts[0].pooled_BE.expand(count, -1))
    places = [unique.index(prompt) for prompt in prompts]
    return T1Text(
        torch.cat([texts[place].context_BPD for place in places]),
        torch.cat([texts[place].pooled_BE for place in places]),
    )


def _text_keys(model: Kandinsky, reader: PromptReader, text: str) -> TextKeys:
    """A text's keys in the prior, batch 1; the empty text's are kept with the model."""
    if not text:
        return model.empty_text_keys()
    batch = reader.encoder.batch([text])
    rows_RD = reader.rows.t2_RD if reader.rows else None
    return model.prior.encode_text(model.t2.encode(batch.t2_ids_NL, batch.t2_mask_NL, rows_RD, reader.pooling_of(text)))


def sampled_embeddings(
    model: Kandinsky, request: DrawRequest, texts: Sequence[str], number: int
) -> Turns[torch.Tensor]:
    """Samples the prior for one text per picture by the picture's own noise: [N, E] in fp32.

    `number`: which of the request's texts these are, so that each has noise of its own.
    """
    options = request.options
    keys = {text: _text_keys(model, request.reader, text) for text in dict.fromkeys(texts)}
    unwanted = _text_keys(model, request.reader, options.negative_prior_prompt)
    schedule = prior_schedule(options.prior_steps)
    width = model.prior.embedding_width
    found: list[torch.Tensor] = []

    def work(places: list[int]) -> Turns[torch.Tensor]:
        wanted = [keys[texts[place]] for place in places]
        joined = wanted[0].expanded(len(places)) if len(keys) == 1 else reduce(join_texts, wanted)
        noise = [request.noise.prior(request.seeds[place], number, len(schedule), width) for place in places]
        return (
            yield from prior_steps(
                model.prior,
                joined,
                unwanted,
                torch.stack([start for start, _ in noise]).to(model.device),
                torch.stack([steps for _, steps in noise], dim=1).to(model.device),
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


def unwanted_condition(model: Kandinsky, request: DrawRequest, negative_decoder_prompt: str) -> Turns[DecoderCondition]:
    """What the decoder is steered away from, of N pictures.

    As in the original the text is empty, and a negative prompt acts by its image embedding only.
    """
    empty = model.unwanted_condition()
    count = len(request.seeds)
    image_NE = empty.image_NE.expand(count, -1)
    if negative_decoder_prompt:
        image_NE = yield from sampled_embeddings(model, request, [negative_decoder_prompt] * count, NEGATIVE_TEXT)
    return DecoderCondition(empty.context_NPD.expand(count, -1, -1), empty.pooled_NE.expand(count, -1), image_NE)


def prompted_condition(model: Kandinsky, request: DrawRequest, prompts: Sequence[str]) -> Turns[DecoderCondition]:
    """What is wanted of N pictures by one prompt each: its text, and the image embedding that the prior samples."""
    image_NE = yield from sampled_embeddings(model, request, prompts, 0)
    text = decoder_text(model, request.reader, prompts)
    return DecoderCondition(text.context_BPD, text.pooled_BE, image_NE)
