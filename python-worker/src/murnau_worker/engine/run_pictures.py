"""Pictures of a run: on the way, at its end, those of its baselines, and the judge's scores of them.

Legend: N pictures, H/W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from dataclasses import dataclass

import torch

from murnau_worker.core.batch import Rows
from murnau_worker.core.pictures import to_png
from murnau_worker.core.recently_used import Recent
from murnau_worker.drawing.draw import draw
from murnau_worker.drawing.events import Picture
from murnau_worker.drawing.fuse import Fuse
from murnau_worker.drawing.options import DrawOptions, with_defaults
from murnau_worker.drawing.request import DrawRequest
from murnau_worker.drawing.text_to_image import TextToImage
from murnau_worker.engine.baselines import Subject, best_word, fused_with, known_word
from murnau_worker.engine.device_thread import Turn
from murnau_worker.engine.judged_pictures import JudgedPictures
from murnau_worker.families.family import FamilyModel
from murnau_worker.scoring.alignment import (
    TEXT_ALIGNMENT_COLOUR,
    TEXT_ALIGNMENT_PROMPT,
    concept_class,
    image_alignments,
    text_alignment,
)
from murnau_worker.scoring.judge import Judge
from murnau_worker.sessions.events import Judgement, Log, Metrics, Sample, SampleKind, TrainEvent
from murnau_worker.text.prompt_reader import PromptReader
from murnau_worker.training.data.dataset import NamedPicture
from murnau_worker.training.run import TrainingRun

BATCH = 8  # pictures drawn together


@dataclass(frozen=True)
class RunPictures:
    """Draws and scores a run's pictures; every method is a generator of turns. `reference`: the dataset's first."""

    model: FamilyModel
    judge: Judge | None
    run: TrainingRun
    reference: NamedPicture
    baselines: Recent[Hashable, JudgedPictures]
    emit: Callable[[TrainEvent], None]

    def progress(self, *, is_last: bool) -> Iterator[Turn]:
        """The pictures on the way, by `samples.seed`, and their scores; the last step's are those of its final ones.

        `text_alignment` costs `per_prompt` pictures more, of the same seeds, which are scored and not kept.
        """
        samples = self.run.spec.samples
        prompts = [prompt for prompt in samples.prompts for _ in range(samples.per_prompt)]
        seeds = [samples.seed + index for _ in samples.prompts for index in range(samples.per_prompt)]
        background_seeds = () if is_last else tuple(seeds[: samples.per_prompt])
        judged = yield from self._judged(self._learnt(self.run.averaged_rows), prompts, seeds, background_seeds)
        self._send("progress", judged)
        if not is_last and judged.scores():
            self.emit(Metrics(self.run.state.step, judged.scores()))

    def final(self) -> Iterator[Turn]:
        """The reported pictures, of the published rows and of both baselines with the same seeds, and their scores."""
        spec, samples, step = self.run.spec, self.run.spec.samples, self.run.state.step
        if samples.final_count == 0 or not samples.prompts:
            return
        word, loss = yield from best_word(self.run, self.emit)
        self._name_the_judge(word)
        seeds = [samples.final_seed + index for index in range(samples.final_count)]
        prompts = samples.prompts[:1] * len(seeds)
        judged = yield from self._judged(self._learnt(self.run.published_rows), prompts, seeds, seeds)
        self._send("final", judged)
        self.emit(Metrics(step, {"baseline_eval_loss": loss, **judged.scores()}))
        subjects: list[tuple[SampleKind, str, Subject]] = [("baseline", "baseline_", known_word(self.run, word))]
        if Fuse.name in self.model.tasks:
            fused = fused_with(self.run, spec.concept.initializer_token, self.reference)
            subjects.append(("fuse_baseline", "fuse_", fused))
        for kind, prefix, subject in subjects:
            key = (
                self.model.name,
                self.model.fingerprint,
                self.run.latents.fingerprint,
                self.reference.hash,
                kind,
                subject.word,
                samples,
            )
            judged = self.baselines.find(key)
            if judged is None:
                judged = yield from self._judged(subject, prompts, seeds, seeds)
                self.baselines.keep(key, judged)
            self._send(kind, judged)
            if judged.scores():
                self.emit(Metrics(step, judged.scores(prefix)))

    def _name_the_judge(self, baseline_word: str) -> None:
        step = self.run.state.step
        judge, concept = "", ""
        if self.judge is not None:
            judge, concept = self.judge.name, self.judge.classes[self._concept(self.judge)]
            message = f'the judge {judge} takes the training pictures for "{concept}" and scores by that'
            self.emit(Log("info", message, step))
        self.emit(Judgement(step, judge, concept, baseline_word))

    def _learnt(self, rows: Rows) -> Subject:
        spec = self.run.spec
        word = spec.concept.placeholder_token
        return Subject(word, PromptReader(self.run.encoder, rows, {word: spec.pooling}), TextToImage)

    def _judged(
        self, subject: Subject, prompts: Sequence[str], seeds: Sequence[int], background_seeds: Sequence[int]
    ) -> Generator[Turn, None, JudgedPictures]:
        """Draws pictures, and for `text_alignment` others on the background that it asks for."""
        worded = tuple(prompt.replace("{placeholder}", subject.word) for prompt in prompts)
        pictures_N3HW = yield from self._draw(subject, worded, seeds)
        judge = self.judge
        images: tuple[float, ...] | None = None
        text: float | None = None
        if judge is not None:
            images = tuple(image_alignments(judge, pictures_N3HW, self._concept(judge)).tolist())
            if background_seeds and TEXT_ALIGNMENT_COLOUR in judge.backgrounds:
                asked = (TEXT_ALIGNMENT_PROMPT.format(subject.word),) * len(background_seeds)
                text = text_alignment(judge, (yield from self._draw(subject, asked, background_seeds)))
        return JudgedPictures(worded, tuple(seeds), tuple(to_png(one) for one in pictures_N3HW), images, text)

    def _concept(self, judge: Judge) -> int:
        return concept_class(judge, self.run.latents.pixels_n3HW)

    def _send(self, kind: SampleKind, judged: JudgedPictures) -> None:
        for position, png in enumerate(judged.pngs):
            self.emit(
                Sample(
                    step=self.run.state.step,
                    kind=kind,
                    position=position,
                    prompt=judged.prompts[position],
                    seed=judged.seeds[position],
                    png=png,
                    image_alignment=judged.image_alignments[position] if judged.image_alignments else None,
                )
            )

    def _draw(
        self, subject: Subject, prompts: tuple[str, ...], seeds: Sequence[int]
    ) -> Generator[Turn, None, torch.Tensor]:
        samples = self.run.spec.samples
        asked = DrawOptions(num_steps=samples.num_steps, guidance_scale=samples.guidance_scale)
        request = DrawRequest(
            task=subject.task(prompts),
            seeds=tuple(seeds),
            options=with_defaults(asked, self.model, None),
            reader=subject.reader,
            batch_size=BATCH,
        )
        drawn: dict[int, torch.Tensor] = {}
        for event in draw(self.model, request):
            if isinstance(event, Picture):
                drawn[event.place] = event.pixels_3HW
            yield Turn.WORKED
        return torch.stack([drawn[place] for place in range(len(seeds))])
