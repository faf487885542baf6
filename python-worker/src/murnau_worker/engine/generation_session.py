"""One Generate call's work on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

from murnau_worker.checkpoints.embedding_file import LearntEmbedding, check_fits
from murnau_worker.engine.device_thread import Turn
from murnau_worker.engine.events import GenerateEvent, Picture, Progress
from murnau_worker.errors import WorkerError
from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.models.registry import ModelRegistry
from murnau_worker.models.text_towers import Pooling
from murnau_worker.sampling.text_to_image import DrawOptions, DrawRequest, default_options, draw_pictures, to_png
from murnau_worker.textual_inversion.objective import LearntPair
from murnau_worker.textual_inversion.prompts import LearntWord
from murnau_worker.textual_inversion.run import encoder_for

BATCH = 4  # pictures drawn together: small, so that the first is seen soon


@dataclass(frozen=True)
class GenerationRequest:
    """A generation as the client asks for it; 0 and empty: the model's default."""

    model: str
    prompt: str
    embeddings: tuple[LearntEmbedding, ...]
    count: int
    seed: int
    num_steps: int
    guidance_scale: float
    prior_steps: int
    prior_guidance_scale: float
    sampler: str
    width: int
    height: int
    negative_decoder_prompt: str
    negative_prior_prompt: str


class GenerationSession:
    """A task of the device thread."""

    is_interactive = True

    def __init__(
        self,
        request: GenerationRequest,
        models: ModelRegistry,
        emit: Callable[[GenerateEvent], None],
        fail: Callable[[WorkerError], None],
        done: Callable[[], None],
    ) -> None:
        self.request = request
        self.is_cancelled = False
        self.latest = Progress(0, 0, "waiting")
        self._models = models
        self._emit = emit
        self._fail = fail
        self._done = done

    def fail(self, error: WorkerError) -> None:
        self._fail(error)

    def turns(self) -> Iterator[Turn]:
        request = self.request
        self._report(Progress(0, 0, "loading"))
        yield Turn.WORKED
        model = self._models.load(request.model)
        yield Turn.WORKED
        words, rows, pooling = combine(request.embeddings, model)
        options = self._options(model)
        seeds = tuple(request.seed + index for index in range(request.count))
        batches = [seeds[start : start + BATCH] for start in range(0, len(seeds), BATCH)]
        for number, batch in enumerate(batches):
            draw = DrawRequest(
                encoder=encoder_for(model, words),
                rows=rows,
                pooling=pooling,
                prompts=(request.prompt,) * len(batch),
                seeds=batch,
                options=options,
            )
            steps = draw_pictures(model, draw)
            while True:
                try:
                    progress = next(steps)
                except StopIteration as finished:
                    self._send(finished.value, number * BATCH, batch)
                    break
                if progress.steps:
                    done = number * progress.steps + progress.step
                    self._report(Progress(done, len(batches) * progress.steps, progress.phase))
                yield Turn.WORKED
                if self.is_cancelled:
                    return
        self._done()

    def _send(self, pictures_N3HW: torch.Tensor, first: int, seeds: tuple[int, ...]) -> None:
        for index, picture in enumerate(pictures_N3HW):
            self._emit(Picture(first + index, seeds[index], to_png(picture)))

    def _report(self, progress: Progress) -> None:
        self.latest = progress
        self._emit(progress)

    def _options(self, model: Kandinsky) -> DrawOptions:
        request = self.request
        defaults = default_options(model, num_steps=request.num_steps, guidance_scale=request.guidance_scale)
        return replace(
            defaults,
            prior_steps=request.prior_steps or defaults.prior_steps,
            prior_guidance_scale=request.prior_guidance_scale or defaults.prior_guidance_scale,
            sampler=request.sampler or defaults.sampler,
            width=request.width or defaults.width,
            height=request.height or defaults.height,
            negative_decoder_prompt=request.negative_decoder_prompt,
            negative_prior_prompt=request.negative_prior_prompt,
        )


def combine(
    embeddings: tuple[LearntEmbedding, ...], model: Kandinsky
) -> tuple[dict[str, LearntWord], LearntPair | None, Pooling]:
    """Several learnt words for one prompt: where each one's rows lie, all rows, and the pooling.

    A mix of poolings uses `eot`. Raises WorkerError `embedding.wrong_model` or `embedding.placeholder_clash`.
    """
    words: dict[str, LearntWord] = {}
    first = 0
    for embedding in embeddings:
        check_fits(embedding, model.width_t1, model.width_t2)
        if embedding.placeholder_token in words:
            raise WorkerError(
                "embedding.placeholder_clash",
                f'two of the embeddings have the placeholder "{embedding.placeholder_token}"',
                field="embeddings",
                given=embedding.placeholder_token,
                allowed="different placeholders",
            )
        words[embedding.placeholder_token] = LearntWord(first, embedding.num_vectors)
        first += embedding.num_vectors
    if not embeddings:
        return words, None, "eot"
    rows = LearntPair(
        torch.cat([embedding.t1_RD for embedding in embeddings]),
        torch.cat([embedding.t2_RD for embedding in embeddings]),
    )
    poolings = {embedding.pooling for embedding in embeddings}
    return words, rows, "argmax" if poolings == {"argmax"} else "eot"
