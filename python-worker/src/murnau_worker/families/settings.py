"""A model folder's own settings (`murnau.yaml`), all optional."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from murnau_worker.core.errors import WorkerError
from murnau_worker.sampling.prior_schedule import prior_schedule


def _check_prior_steps(value: object) -> str:
    text = str(value)
    prior_schedule(text)
    return text


# A count, "ddimN" or counts of sections; a YAML file may hold a bare number.
PriorSteps = Annotated[str, BeforeValidator(_check_prior_steps)]


class ModelSettings(BaseModel):
    """What a worker reads of `murnau.yaml`; the file may hold more (licence, figures), which is not the worker's.

    Sampling defaults are the original's where the folder says nothing.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    family: str = "kandinsky-2.1"
    image_size: int = Field(default=0, ge=0)  # pixels; 0: as the UNet's configuration says
    num_steps: int = Field(default=50, ge=1, le=1000)
    guidance_scale: float = Field(default=4.0, ge=1.0)
    prior_steps: PriorSteps = "5"
    prior_guidance_scale: float = Field(default=4.0, ge=1.0)
    # Words that runs may start from, the broad ones: the best of them alone is a run's baseline.
    initializer_tokens: tuple[str, ...] = ()


def read_model_settings(folder: Path) -> ModelSettings:
    """Reads `murnau.yaml` of a model folder; defaults where there is none. Raises WorkerError `model.unreadable`."""
    path = folder / "murnau.yaml"
    if not path.exists():
        return ModelSettings()
    try:
        content = cast("dict[str, Any]", yaml.safe_load(path.read_text("utf-8")) or {})
        return ModelSettings.model_validate(content)
    except (yaml.YAMLError, ValidationError) as error:
        raise WorkerError("model.unreadable", f"{path} is not a model's settings: {error}") from error
