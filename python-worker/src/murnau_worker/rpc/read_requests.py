"""From generated request types to the worker's own, checked. Generated types go no further than this package."""

from __future__ import annotations

from collections.abc import Callable

from murnau_worker.families.description import FamilyDescription
from murnau_worker.rpc.blob_cache import BlobCache
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.read_pictures import read_pictures
from murnau_worker.rpc.read_spec import read_spec
from murnau_worker.rpc.refusal import invalid
from murnau_worker.sessions.segment import LARGEST_STATE_BYTES, SegmentRequest


def read_start(
    message: pb.TrainStart, blobs: BlobCache, family_of: Callable[[str], FamilyDescription]
) -> SegmentRequest:
    """`family_of`: of a served model. Raises WorkerError `spec.invalid`, `model.not_served` or `blob.not_found`."""
    spec = read_spec(message.spec, family_of(message.spec.model))
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
    if state is not None and len(state) > LARGEST_STATE_BYTES:
        most = f"at most {LARGEST_STATE_BYTES // 1024**2} MiB"
        raise invalid("start.state", f"a state of {len(state)} bytes is none", len(state), most)
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
