"""Requests to draw for benchmarks: as many pictures of a task as asked for, together, by seeds from 0 on."""

from __future__ import annotations

from murnau_worker.drawing.options import DrawOptions, with_defaults
from murnau_worker.drawing.request import DrawingTask, DrawRequest
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.text.prompt_reader import read_with


def request_of(model: Kandinsky, task: DrawingTask, asked: DrawOptions, count: int) -> DrawRequest:
    """No learnt word; what `asked` leaves open is the model's default."""
    return DrawRequest(
        task=task,
        seeds=tuple(range(count)),
        options=with_defaults(asked, model, task.own_size),
        reader=read_with(model, ()),
        batch_size=count,
    )
