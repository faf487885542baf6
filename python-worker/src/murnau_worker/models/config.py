"""A model folder's own settings (`murnau.yaml`), all optional."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from murnau_worker.errors import WorkerError

_PRIOR_STEPS = re.compile(r"ddim[1-9]\d*|[1-9]\d*(,[1-9]\d*)*")


class ModelConfig(BaseModel):
    """What a worker reads of `murnau.yaml`; the file may hold more (licence, figures), which is not the worker's.

    Sampling defaults are the original's where the folder says nothing.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    family: str = "kandinsky-2.1"
    image_size: int = Field(default=0, ge=0)  # pixels; 0: as the UNet's configuration says
    num_steps: int = Field(default=50, ge=1, le=1000)
    guidance_scale: float = Field(default=4.0, ge=1.0)
    prior_steps: str = "5"  # a count, "ddimN", or counts of sections: "10,5"
    prior_guidance_scale: float = Field(default=4.0, ge=1.0)

    @field_validator("prior_steps", mode="before")
    @classmethod
    def _count_as_text(cls, given: object) -> object:
        """YAML reads a plain count as a number."""
        return str(given) if isinstance(given, int) and not isinstance(given, bool) else given

    @field_validator("prior_steps")
    @classmethod
    def _known_form(cls, steps: str) -> str:
        if not _PRIOR_STEPS.fullmatch(steps):
            raise ValueError('a count ("25"), "ddimN", or counts of sections ("10,5") is wanted')
        return steps


def read_model_config(folder: Path) -> ModelConfig:
    """Reads `murnau.yaml` of a model folder; defaults where there is none. Raises WorkerError `model.unreadable`."""
    path = folder / "murnau.yaml"
    if not path.exists():
        return ModelConfig()
    try:
        content = cast("dict[str, Any]", yaml.safe_load(path.read_text("utf-8")) or {})
        return ModelConfig.model_validate(content)
    except (yaml.YAMLError, ValidationError) as error:
        raise WorkerError("model.unreadable", f"{path} is not a model's settings: {error}") from error
