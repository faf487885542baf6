"""The registry of error codes and the statuses they travel with."""

from __future__ import annotations

import pytest

from murnau_worker.core.errors import CODES, WorkerError
from murnau_worker.rpc.status import STATUS_OF_CODE


def test_every_code_has_a_status_and_no_other_has() -> None:
    assert set(STATUS_OF_CODE) == CODES


def test_an_error_has_a_code_of_the_registry() -> None:
    assert WorkerError("spec.invalid", "no").code == "spec.invalid"
    with pytest.raises(KeyError, match=r"no\.such_code"):
        WorkerError("no.such_code", "no")
