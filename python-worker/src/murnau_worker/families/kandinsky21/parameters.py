"""Kandinsky 2.1's own training parameters and drawing options. Loads no torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from murnau_worker.core.spec import FamilyParameters, SpecRule, TrainingSpec
from murnau_worker.families.description import FamilyOptions
from murnau_worker.sampling.prior_schedule import ALLOWED_RESPACING, prior_schedule
from murnau_worker.sampling.tables import TRAINING_STEPS

Pooling = Literal["eot", "argmax"]


class Kandinsky21Parameters(FamilyParameters):
    """Of its training. See the fields' descriptions."""

    prior_share: float = Field(default=0.5, gt=0, lt=1, description="share of the split steps that train t2")
    warm_steps: int = Field(
        default=60, ge=2, le=1_000_000, description="split steps before the joint ones of warm_joint"
    )
    pooling: Pooling = Field(default="eot", description="token whose feature CLIP pools")
    text_dropout: bool = Field(default=False, description="XLM-R's dropout, as in the reference")
    prior_steps: int = Field(default=5, ge=1, le=100, description="steps of the prior within each training step")

    @property
    def embedding_pooling(self) -> str:
        return self.pooling

    @property
    def has_dropout(self) -> bool:
        return self.text_dropout


def parameters_of(spec: TrainingSpec) -> Kandinsky21Parameters:
    parameters = spec.objective.parameters
    assert isinstance(parameters, Kandinsky21Parameters), "read_spec reads them by the family of the model"
    return parameters


RULES = (
    SpecRule(
        "warm_steps",
        "must be less than max_steps, or no joint step follows",
        lambda spec: spec.objective.name != "warm_joint" or parameters_of(spec).warm_steps < spec.max_steps,
        lambda spec: parameters_of(spec).warm_steps,
    ),
    SpecRule(
        "max_steps",
        "must be at least 2 for the objective split: one step for each tower",
        lambda spec: spec.objective.name != "split" or spec.optimizer.schedule_steps >= 2,
        lambda spec: spec.optimizer.schedule_steps,
    ),
)


def _check_respacing(value: object) -> str:
    text = str(value)
    try:
        prior_schedule(text)
    except ValueError as error:
        raise PydanticCustomError(
            "respacing", "{reason}", {"reason": str(error), "allowed": ALLOWED_RESPACING}
        ) from error
    return text


# A count, "ddimN" or counts of sections; a YAML file may hold a bare number.
Respacing = Annotated[str, BeforeValidator(_check_respacing)]
Prompt = Annotated[str, Field(min_length=1, max_length=10_000)]


class Kandinsky21Options(FamilyOptions):
    """Of its drawings. See the fields' descriptions."""

    prior_steps: Respacing | None = Field(
        default=None,
        description="prior steps: 25, ddim25, or 10,5 for sections",
        json_schema_extra={"format": "timestep-respacing", "timesteps": TRAINING_STEPS},
    )
    prior_guidance_scale: float | None = Field(default=None, ge=1, le=100, description="prior guidance")
    negative_prior_prompt: Prompt | None = Field(
        default=None, description="what the prior keeps away from", json_schema_extra={"format": "prompt"}
    )
    negative_decoder_prompt: Prompt | None = Field(
        default=None, description="what the decoder keeps away from", json_schema_extra={"format": "prompt"}
    )
    reference_quirks: bool = Field(default=False, description="follow the original where that is wrong")


def options_of(options: FamilyOptions) -> Kandinsky21Options:
    assert isinstance(options, Kandinsky21Options), "read_drawing reads them by the family of the model"
    return options
