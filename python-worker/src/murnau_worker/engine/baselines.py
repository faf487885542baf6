"""What a run's final pictures are compared with: the best known word, and that word fused with a training picture."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from murnau_worker.core.named_picture import NamedPicture
from murnau_worker.core.pictures import open_picture
from murnau_worker.drawing.fuse import Fuse, FuseItem
from murnau_worker.drawing.request import DrawingTask
from murnau_worker.drawing.text_to_image import TextToImage
from murnau_worker.engine.device_thread import Turn
from murnau_worker.sessions.events import Log
from murnau_worker.text.prompt_reader import PromptReader
from murnau_worker.training.run import TrainingRun

FUSE_WEIGHT = 0.5  # of the reference picture, and of the text


@dataclass(frozen=True)
class Subject:
    """What pictures are drawn of: the word that stands in prompts, who reads them, and the task of one prompt each."""

    word: str
    reader: PromptReader
    task: Callable[[tuple[str, ...]], DrawingTask]


def _plain_reader(run: TrainingRun) -> PromptReader:
    return PromptReader(replace(run.encoder, words={}), {}, {})


def known_word(run: TrainingRun, word: str) -> Subject:
    """A word of the model alone."""
    return Subject(word, _plain_reader(run), TextToImage)


def fused_with(run: TrainingRun, word: str, reference: NamedPicture) -> Subject:
    """A word of the model, fused with a training picture."""
    picture = open_picture(reference.content, name=reference.name, field="images[0]")

    def task(prompts: tuple[str, ...]) -> DrawingTask:
        return Fuse((FuseItem(picture, FUSE_WEIGHT), FuseItem(prompts[0], FUSE_WEIGHT)))

    return Subject(word, _plain_reader(run), task)


def best_word(run: TrainingRun, emit: Callable[[Log], None]) -> Generator[Turn, None, tuple[str, float]]:
    """Of the run's own initializer and the model's words, the one with the lowest eval loss, and that loss."""
    losses: dict[str, float] = {}
    for word in dict.fromkeys((run.spec.concept.initializer_token, *run.model.settings.initializer_tokens)):
        for loss in run.evaluator.word_loss(run.encoder, word):
            yield Turn.WORKED
            if loss is not None:
                losses[word] = loss
    best = min(losses, key=lambda word: losses[word])
    others = ", ".join(f"{word} {loss:.4f}" for word, loss in losses.items() if word != best)
    compared = f"; of the others: {others}" if others else ""
    message = f'the best known word alone is "{best}" with an eval loss of {losses[best]:.4f}{compared}'
    emit(Log("info", message, run.state.step))
    return best, losses[best]
