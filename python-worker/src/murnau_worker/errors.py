"""The worker's part of the error registry: the TypeScript side (libs/domain) knows every code by the same name.

A code is bound to one gRPC status here; the sentence for a person travels in the error itself.
"""

from __future__ import annotations

import grpc

STATUS_OF_CODE: dict[str, grpc.StatusCode] = {
    "spec.invalid": grpc.StatusCode.INVALID_ARGUMENT,
    "placeholder.characters": grpc.StatusCode.INVALID_ARGUMENT,
    "placeholder.known_word": grpc.StatusCode.INVALID_ARGUMENT,
    "initializer.not_one_token": grpc.StatusCode.INVALID_ARGUMENT,
    "initializer.too_many_tokens": grpc.StatusCode.INVALID_ARGUMENT,
    "image.unreadable": grpc.StatusCode.INVALID_ARGUMENT,
    "image.too_small": grpc.StatusCode.INVALID_ARGUMENT,
    "image.too_large": grpc.StatusCode.INVALID_ARGUMENT,
    "mask.wrong_size": grpc.StatusCode.INVALID_ARGUMENT,
    "mask.empty": grpc.StatusCode.INVALID_ARGUMENT,
    "mask.all_black": grpc.StatusCode.INVALID_ARGUMENT,
    "mask.missing": grpc.StatusCode.INVALID_ARGUMENT,
    "caption.missing": grpc.StatusCode.INVALID_ARGUMENT,
    "caption.invalid": grpc.StatusCode.INVALID_ARGUMENT,
    "embedding.unreadable": grpc.StatusCode.INVALID_ARGUMENT,
    "embedding.wrong_model": grpc.StatusCode.INVALID_ARGUMENT,
    "embedding.placeholder_clash": grpc.StatusCode.INVALID_ARGUMENT,
    "model.not_served": grpc.StatusCode.NOT_FOUND,
    "model.task_not_served": grpc.StatusCode.FAILED_PRECONDITION,
    "model.unreadable": grpc.StatusCode.FAILED_PRECONDITION,
    "model.changed": grpc.StatusCode.FAILED_PRECONDITION,
    "checkpoint.corrupt": grpc.StatusCode.DATA_LOSS,
    "blob.corrupt": grpc.StatusCode.DATA_LOSS,
    "blob.not_found": grpc.StatusCode.FAILED_PRECONDITION,
    "storage.full": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "claim.stale": grpc.StatusCode.FAILED_PRECONDITION,
    "worker.lost": grpc.StatusCode.ABORTED,
    "worker.unavailable": grpc.StatusCode.UNAVAILABLE,
    "device.out_of_memory": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "run.diverged": grpc.StatusCode.FAILED_PRECONDITION,
    "internal": grpc.StatusCode.INTERNAL,
}


class WorkerError(Exception):
    """A refusal or failure with a code of the registry.

    `field` is the path of the offending request field, `given` what it held, `allowed` what it may hold; each may be
    empty.
    """

    def __init__(self, code: str, message: str, *, field: str = "", given: str = "", allowed: str = "") -> None:
        if code not in STATUS_OF_CODE:
            raise KeyError(f"error code {code!r} is not in the registry")
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.given = given[:200]
        self.allowed = allowed

    @property
    def status(self) -> grpc.StatusCode:
        return STATUS_OF_CODE[self.code]
