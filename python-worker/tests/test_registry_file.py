"""Registry files: what they may say, how they are refused, and how they meet `--model`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from murnau_worker.core.errors import WorkerError
from murnau_worker.engine.served_models import ServedModels
from murnau_worker.engine.served_models_file import ModelEntry, collect_models, read_registry
from murnau_worker.families.kandinsky21.description import KANDINSKY21
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.families.kandinsky21.parameters import options_of
from murnau_worker.families.settings import read_model_settings


def write(folder: Path, text: str) -> Path:
    (folder / "models.yaml").write_text(text)
    return folder / "models.yaml"


def test_entries_with_their_settings(tmp_path: Path) -> None:
    entries = read_registry(
        write(
            tmp_path,
            "models:\n"
            "  small: {family: kandinsky-2.1, path: small}\n"
            "  large: {path: /models/large, dtype: bfloat16, device: cpu, offload: parts}\n",
        )
    )
    assert list(entries) == ["small", "large"]
    small, large = entries.values()
    assert (small.path, small.dtype, small.offload) == (tmp_path / "small", "auto", "none")
    assert (large.path, large.torch_dtype, large.offload) == (Path("/models/large"), torch.bfloat16, "parts")
    assert large.torch_device == torch.device("cpu")
    assert small.torch_device.type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize(
    ("has_gpu", "computes_bf16", "settings", "held"),
    [
        (False, False, {}, "float32"),
        (True, True, {}, "bfloat16"),
        (True, False, {}, "float32"),
        (True, True, {"device": "cpu"}, "float32"),
        (True, True, {"dtype": "float16"}, "float16"),
    ],
)
def test_weights_are_in_bf16_where_the_gpu_computes_in_it(
    monkeypatch: pytest.MonkeyPatch, has_gpu: bool, computes_bf16: bool, settings: dict[str, Any], held: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: has_gpu)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: computes_bf16)
    assert ModelEntry(path=Path("model"), **settings).held_dtype == held


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ("modells: {}", "modells", 'did you mean "models"'),
        ("models: {a: {path: x, dtyp: float32}}", "models.a.dtyp", 'did you mean "dtype"'),
        ("models: {a: {dtype: float32}}", "models.a.path", "required"),
        ("models: {a: {path: x, dtype: int8}}", "models.a.dtype", "float32"),
        ("models: {a: {path: x, device: tpu}}", "models.a.device", "cuda"),
        ("models: {a: {path: x, offload: all}}", "models.a.offload", "parts"),
        ("models: {a: {path: x, family: kandinsky-3}}", "models.a.family", "kandinsky-2.1"),
        ("models: {a: x}", "models.a", "no mapping"),
        ("models: {}", "models", "names no model"),
        ("[1, 2]", "", "no mapping"),
        ("models: {a: {path: x}, a: {path: y}}", "", '"a" stands there twice'),
        ("models: [", "", "can not be read"),
    ],
)
def test_bad_files_are_refused_and_say_why(tmp_path: Path, text: str, field: str, said: str) -> None:
    with pytest.raises(WorkerError) as error:
        read_registry(write(tmp_path, text))
    assert error.value.code == "spec.invalid"
    assert error.value.field == field
    assert said in error.value.message
    assert "models.yaml" in error.value.message


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="can not be read"):
        read_registry(tmp_path / "none.yaml")


def test_options_and_file_come_together(tmp_path: Path) -> None:
    registry = write(tmp_path, "models: {a: {path: x}}")
    assert list(collect_models(registry, [("b", Path("y"))])) == ["a", "b"]
    for folders in ([("a", Path("z"))], [("b", Path("y")), ("b", Path("z"))]):
        with pytest.raises(WorkerError, match="given twice"):
            collect_models(registry, folders)
    with pytest.raises(WorkerError, match="no model to serve"):
        collect_models(None, [])


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has the GPU that the test says is absent")
def test_a_gpu_that_is_not_there_is_refused_at_the_start(tiny_folder: Path, tmp_path: Path) -> None:
    registry = write(tmp_path, f"models: {{a: {{path: {tiny_folder}, device: cuda}}}}")
    with pytest.raises(WorkerError, match="torch sees none"):
        ServedModels(read_registry(registry))


def test_models_are_opened_as_their_entries_say(tiny_folder: Path, tmp_path: Path) -> None:
    registry = write(tmp_path, f"models: {{a: {{path: {tiny_folder}, dtype: bfloat16}}, b: {{path: {tiny_folder}}}}}")
    models = ServedModels(read_registry(registry), memory_limit_bytes=1)
    first, second = models.load("a"), models.load("b")
    assert isinstance(first, Kandinsky)
    assert isinstance(second, Kandinsky)
    assert first.unet.dtype == torch.bfloat16
    assert second.unet.dtype == torch.float32
    assert not models.load("a").is_resident("unet")  # the limit is for all models together
    assert models.find("a").fingerprint == models.find("b").fingerprint


@pytest.mark.parametrize(("given", "read"), [("5", "5"), ('"10,5"', "10,5"), ("ddim25", "ddim25")])
def test_prior_steps_may_be_a_number_or_sections(tmp_path: Path, given: str, read: str) -> None:
    (tmp_path / "murnau.yaml").write_text(f"prior_steps: {given}")
    assert options_of(read_model_settings(tmp_path, KANDINSKY21).options).prior_steps == read


@pytest.mark.parametrize("given", ["0", "-3", "ddim", "5.5", "true", '"5;6"', "[5]"])
def test_other_prior_steps_are_refused(tmp_path: Path, given: str) -> None:
    (tmp_path / "murnau.yaml").write_text(f"prior_steps: {given}")
    with pytest.raises(WorkerError, match="prior_steps"):
        read_model_settings(tmp_path, KANDINSKY21)
