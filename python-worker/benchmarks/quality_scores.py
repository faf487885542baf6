"""Pictures drawn with a learnt word, and what the judge says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from murnau_worker.drawing.draw import draw
from murnau_worker.drawing.events import Picture
from murnau_worker.drawing.options import DrawOptions, with_defaults
from murnau_worker.drawing.request import DrawRequest
from murnau_worker.drawing.text_to_image import TextToImage
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.scoring.alignment import TEXT_ALIGNMENT_PROMPT, image_alignments, text_alignment
from murnau_worker.scoring.judge import Judge
from murnau_worker.text.embedding_file import LearntEmbedding
from murnau_worker.text.prompt_reader import read_with

IMAGE_PROMPT = "a photo of a {}"
_BATCH = 16  # pictures drawn together


@dataclass(frozen=True)
class Scores:
    """Mean probability of the concept, and share of pictures on the ground that the prompt names."""

    image_alignment: float
    text_alignment: float


def draw_pictures(
    model: Kandinsky, prompt: str, seeds: Sequence[int], embeddings: Sequence[LearntEmbedding], num_steps: int
) -> torch.Tensor:
    """One picture of a prompt for each seed [N, 3, H, W] in -1..1. `num_steps` 0: the model's default."""
    task = TextToImage((prompt,) * len(seeds))
    request = DrawRequest(
        task=task,
        seeds=tuple(seeds),
        options=with_defaults(DrawOptions(num_steps=num_steps), model, task.own_size),
        reader=read_with(model, tuple(embeddings)),
        batch_size=_BATCH,
    )
    drawn = {event.place: event.pixels_3HW for event in draw(model, request) if isinstance(event, Picture)}
    return torch.stack([drawn[place] for place in range(len(seeds))])


def scores_of(
    model: Kandinsky, judge: Judge, embedding: LearntEmbedding, judge_class: str, seeds: Sequence[int], num_steps: int
) -> Scores:
    """Both alignments of a learnt word over one picture for each seed."""
    word, concept = embedding.placeholder_token, judge.classes.index(judge_class)
    pictures = draw_pictures(model, IMAGE_PROMPT.format(word), seeds, [embedding], num_steps)
    grounds = draw_pictures(model, TEXT_ALIGNMENT_PROMPT.format(word), seeds, [embedding], num_steps)
    return Scores(float(image_alignments(judge, pictures, concept).mean()), text_alignment(judge, grounds))
