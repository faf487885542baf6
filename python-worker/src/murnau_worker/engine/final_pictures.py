"""Pictures of a run: on the way, at its end, its baseline, and their scores."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from murnau_worker.drawing.draw import draw
from murnau_worker.drawing.events import Picture
from murnau_worker.drawing.options import DrawOptions, with_defaults
from murnau_worker.drawing.prompt_reader import PromptReader
from murnau_worker.drawing.request import DrawRequest
from murnau_worker.drawing.text_to_image import TextToImage
from murnau_worker.engine.device_thread import Turn
from murnau_worker.engine.events import Log, Metrics, Sample, SampleKind, TrainEvent
from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.pictures import to_png
from murnau_worker.scoring.alignment import (
    TEXT_ALIGNMENT_COLOUR,
    TEXT_ALIGNMENT_PROMPT,
    concept_class,
    image_alignments,
    text_alignment,
)
from murnau_worker.scoring.judge import Judge
from murnau_worker.textual_inversion.objective import LearntPair
from murnau_worker.textual_inversion.run import TrainingRun

BATCH = 8  # pictures drawn together


@dataclass(frozen=True)
class RunPictures:
    """Draws and scores a run's pictures; every method is a generator of turns."""

    model: Kandinsky
    judge: Judge | None
    run: TrainingRun
    emit: Callable[[TrainEvent], None]

    def progress(self) -> Iterator[Turn]:
        """The pictures on the way, by `samples.seed`."""
        samples = self.run.spec.samples
        prompts = [prompt for prompt in samples.prompts for _ in range(samples.per_prompt)]
        seeds = [samples.seed + index for _ in samples.prompts for index in range(samples.per_prompt)]
        alignment = yield from self._draw_and_send("progress", prompts, seeds, self.run.spec.placeholder_token)
        if alignment is not None and self.run.state.step < self.run.spec.max_steps:
            self.emit(Metrics(self.run.state.step, {"image_alignment": alignment}))

    def final(self) -> Iterator[Turn]:
        """The reported pictures: learnt word and initializer with the same seeds, and what the judge says."""
        spec, samples, step = self.run.spec, self.run.spec.samples, self.run.state.step
        if samples.final_count == 0 or not samples.prompts:
            return
        if self.judge is not None:
            name = self.judge.classes[concept_class(self.judge, self.run.latents.pixels_n3HW)]
            self.emit(Log("info", f'the judge takes the training pictures for "{name}" and scores by that', step))
        prompts = [samples.prompts[0]] * samples.final_count
        seeds = [samples.final_seed + index for index in range(samples.final_count)]
        kinds: tuple[tuple[SampleKind, str, str], ...] = (
            ("final", spec.placeholder_token, "image_alignment"),
            ("baseline", spec.initializer_token, "baseline_image_alignment"),
        )
        for kind, word, metric in kinds:
            alignment = yield from self._draw_and_send(kind, prompts, seeds, word)
            if alignment is not None:
                self.emit(Metrics(step, {metric: alignment}))
        if self.judge is not None and TEXT_ALIGNMENT_COLOUR in self.judge.backgrounds:
            prompt = TEXT_ALIGNMENT_PROMPT.format(spec.placeholder_token)
            pictures = yield from self._draw([prompt] * len(seeds), seeds, self.run.averaged_rows)
            self.emit(Metrics(step, {"text_alignment": text_alignment(self.judge, pictures)}))

    def _draw_and_send(
        self, kind: SampleKind, prompts: Sequence[str], seeds: Sequence[int], word: str
    ) -> Generator[Turn, None, float | None]:
        worded = [prompt.replace("{placeholder}", word) for prompt in prompts]
        rows = None if kind == "baseline" else self.run.averaged_rows
        pictures = yield from self._draw(worded, seeds, rows)
        scores: list[float] | None = None
        if self.judge is not None:
            concept = concept_class(self.judge, self.run.latents.pixels_n3HW)
            scores = [float(score) for score in image_alignments(self.judge, pictures, concept)]
        for position, picture in enumerate(pictures):
            self.emit(
                Sample(
                    step=self.run.state.step,
                    kind=kind,
                    position=position,
                    prompt=worded[position],
                    seed=seeds[position],
                    png=to_png(picture),
                    image_alignment=scores[position] if scores else None,
                )
            )
        return sum(scores) / len(scores) if scores else None

    def _draw(
        self, prompts: Sequence[str], seeds: Sequence[int], rows: LearntPair | None
    ) -> Generator[Turn, None, torch.Tensor]:
        samples = self.run.spec.samples
        asked = DrawOptions(num_steps=samples.num_steps, guidance_scale=samples.guidance_scale)
        task = TextToImage(tuple(prompts))
        request = DrawRequest(
            task=task,
            seeds=tuple(seeds),
            options=with_defaults(asked, self.model, task.own_size),
            reader=self._reader(rows),
            batch_size=BATCH,
        )
        drawn: dict[int, torch.Tensor] = {}
        for event in draw(self.model, request):
            if isinstance(event, Picture):
                drawn[event.place] = event.pixels_3HW
            yield Turn.WORKED
        return torch.stack([drawn[place] for place in range(len(prompts))])

    def _reader(self, rows: LearntPair | None) -> PromptReader:
        """Reads prompts with the run's word, or without any for the baseline."""
        if rows is None:
            return PromptReader(replace(self.run.encoder, words={}), None, {})
        spec = self.run.spec
        return PromptReader(self.run.encoder, rows, {spec.placeholder_token: spec.pooling})
