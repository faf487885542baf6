"""Checkpoint files: every form that real ones have, and files that are damaged or ask for more than tensors."""

from __future__ import annotations

import builtins
import os
import pickle
import subprocess
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from model_folders import script_archive

from murnau_worker.core.errors import WorkerError
from murnau_worker.models.safe_pickle import load_pickled, load_state_dict

SYSTEM: Any = getattr(os, "system")  # noqa: B009 (what an attacker would write)


class Reduced:
    """Pickles as a call of anything."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self._call


def refusal(path: Path) -> str:
    with pytest.raises(WorkerError) as error:
        load_pickled(path)
    assert error.value.code == "model.unreadable"
    assert str(path) in error.value.message
    return error.value.message


def tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    return {
        "weight": torch.randn(3, 4, generator=generator),
        "half": torch.randn(5, generator=generator).half(),
        "count": torch.arange(4),
        "empty": torch.zeros(0, 2),
        "scalar": torch.tensor(2.5),
    }


def same(actual: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> None:
    assert list(actual) == list(wanted)
    for name, value in wanted.items():
        assert actual[name].dtype == value.dtype
        assert torch.equal(actual[name], value), name


@pytest.mark.parametrize("is_zip", [True, False])
def test_both_forms_of_torch_save_are_read(tmp_path: Path, is_zip: bool) -> None:
    torch.save(tensors(), tmp_path / "a.ckpt", _use_new_zipfile_serialization=is_zip)
    same(load_pickled(tmp_path / "a.ckpt"), tensors())


def test_a_dictionary_comes_in_one_dtype(tmp_path: Path) -> None:
    torch.save(OrderedDict(tensors()), tmp_path / "a.ckpt")
    assert {v.dtype for v in load_state_dict(tmp_path / "a.ckpt").values()} == {torch.float32, torch.int64}
    torch.save({"a": torch.ones(2).half()}, tmp_path / "b.ckpt")
    assert load_state_dict(tmp_path / "b.ckpt", None)["a"].dtype == torch.float16
    assert load_state_dict(tmp_path / "b.ckpt", torch.bfloat16)["a"].dtype == torch.bfloat16


def test_what_is_no_tensor_is_left_out_of_a_state_dict(tmp_path: Path) -> None:
    torch.save({"state_dict": tensors(), "epoch": 3, "lrs": {1, 2}}, tmp_path / "vae.ckpt")
    same(load_pickled(tmp_path / "vae.ckpt")["state_dict"], tensors())
    assert list(load_state_dict(tmp_path / "vae.ckpt")) == list(tensors())


@pytest.mark.parametrize("is_zip", [True, False])
def test_overlapping_strided_views_are_read_as_they_lie(tmp_path: Path, is_zip: bool) -> None:
    base = torch.arange(15.0)
    views = {"windows": base.as_strided((5, 4), (2, 1), 1), "all": base, "column": base.view(3, 5)[:, 1]}
    torch.save(views, tmp_path / "a.pt", _use_new_zipfile_serialization=is_zip)
    read = load_pickled(tmp_path / "a.pt")
    same(read, views)
    assert read["windows"].stride() == (2, 1)


def test_a_tensor_past_its_storage_is_refused(tmp_path: Path) -> None:
    torch.save({"a": torch.arange(4.0)}, tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "a.pt") as archive, zipfile.ZipFile(tmp_path / "b.pt", "w") as changed:
        for info in archive.infolist():
            content = archive.read(info)
            changed.writestr(info.filename, content[:8] if info.filename.endswith("data/0") else content)
    assert "reaches past its storage" in refusal(tmp_path / "b.pt")


def test_compressed_records_are_read(tmp_path: Path) -> None:
    torch.save(tensors(), tmp_path / "a.pt")
    with (
        zipfile.ZipFile(tmp_path / "a.pt") as archive,
        zipfile.ZipFile(tmp_path / "b.pt", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for info in archive.infolist():
            packed.writestr(info.filename, archive.read(info))
    same(load_pickled(tmp_path / "b.pt"), tensors())


def test_a_torchscript_archive_gives_its_tensors_by_dotted_name(tmp_path: Path) -> None:
    wanted = {
        "positional_embedding": torch.randn(4, 3),
        "visual.conv1.weight": torch.randn(2, 3, 4, 4).half(),
        "transformer.resblocks.0.attn.in_proj_weight": torch.randn(6, 2),
        "transformer.resblocks.1.ln_1.bias": torch.randn(2),
    }
    script_archive(wanted, tmp_path / "ViT-L-14.pt")
    read = load_pickled(tmp_path / "ViT-L-14.pt")
    assert {name: tuple(value.shape) for name, value in read.items()} == {
        name: tuple(value.shape) for name, value in wanted.items()
    }
    assert all(torch.equal(read[name], value) for name, value in wanted.items())


def test_objects_of_a_training_framework_are_read_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    framework = ModuleType("pytorch_lightning.callbacks.model_checkpoint")

    class ModelCheckpoint:
        __module__ = framework.__name__
        __qualname__ = "ModelCheckpoint"

    framework.ModelCheckpoint = ModelCheckpoint  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        for name in ("pytorch_lightning", "pytorch_lightning.callbacks", framework.__name__):
            patch.setitem(sys.modules, name, framework)
        torch.save({"state_dict": tensors(), "callbacks": {ModelCheckpoint: ModelCheckpoint()}}, tmp_path / "a.ckpt")
    assert list(load_state_dict(tmp_path / "a.ckpt")) == list(tensors())
    assert not any(name.startswith("pytorch_lightning") for name in sys.modules)


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        (SYSTEM, ("touch {ran}",), f"{os.name}.system"),
        (builtins.eval, ("open('{ran}', 'w')",), "builtins.eval"),
        (builtins.exec, ("open('{ran}', 'w')",), "builtins.exec"),
        (builtins.getattr, ("a", "upper"), "builtins.getattr"),
        (subprocess.Popen, (["touch", "{ran}"],), "subprocess.Popen"),
        (__import__("importlib").import_module, ("antigravity",), "importlib.import_module"),
        (__import__("runpy").run_path, ("{ran}",), "runpy.run_path"),
        (torch.load, ("{ran}",), "torch.serialization.load"),
        (torch.hub.load, ("a", "b"), "torch.hub.load"),
    ],
)
def test_a_file_that_asks_for_code_is_refused_by_name(
    tmp_path: Path, function: Callable[..., Any], arguments: tuple[Any, ...], name: str, is_zip: bool
) -> None:
    ran = tmp_path / "ran"
    filled = [argument.format(ran=ran) if isinstance(argument, str) else argument for argument in arguments]
    torch.save(
        {"state_dict": tensors(), "more": Reduced(function, *filled)},
        tmp_path / "evil.ckpt",
        _use_new_zipfile_serialization=is_zip,
    )
    assert f"it asks for {name}," in refusal(tmp_path / "evil.ckpt")
    assert not ran.exists()


def test_a_plain_pickle_that_runs_code_is_refused(tmp_path: Path) -> None:
    (tmp_path / "evil.th").write_bytes(pickle.dumps(Reduced(SYSTEM, f"touch {tmp_path / 'ran'}")))
    assert f"it asks for {os.name}.system," in refusal(tmp_path / "evil.th")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("kept", [0.0, 0.01, 0.5, 0.999])
def test_a_checkpoint_cut_short_is_refused(tmp_path: Path, kept: float, is_zip: bool) -> None:
    torch.save({"a": torch.randn(1000)}, tmp_path / "whole.ckpt", _use_new_zipfile_serialization=is_zip)
    content = (tmp_path / "whole.ckpt").read_bytes()
    (tmp_path / "cut.ckpt").write_bytes(content[: int(len(content) * kept)])
    refusal(tmp_path / "cut.ckpt")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"a letter to my aunt\n" * 9, ""),
        (bytes(range(256)), ""),
        (b"PK\x03\x04 and no more", "cut short"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.ckpt").write_bytes(content)
    assert reason in refusal(tmp_path / "a.ckpt")


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.ckpt", "w") as archive:
        archive.writestr("letter.txt", "dear aunt")
    assert "without data.pkl" in refusal(tmp_path / "a.ckpt")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    refusal(tmp_path / "nothing.ckpt")


def test_a_checkpoint_without_tensors_is_refused(tmp_path: Path) -> None:
    torch.save([1, 2], tmp_path / "a.ckpt")
    with pytest.raises(WorkerError, match="no dictionary"):
        load_state_dict(tmp_path / "a.ckpt")
