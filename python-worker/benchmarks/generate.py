"""Pictures per second of our text2img against diffusers' stock pipelines, in interleaved pairs of the same run.

    npm run -s bench:generate [-- --rounds 9]

Both draw with the same weights, one thread, DDIM, as many UNet evaluations and prior steps; seconds are of CPU time.
Also: what caching the unconditional parts saves of the conditions (everything before the decoder's first step), and
what trimming the prior to its valid tokens and computing its text once saves of the prior. The last line is JSON;
ratios above 1 mean that ours is faster, savings are shares of the time without them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMScheduler, KandinskyPipeline, KandinskyPriorPipeline
from diffusers.utils import logging as diffusers_logging
from drawing_requests import request_of
from flat_spec import flat_options
from runs import open_kandinsky
from transformers.utils import logging as transformers_logging

from murnau_worker.core.turns import in_inference_mode
from murnau_worker.drawing.draw import draw
from murnau_worker.drawing.events import Picture
from murnau_worker.drawing.request import DrawRequest
from murnau_worker.drawing.text_to_image import TextToImage
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.sampling.tables import ddim_timesteps
from murnau_worker.text.prompt_reader import read_with

MODEL = Path(__file__).resolve().parents[2] / "models" / "kandinsky-2.1-small"
PROMPT = "a photo of a red apple on a blue background"
NUM_STEPS = 15
PRIOR_STEPS = 5
GUIDANCE = 2.5
PRIOR_GUIDANCE = 4.0
# Constants that a model keeps: setting them to None is what a model without a cache would do before each drawing.
CONSTANTS = ("_zero_image_1E", "_empty_keys", "_empty_condition")


class Stock:
    """Diffusers' two pipelines with a DDIM scheduler of as many evaluations as ours."""

    def __init__(self) -> None:
        loose: Any = KandinskyPriorPipeline
        self.prior: Any = loose.from_pretrained(MODEL / "kandinsky-2-1-prior", torch_dtype=torch.float32)
        loose = KandinskyPipeline
        self.decoder: Any = loose.from_pretrained(MODEL / "kandinsky-2-1", torch_dtype=torch.float32)
        self.decoder.scheduler = DDIMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="linear",
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
        )
        for pipeline in (self.prior, self.decoder):
            pipeline.set_progress_bar_config(disable=True)

    def draw(self, count: int, side: int) -> None:
        embeddings = self.prior(
            PROMPT,
            num_images_per_prompt=count,
            num_inference_steps=PRIOR_STEPS,
            guidance_scale=PRIOR_GUIDANCE,
            generator=torch.Generator().manual_seed(3),
        )
        pictures = self.decoder(
            [PROMPT] * count,
            image_embeds=embeddings.image_embeds,
            negative_image_embeds=embeddings.negative_image_embeds,
            height=side,
            width=side,
            num_inference_steps=len(ddim_timesteps(NUM_STEPS)),
            guidance_scale=GUIDANCE,
            generator=torch.Generator().manual_seed(3),
        ).images
        assert len(pictures) == count


def our_request(model: Kandinsky, count: int) -> DrawRequest:
    task = TextToImage((PROMPT,) * count)
    asked = flat_options(
        num_steps=NUM_STEPS,
        guidance_scale=GUIDANCE,
        prior_steps=str(PRIOR_STEPS),
        prior_guidance_scale=PRIOR_GUIDANCE,
    )
    return request_of(model, task, asked, count)


def our_drawing(model: Kandinsky, count: int) -> None:
    request = our_request(model, count)
    assert sum(isinstance(event, Picture) for event in draw(model, request)) == count


def conditions(model: Kandinsky) -> None:
    """Everything of one picture before the decoder's first step."""
    request = our_request(model, 1)
    list(in_inference_mode(request.task.sketch(model, request)))


def conditions_without_cache(model: Kandinsky) -> None:
    for constant in CONSTANTS:
        setattr(model, constant, None)
    conditions(model)


def trimmed_prior(model: Kandinsky) -> None:
    request = our_request(model, 1)
    list(in_inference_mode(model.text_embeddings(request.prompted, [PROMPT], 0)))


def whole_prior(model: Kandinsky) -> None:
    """As many passes of diffusers' PriorTransformer over all 81 tokens, text and all, as the sampler takes."""
    tower, prior = model.t2, model.prior.prior
    batch = model_batch(model)
    with torch.inference_mode():
        text = tower.encode(batch[0], torch.ones_like(batch[1]), None, "eot")
        noised = torch.randn(2, model.prior.embedding_width)
        for timestep in range(PRIOR_STEPS):
            prior(
                noised,
                timestep=timestep,
                proj_embedding=text.pooled_BE,
                encoder_hidden_states=text.sequence_BLD,
                attention_mask=batch[1],
            )


def model_batch(model: Kandinsky) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask [2, 77] of the prompt and the empty prompt."""
    ids_NL, mask_NL = read_with(model, ()).batch([PROMPT, ""]).padded("t2", 0)
    missing = model.t2.context_length - ids_NL.shape[1]
    pad = torch.nn.functional.pad
    return pad(ids_NL, (0, missing)), pad(mask_NL, (0, missing))


def seconds(work: Callable[[], None]) -> float:
    """Of CPU time: on one thread that is how long it takes, whatever else the machine does."""
    started = time.process_time()
    work()
    return time.process_time() - started


def in_pairs(first: Callable[[], None], second: Callable[[], None], rounds: int) -> tuple[float, float, float]:
    """Medians of both in seconds, and of second / first within a pair; which goes first alternates."""
    first()
    second()
    pairs: list[tuple[float, float]] = []
    for number in range(rounds):
        if number % 2:
            other = seconds(second)
            pairs.append((seconds(first), other))
        else:
            pairs.append((seconds(first), seconds(second)))
    ratio = statistics.median(other / one for one, other in pairs)
    return statistics.median(one for one, _ in pairs), statistics.median(other for _, other in pairs), ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="pairs of each comparison")
    rounds: int = parser.parse_args().rounds
    torch.set_num_threads(1)
    for library in (diffusers_logging, transformers_logging):
        library.set_verbosity_error()
        library.disable_progress_bar()
    model = open_kandinsky()
    stock, side = Stock(), model.image_size
    result: dict[str, float] = {}
    for count in (1, 8):
        ours, theirs, ratio = in_pairs(partial(our_drawing, model, count), partial(stock.draw, count, side), rounds)
        print(f"batch {count}: ours {count / ours:.2f} pictures/s, stock {count / theirs:.2f}, ratio {ratio:.2f}")
        result[f"batch{count}_ratio"] = round(ratio, 3)
    kept, fresh, ratio = in_pairs(partial(conditions, model), partial(conditions_without_cache, model), 3 * rounds)
    print(
        f"conditions of one picture: {kept * 1e3:.1f} ms with the unconditional parts kept, {fresh * 1e3:.1f} without"
    )
    result["cache_saving"] = round(1 - 1 / ratio, 3)
    trimmed, whole, ratio = in_pairs(partial(trimmed_prior, model), partial(whole_prior, model), 3 * rounds)
    print(f"prior of one picture: {trimmed * 1e3:.1f} ms trimmed, {whole * 1e3:.1f} ms whole")
    result["trim_saving"] = round(1 - 1 / ratio, 3)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
