"""What a session tells its client, free of gRPC's types. Fields and units as in `worker.proto`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from murnau_worker.core.progress import Notice, Progress

SampleKind = Literal["progress", "final", "baseline", "fuse_baseline"]
FinishReason = Literal["until_step", "superseded", "draining", "plateau"]


@dataclass(frozen=True)
class Started:
    step: int
    numeric_fingerprint: str
    model_fingerprint: str
    loading_s: float


@dataclass(frozen=True)
class Alive:
    step: int
    progress_age_s: float
    phase: str
    steps_per_second: float


@dataclass(frozen=True)
class Metrics:
    """Named values of one step."""

    step: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Sample:
    step: int
    kind: SampleKind
    position: int
    prompt: str
    seed: int
    png: bytes
    image_alignment: float | None


@dataclass(frozen=True)
class Judgement:
    """Who scored the final pictures, and against what. No judge: empty."""

    step: int
    judge: str
    concept: str
    baseline_word: str


@dataclass(frozen=True)
class Checkpoint:
    step: int
    state: bytes
    embedding: bytes


@dataclass(frozen=True)
class Log:
    level: Literal["info", "warning", "error"]
    message: str
    step: int


@dataclass(frozen=True)
class Finished:
    step: int
    reason: FinishReason


TrainEvent = Started | Alive | Metrics | Sample | Judgement | Checkpoint | Log | Finished


@dataclass(frozen=True)
class DrawStarted:
    model_fingerprint: str
    numeric_fingerprint: str


@dataclass(frozen=True)
class DrawnImage:
    position: int
    seed: int
    png: bytes
    is_preview: bool = False


DrawSessionEvent = DrawStarted | Progress | Notice | DrawnImage
