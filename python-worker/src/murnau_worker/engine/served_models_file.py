"""Which models a worker serves and how: entries of a registry file (YAML), or folders from the command line."""

from __future__ import annotations

import difflib
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Literal, cast

import torch
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.registry import descriptions
from murnau_worker.models.checkpointing import Checkpointing
from murnau_worker.models.model_parts import Offload

Dtype = Literal["float32", "bfloat16", "float16"]
TORCH_DTYPES: dict[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


class ModelEntry(BaseModel):
    """How a model is served.

    `family`: by its name; empty: recognised by looking. `dtype`: of its frozen weights in memory; auto: bfloat16 on a
    GPU that computes in it, else float32. `device`: auto takes a GPU where there is one. `offload`: with `parts`, the
    parts that make conditions and those that draw are not in the device's memory together while pictures are drawn, and
    only a phase's parts while it trains. `checkpointing`: training keeps the inputs of blocks only and computes them
    again; auto: on a GPU of which the weights take more than a third, or with `offload: parts`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    family: str = ""
    dtype: Literal["auto", Dtype] = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    offload: Offload = "none"
    checkpointing: Checkpointing = "auto"

    @field_validator("family")
    @classmethod
    def _is_known(cls, family: str) -> str:
        names = [description.name for description in descriptions()]
        if family and family not in names:
            raise ValueError(f"Input should be one of {', '.join(names)}")
        return family

    @property
    def held_dtype(self) -> Dtype:
        """What `dtype` comes to on this machine."""
        if self.dtype != "auto":
            return self.dtype
        is_on_gpu = self.torch_device.type == "cuda"
        return "bfloat16" if is_on_gpu and torch.cuda.is_bf16_supported(including_emulation=False) else "float32"

    @property
    def torch_dtype(self) -> torch.dtype:
        return TORCH_DTYPES[self.held_dtype]

    @property
    def torch_device(self) -> torch.device:
        """Raises WorkerError `spec.invalid` for a GPU that is not there."""
        has_gpu = torch.cuda.is_available()
        if self.device == "cuda" and not has_gpu:
            raise WorkerError(
                "spec.invalid",
                f"the model in {self.path} wants a GPU, and torch sees none",
                field="device",
                given="cuda",
                allowed="auto, cpu",
            )
        return torch.device("cuda" if has_gpu and self.device != "cpu" else "cpu")


class _StrictLoader(yaml.SafeLoader):
    """YAML of which no key may come twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = str(self.construct_object(key_node, deep=True))
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f'"{key}" stands there twice', key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _refuse(path: Path, field: str, problem: str, *, given: str = "", allowed: str = "") -> WorkerError:
    where = f"{field} " if field else ""
    return WorkerError("spec.invalid", f"{path}: {where}{problem}", field=field, given=given, allowed=allowed)


def _check_keys(path: Path, place: str, content: dict[str, Any], known: list[str]) -> None:
    for key in content:
        if key not in known:
            nearest = difflib.get_close_matches(str(key), known, n=1, cutoff=0.0)[0]
            field = f"{place}.{key}" if place else str(key)
            problem = f'is no known key; did you mean "{nearest}"?'
            raise _refuse(path, field, problem, given=str(key), allowed=", ".join(known))


def _entry(path: Path, name: str, content: object) -> ModelEntry:
    field = f"models.{name}"
    if not isinstance(content, dict):
        raise _refuse(path, field, "is no mapping", given=str(content), allowed=", ".join(ModelEntry.model_fields))
    values = cast("dict[str, Any]", content)
    _check_keys(path, field, values, list(ModelEntry.model_fields))
    try:
        entry = ModelEntry.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise _refuse(path, f"{field}.{key}", first["msg"], given=str(values.get(key, ""))) from error
    return entry.model_copy(update={"path": path.parent / entry.path})


def read_registry(path: Path) -> dict[str, ModelEntry]:
    """Reads a registry file. Relative folders in it are relative to it.

    Raises WorkerError `spec.invalid` naming the key, what was given and the nearest or allowed one.
    """
    try:
        content: object = yaml.load(path.read_text("utf-8"), _StrictLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _refuse(path, "", f"can not be read: {error}") from error
    if not isinstance(content, dict):
        raise _refuse(path, "", "is no mapping", allowed="models")
    _check_keys(path, "", cast("dict[str, Any]", content), ["models"])
    models = cast("dict[str, Any]", content).get("models")
    if not isinstance(models, dict) or not models:
        raise _refuse(path, "models", "names no model", allowed="NAME: {path: DIR}")
    return {str(name): _entry(path, str(name), values) for name, values in cast("dict[str, Any]", models).items()}


def collect_models(registry: Path | None, folders: list[tuple[str, Path]]) -> dict[str, ModelEntry]:
    """Models of a registry file and of NAME=DIR options together. Raises WorkerError `spec.invalid`."""
    entries = read_registry(registry) if registry else {}
    for name, folder in folders:
        if name in entries:
            raise WorkerError(
                "spec.invalid",
                f'model "{name}" is given twice',
                field="--model",
                given=f"{name}={folder}",
                allowed="each name once, in the registry file and the options together",
            )
        entries[name] = ModelEntry(path=folder)
    if not entries:
        raise WorkerError(
            "spec.invalid", "no model to serve", field="--model", allowed="--model NAME=DIR or --registry"
        )
    return entries
