"""The worker's part of the error registry: the TypeScript side (libs/domain) knows every code by the same name.

Each code has one gRPC status (`rpc/status.py`); the sentence for a person is in the error itself.
"""

from __future__ import annotations

CODES: frozenset[str] = frozenset(
    {
        "spec.invalid",
        "placeholder.characters",
        "placeholder.known_word",
        "initializer.not_one_token",
        "initializer.too_many_tokens",
        "image.unreadable",
        "image.too_small",
        "image.too_large",
        "mask.wrong_size",
        "mask.empty",
        "mask.all_black",
        "mask.missing",
        "caption.missing",
        "caption.invalid",
        "embedding.unreadable",
        "embedding.wrong_model",
        "embedding.placeholder_clash",
        "model.not_served",
        "model.task_not_served",
        "model.unreadable",
        "model.changed",
        "checkpoint.corrupt",
        "blob.corrupt",
        "blob.not_found",
        "storage.full",
        "claim.stale",
        "worker.lost",
        "worker.unavailable",
        "device.out_of_memory",
        "run.diverged",
        "internal",
    }
)


class WorkerError(Exception):
    """A refusal or failure with a code of the registry.

    `field` is the path of the offending request field, `given` what it held, `allowed` what it may hold; each may be
    empty.
    """

    def __init__(self, code: str, message: str, *, field: str = "", given: str = "", allowed: str = "") -> None:
        if code not in CODES:
            raise KeyError(f"error code {code!r} is not in the registry")
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.given = given[:200]
        self.allowed = allowed
