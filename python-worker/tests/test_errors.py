"""The registry of error codes and the statuses they travel with."""

from __future__ import annotations

import pytest

from murnau_worker.core.errors import CODES, WorkerError
from murnau_worker.rpc.status import STATUS_OF_CODE, error_detail


def test_every_code_has_a_status_and_no_other_has() -> None:
    assert set(STATUS_OF_CODE) == CODES


def test_an_error_has_a_code_of_the_registry() -> None:
    assert WorkerError("spec.invalid", "no").code == "spec.invalid"
    with pytest.raises(KeyError, match=r"no\.such_code"):
        WorkerError("no.such_code", "no")


def test_a_detail_fits_into_a_calls_metadata() -> None:
    long = WorkerError("spec.invalid", "m" * 100_000, field="f" * 100_000, given="ü" * 100_000, allowed="a" * 100_000)
    assert len(error_detail(long).SerializeToString()) < 4_096
    short = WorkerError("spec.invalid", "wrong", field="spec.seed", given="-1", allowed="0 or more")
    detail = error_detail(short)
    assert (detail.message, detail.field, detail.given, detail.allowed) == ("wrong", "spec.seed", "-1", "0 or more")
