"""Fixtures: a tiny random model with tiny tokenizers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from golden_files import GOLDENS
from tiny_judge import write_tiny_judge
from tiny_model import write_tiny_model

from murnau_worker.engine.device_thread import set_up_torch
from murnau_worker.engine.served_models import ServedModels
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.text.tokenizers import common_words

# The tests' own servers are reached directly, whatever proxy a person has set. gRPC reads the lower case only, and its
# own list in place of the other.
for _name in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
    _given = [os.environ[_name]] if os.environ.get(_name) else []
    os.environ[_name] = ",".join([*_given, "127.0.0.1", "localhost", "::1"])


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Bytes depend on the number of threads; one is also fastest beside other work."""
    set_up_torch(1)


@pytest.fixture(scope="session")
def goldens() -> Path:
    """The folder of goldens."""
    return GOLDENS


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the tiny random model with its judge."""
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny_model(folder)
    write_tiny_judge(folder / "judge")
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> Kandinsky:
    """The tiny random model in memory."""
    model = ServedModels({"tiny": tiny_folder}).load("tiny")
    assert isinstance(model, Kandinsky)
    _ = common_words(model.tokenizers)  # read now: a property test's first example has a deadline
    return model
