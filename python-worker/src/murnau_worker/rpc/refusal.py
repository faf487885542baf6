"""The refusal of a request's field."""

from __future__ import annotations

from murnau_worker.core.errors import WorkerError


def invalid(field: str, message: str, given: object = "", allowed: str = "") -> WorkerError:
    """`spec.invalid`: what was given and what is allowed."""
    return WorkerError("spec.invalid", message, field=field, given=str(given), allowed=allowed)
