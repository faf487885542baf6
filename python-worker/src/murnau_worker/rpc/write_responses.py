"""From the worker's own events to generated response types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from murnau_worker import __version__
from murnau_worker.core.progress import Notice, Progress
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.sessions import events

_SAMPLE_KINDS = {
    "progress": pb.SAMPLE_KIND_PROGRESS,
    "final": pb.SAMPLE_KIND_FINAL,
    "baseline": pb.SAMPLE_KIND_BASELINE,
    "fuse_baseline": pb.SAMPLE_KIND_FUSE_BASELINE,
}
_REASONS = {
    "until_step": pb.FINISH_REASON_UNTIL_STEP,
    "superseded": pb.FINISH_REASON_SUPERSEDED,
    "draining": pb.FINISH_REASON_DRAINING,
    "plateau": pb.FINISH_REASON_PLATEAU,
}


def _sample(event: events.Sample) -> pb.TrainResponse:
    message = pb.Sample(
        step=event.step,
        kind=_SAMPLE_KINDS[event.kind],
        position=event.position,
        prompt=event.prompt,
        seed=event.seed,
        png=event.png,
    )
    if event.image_alignment is not None:
        message.image_alignment = event.image_alignment
    return pb.TrainResponse(sample=message)


_WRITERS: dict[type, Callable[[Any], pb.TrainResponse]] = {
    events.Started: lambda e: pb.TrainResponse(
        started=pb.Started(
            step=e.step,
            numeric_fingerprint=e.numeric_fingerprint,
            model_fingerprint=e.model_fingerprint,
            loading_s=e.loading_s,
        )
    ),
    events.Alive: lambda e: pb.TrainResponse(
        alive=pb.Alive(step=e.step, progress_age_s=e.progress_age_s, phase=e.phase, steps_per_second=e.steps_per_second)
    ),
    events.Metrics: lambda e: pb.TrainResponse(metrics=pb.Metrics(step=e.step, values=e.values)),
    events.Sample: _sample,
    events.Judgement: lambda e: pb.TrainResponse(
        judgement=pb.Judgement(step=e.step, judge=e.judge, concept=e.concept, baseline_word=e.baseline_word)
    ),
    events.Checkpoint: lambda e: pb.TrainResponse(
        checkpoint=pb.Checkpoint(step=e.step, state=e.state, embedding=e.embedding)
    ),
    events.Log: lambda e: pb.TrainResponse(log=pb.Log(level=e.level, message=e.message, step=e.step)),
    events.Finished: lambda e: pb.TrainResponse(finished=pb.Finished(step=e.step, reason=_REASONS[e.reason])),
}


def write_train_event(event: events.TrainEvent) -> pb.TrainResponse:
    return _WRITERS[type(event)](event)


def _drawn_image(event: events.DrawnImage) -> pb.DrawEvent:
    image = pb.DrawnImage(position=event.position, seed=event.seed, png=event.png)
    return pb.DrawEvent(preview=image) if event.is_preview else pb.DrawEvent(image=image)


_DRAW_WRITERS: dict[type, Callable[[Any], pb.DrawEvent]] = {
    events.DrawStarted: lambda e: pb.DrawEvent(
        started=pb.DrawStarted(
            model_fingerprint=e.model_fingerprint,
            numeric_fingerprint=e.numeric_fingerprint,
            worker_version=__version__,
        )
    ),
    Progress: lambda e: pb.DrawEvent(
        progress=pb.DrawProgress(step=e.step, steps=e.steps, phase=e.phase, detail=e.detail)
    ),
    Notice: lambda e: pb.DrawEvent(notice=pb.DrawNotice(message=e.message)),
    events.DrawnImage: _drawn_image,
}


def write_draw_event(event: events.DrawSessionEvent) -> pb.DrawEvent:
    return _DRAW_WRITERS[type(event)](event)
