"""A model folder's own settings (`murnau.yaml`), all optional."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.description import FamilyDescription, FamilyOptions, JsonValue


class ModelSettings(BaseModel):
    """What a worker reads of `murnau.yaml`; the file may hold more (licence, figures), which is not the worker's.

    Sampling defaults are the family's where the folder says nothing. `options`: defaults of the family's own drawing
    options, which lie beside the others in the file.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    image_size: int = Field(default=0, ge=0)  # pixels; 0: as the UNet's configuration says
    num_steps: int = Field(ge=1, le=1000)
    guidance_scale: float = Field(ge=1.0)
    # Words that runs may start from, the broad ones: the best of them alone is a run's baseline.
    initializer_tokens: tuple[str, ...] = ()
    options: FamilyOptions = FamilyOptions()

    def drawing_defaults(self, family: FamilyDescription) -> dict[str, JsonValue]:
        """What a drawing has that leaves an option out, by the option's name."""
        own = {name: getattr(self.options, name) for name in family.drawing_defaults}
        return {"num_steps": self.num_steps, "guidance_scale": self.guidance_scale, **own}


def default_settings(family: FamilyDescription) -> ModelSettings:
    """Of a folder that says nothing."""
    return ModelSettings(
        num_steps=family.num_steps,
        guidance_scale=family.guidance_scale,
        options=family.options.model_validate(family.drawing_defaults),
    )


def read_model_settings(folder: Path, family: FamilyDescription) -> ModelSettings:
    """Reads `murnau.yaml` of a model folder; defaults where there is none. Raises WorkerError `model.unreadable`."""
    path = folder / "murnau.yaml"
    if not path.exists():
        return default_settings(family)
    try:
        content = cast("dict[str, Any]", yaml.safe_load(path.read_text("utf-8")) or {})
        of_family = {name: content.pop(name, default) for name, default in family.drawing_defaults.items()}
        options = family.options.model_validate(of_family)
        of_all = {"num_steps": family.num_steps, "guidance_scale": family.guidance_scale, **content}
        return ModelSettings.model_validate({**of_all, "options": options})
    except (yaml.YAMLError, ValidationError) as error:
        raise WorkerError("model.unreadable", f"{path} is not a model's settings: {error}") from error
