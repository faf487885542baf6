"""Writes a model of any known layout as diffusers' folders of safetensors, so that loading it is a memory map.

The folder is made under another name and renamed when it is whole: a conversion that was stopped leaves nothing that
looks like a model.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.logs import get_logger
from murnau_worker.families.family import ConvertedFolders, Family
from murnau_worker.families.layouts import recognise
from murnau_worker.models.fingerprint import note_conversion
from murnau_worker.models.parts import PartSource


@dataclass(frozen=True)
class ConvertedPart:
    name: str
    size_bytes: int
    dtype: str


@dataclass(frozen=True)
class Conversion:
    """What a conversion wrote. `keeps_fingerprint`: the weights are the source's value for value.

    `lacks`: tokenizers that the source had no files of.
    """

    folder: str
    parts: list[ConvertedPart]
    keeps_fingerprint: bool
    lacks: list[str]
    seconds: float


def convert_model(source_folder: Path, target: Path, dtype: torch.dtype | None = None) -> Conversion:
    """Converts a model folder; without a dtype each part keeps that of its file.

    Raises WorkerError `spec.invalid` for a target that holds something or is on a disk without room,
    `model.unreadable` for a source that can not be read.
    """
    started_at = time.monotonic()
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise WorkerError(
            "spec.invalid",
            f"{target} holds something already",
            field="target",
            given=str(target),
            allowed="a new folder",
        )
    recognised = recognise(source_folder)
    source, family = recognised.read(), recognised.family
    if family.converted is None:
        raise WorkerError("spec.invalid", f"models of {family.description.name} are not converted", field="source")
    target.parent.mkdir(parents=True, exist_ok=True)
    _check_room(source_folder, target.parent, dtype)
    unfinished = target.parent / f".{target.name}.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        parts, is_exact = _write_parts(family, family.converted, source, unfinished, dtype)
        lacks = _write_tokenizers(family.converted, source, unfinished)
        family.converted.write_settings(unfinished, source.parts)
        _copy_own_files(source_folder, unfinished)
        if is_exact:
            note_conversion(unfinished, recognised.fingerprint(), family.left_out_of_fingerprint)
        if target.exists():
            target.rmdir()
        unfinished.rename(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return Conversion(str(target), parts, is_exact, lacks, round(time.monotonic() - started_at, 3))


def _check_room(source: Path, target: Path, dtype: torch.dtype | None) -> None:
    """A conversion writes about what the source holds; to fp32 at most twice that."""
    held = sum(path.stat().st_size for path in source.rglob("*") if path.is_file())
    wanted = held * (2 if dtype is torch.float32 else 1)
    free = shutil.disk_usage(target).free
    if free < wanted:
        raise WorkerError(
            "spec.invalid",
            f"{target} has {free >> 20} MB free, the converted model needs about {wanted >> 20} MB",
            field="target",
            given=str(target),
            allowed="a folder on a disk with more room",
        )


def _write_parts(
    family: Family, folders: ConvertedFolders, source: PartSource, target: Path, dtype: torch.dtype | None
) -> tuple[list[ConvertedPart], bool]:
    written: list[ConvertedPart] = []
    is_exact = True
    for done, part in enumerate(source.parts):
        get_logger().info("converting", extra={"model_part": part, "done": done, "total": len(source.parts)})
        module = source.read(part, None)
        tensors = _once(module.state_dict())
        kept = _in_dtype(tensors, dtype, family.description.exact_tensors.get(part, ()))
        is_exact &= all(torch.equal(kept[name].to(value.dtype), value) for name, value in tensors.items())
        size = _save(module, kept, target / folders.parts[part])
        kinds = {str(value.dtype).removeprefix("torch.") for value in kept.values() if value.is_floating_point()}
        written.append(ConvertedPart(part, size, " and ".join(sorted(kinds))))
    return written, is_exact


def _once(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Without a tensor's further names: its reader knows them."""
    names: dict[tuple[object, ...], str] = {}
    for name, value in tensors.items():
        names.setdefault((value.data_ptr(), value.shape, value.dtype) if value.numel() else (name,), name)
    return {name: tensors[name] for name in names.values()}


def _in_dtype(
    tensors: dict[str, torch.Tensor], dtype: torch.dtype | None, exact: Collection[str]
) -> dict[str, torch.Tensor]:
    """Tensors as they are written: apart from each other in memory, those named `exact` in fp32."""
    written: dict[str, torch.Tensor] = {}
    for name, value in tensors.items():
        wanted = torch.float32 if name in exact else dtype if dtype and value.is_floating_point() else value.dtype
        written[name] = value.to(wanted, copy=True)
    return written


def _save(module: nn.Module, tensors: dict[str, torch.Tensor], folder: Path) -> int:
    """Writes a part's configuration and weights; returns the size of the latter in bytes."""
    folder.mkdir(parents=True)
    loose: Any = module
    is_diffusers = hasattr(loose, "save_config")
    if is_diffusers:
        loose.save_config(folder)
    else:
        loose.config.architectures = [type(module).__name__]
        loose.config.save_pretrained(folder)
    path = folder / ("diffusion_pytorch_model.safetensors" if is_diffusers else "model.safetensors")
    save_file(tensors, path, metadata={"format": "pt"})
    return path.stat().st_size


def _write_tokenizers(folders: ConvertedFolders, source: PartSource, target: Path) -> list[str]:
    """Writes the tokenizers that the source has; returns what the others lack."""
    lacks: list[str] = []
    for tower, folder in folders.tokenizers.items():
        try:
            source.read_tokenizer(tower).save_pretrained(target / folder)
        except WorkerError as error:
            get_logger().warning(error.message, extra={"code": error.code})
            lacks.append(error.message)
    return lacks


def _copy_own_files(source: Path, target: Path) -> None:
    """The model's settings and its judge."""
    if (source / "murnau.yaml").is_file():
        shutil.copyfile(source / "murnau.yaml", target / "murnau.yaml")
    if (source / "judge").is_dir():
        shutil.copytree(source / "judge", target / "judge")
