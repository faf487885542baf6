"""From generated request types to the worker's own, checked. Generated types go no further than this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from murnau_worker.core.embedding_formats import LARGEST_FILE_BYTES
from murnau_worker.core.errors import WorkerError
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.rpc.blob_cache import BlobCache
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.read_pictures import read_blob, read_pictures
from murnau_worker.sessions.segment import SegmentRequest

_LARGEST_STATE_BYTES = 4 * 1024 * 1024

# Proto number → the spec's word; 0 (absent) is the default of the proto's comment.
OBJECTIVES: Mapping[int, str] = {
    pb.OBJECTIVE_JOINT: "joint",
    pb.OBJECTIVE_SPLIT: "split",
    pb.OBJECTIVE_WARM_JOINT: "warm_joint",
}
LOSS_WEIGHTS: Mapping[int, str] = {
    pb.LOSS_WEIGHT_UNSPECIFIED: "uniform",
    pb.LOSS_WEIGHT_UNIFORM: "uniform",
    pb.LOSS_WEIGHT_MIN_SNR: "min_snr",
}
LOSS_MASKS: Mapping[int, str] = {
    pb.LOSS_MASK_UNSPECIFIED: "none",
    pb.LOSS_MASK_NONE: "none",
    pb.LOSS_MASK_ALPHA: "alpha",
    pb.LOSS_MASK_FILE: "file",
}
PUBLISHED: Mapping[int, str] = {
    pb.PUBLISH_UNSPECIFIED: "averaged",
    pb.PUBLISH_AVERAGED: "averaged",
    pb.PUBLISH_LAST: "last",
    pb.PUBLISH_BEST: "best",
}
POOLINGS: Mapping[int, str] = {pb.POOLING_UNSPECIFIED: "eot", pb.POOLING_EOT: "eot", pb.POOLING_ARGMAX: "argmax"}
RESIZES: Mapping[int, str] = {
    pb.RESIZE_UNSPECIFIED: "squash",
    pb.RESIZE_SQUASH: "squash",
    pb.RESIZE_CROP: "crop",
    pb.RESIZE_BUCKET: "bucket",
}
TEMPLATE_SETS: Mapping[int, str] = {
    pb.TEMPLATE_SET_UNSPECIFIED: "object",
    pb.TEMPLATE_SET_OBJECT: "object",
    pb.TEMPLATE_SET_STYLE: "style",
    pb.TEMPLATE_SET_CAPTIONS: "captions",
}
SCHEDULES: Mapping[int, str] = {
    pb.SCHEDULE_UNSPECIFIED: "constant",
    pb.SCHEDULE_CONSTANT: "constant",
    pb.SCHEDULE_COSINE: "cosine",
    pb.SCHEDULE_LINEAR: "linear",
}
NORMS: Mapping[int, str] = {
    pb.NORM_RULE_UNSPECIFIED: "free",
    pb.NORM_RULE_FREE: "free",
    pb.NORM_RULE_VOCABULARY: "vocabulary",
}
UNITS: Mapping[int, str] = {
    pb.LEARNING_RATE_UNIT_UNSPECIFIED: "relative",
    pb.LEARNING_RATE_UNIT_RELATIVE: "relative",
    pb.LEARNING_RATE_UNIT_ABSOLUTE: "absolute",
}
PACKINGS: Mapping[int, str] = {
    pb.PACKING_UNSPECIFIED: "packed",
    pb.PACKING_PACKED: "packed",
    pb.PACKING_EXCLUSIVE: "exclusive",
}
FORMATS: Mapping[int, str] = {
    pb.EMBEDDING_FORMAT_SAFETENSORS: "safetensors",
    pb.EMBEDDING_FORMAT_REFERENCE_BIN: "reference_bin",
}


def invalid(field: str, message: str, given: object = "", allowed: str = "") -> WorkerError:
    """The refusal of a field."""
    return WorkerError("spec.invalid", message, field=field, given=str(given), allowed=allowed)


def _word(words: Mapping[int, str], number: int, field: str) -> str:
    found = words.get(number)
    if found is None:
        raise invalid(field, f"{field} is not set to a known value", number, ", ".join(sorted(set(words.values()))))
    return found


def read_spec(message: pb.TrainingSpec) -> TrainingSpec:
    """Raises WorkerError `spec.invalid`, naming the field, what was given and what is allowed."""
    values: dict[str, Any] = {
        "model": message.model,
        "placeholder_token": message.placeholder_token,
        "initializer_token": message.initializer_token,
        "initializer_t1": message.initializer_t1,
        "initializer_t2": message.initializer_t2,
        "num_vectors": message.num_vectors or 1,
        "objective": _word(OBJECTIVES, message.objective, "spec.objective"),
        "prior_share": message.prior_share or 0.5,
        "warm_steps": message.warm_steps or 60,
        "pooling": _word(POOLINGS, message.pooling, "spec.pooling"),
        "learning_rate_t1": message.learning_rate_t1,
        "learning_rate_t2": message.learning_rate_t2,
        "learning_rate_unit": _word(UNITS, message.learning_rate_unit, "spec.learning_rate_unit"),
        "schedule": _word(SCHEDULES, message.schedule, "spec.schedule"),
        "schedule_steps": message.schedule_steps,
        "warmup_steps": message.warmup_steps,
        "optimizer": message.optimizer or "adamw",
        "weight_decay": message.weight_decay,
        "loss_weight": _word(LOSS_WEIGHTS, message.loss_weight, "spec.loss_weight"),
        "min_snr_gamma": message.min_snr_gamma or 5.0,
        "batch_size": message.batch_size,
        "gradient_accumulation_steps": message.gradient_accumulation_steps or 1,
        "max_steps": message.max_steps,
        "seed": message.seed,
        "resize": _word(RESIZES, message.resize, "spec.resize"),
        "flip_probability": message.flip_probability,
        "loss_mask": _word(LOSS_MASKS, message.loss_mask, "spec.loss_mask"),
        "loss_mask_floor": message.loss_mask_floor,
        "templates": _word(TEMPLATE_SETS, message.templates, "spec.templates"),
        "template_languages": tuple(message.template_languages) or ("en",),
        "text_dropout": message.text_dropout,
        "norm": _word(NORMS, message.norm, "spec.norm"),
        "ema_decay": message.ema_decay,
        "prior_steps": message.prior_steps or 5,
        "packing": _word(PACKINGS, message.packing, "spec.packing"),
        "publish": _word(PUBLISHED, message.publish, "spec.publish"),
        "stop_at_plateau": message.stop_at_plateau,
        "checkpoint_every_steps": message.checkpoint_every_steps,
        "eval_every_steps": message.eval_every_steps,
        "samples": {
            "every_steps": message.samples.every_steps,
            "prompts": tuple(message.samples.prompts),
            "per_prompt": message.samples.per_prompt or 1,
            "seed": message.samples.seed,
            "final_count": message.samples.final_count,
            "final_seed": message.samples.final_seed,
            "num_steps": message.samples.num_steps,
            "guidance_scale": message.samples.guidance_scale,
        },
    }
    try:
        return TrainingSpec.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(["spec", *(str(part) for part in first["loc"])])
        raise invalid(field, f"{field}: {first['msg']}", first.get("input", "")) from error


def read_start(message: pb.TrainStart, blobs: BlobCache) -> SegmentRequest:
    """Raises WorkerError `spec.invalid` or `blob.not_found`."""
    spec = read_spec(message.spec)
    if not message.run_id:
        raise invalid("start.run_id", "the run has no id")
    if message.epoch < 1:
        raise invalid("start.epoch", "an epoch is at least 1", message.epoch, "1 or more")
    if not 1 <= len(message.images) <= 256:
        raise invalid("start.images", f"{len(message.images)} pictures were given", len(message.images), "1 to 256")
    if not 1 <= message.until_step <= spec.max_steps:
        raise invalid(
            "start.until_step",
            "the segment ends past the run's last step",
            message.until_step,
            f"1 to {spec.max_steps}",
        )
    state = message.state if message.HasField("state") else None
    if state is not None and len(state) > _LARGEST_STATE_BYTES:
        raise invalid("start.state", f"a state of {len(state)} bytes is none", len(state), "at most 4 MiB")
    if state is None and message.acknowledged_step != 0:
        raise invalid("start.acknowledged_step", "without a state nothing is stored", message.acknowledged_step, "0")
    pictures = read_pictures(message.images, blobs, spec)
    return SegmentRequest(
        run_id=message.run_id,
        epoch=message.epoch,
        spec=spec,
        pictures=pictures,
        state=state,
        until_step=message.until_step,
        acknowledged_step=message.acknowledged_step,
        initializer=message.initializer_embedding if message.HasField("initializer_embedding") else None,
    )


def read_format(number: int) -> str | None:
    """None: recognise by looking."""
    return FORMATS.get(number)


__all__ = ["LARGEST_FILE_BYTES", "invalid", "read_blob", "read_format", "read_spec", "read_start"]
