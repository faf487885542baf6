"""What a run learns and how: fixed at the run's creation, checked before any work starts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, model_validator

TranslatedSet = Literal["object", "style"]
TemplateSet = Literal["object", "style", "captions"]
TemplateLanguage = Literal["en", "de", "fr", "ru"]
OptimizerName = Literal["adamw", "adam", "nadam", "radam", "adamax", "adagrad", "rmsprop", "sgd"]

# Limits are those of libs/domain: a test of each side reads the same cases.
_LARGEST_SEED = 2**53 - 1
_MOST_STEPS = 1_000_000
_LARGEST_BATCH = 256  # samples of one optimizer step
LARGEST_NUM_VECTORS = 16

LearningRate = Annotated[float, Field(gt=0, le=100)]
Words = Annotated[str, Field(min_length=1, max_length=64)]
SamplePrompt = Annotated[str, Field(max_length=500)]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FamilyParameters(Frozen):
    """Training parameters that only one family has: each family with its own subclass.

    The properties are what training asks of every family's.
    """

    @property
    def embedding_pooling(self) -> str:
        """How a text tower pools texts with the learnt word; it travels with the embedding. Empty: the usual way."""
        return ""

    @property
    def has_dropout(self) -> bool:
        """Whether text towers train with dropout. It draws from the device's own generator."""
        return False


class ConceptSpec(Frozen):
    """The word that a run teaches, and what its rows start from. `initializers`: of single towers, by name."""

    placeholder_token: str
    initializer_token: Words
    initializers: Mapping[str, Words] = Field(default_factory=dict[str, str])
    num_vectors: int = Field(default=1, ge=1, le=LARGEST_NUM_VECTORS)


class ObjectiveSpec(Frozen):
    """The loss of a run. `name`: one of the family's objectives."""

    name: str
    parameters: SerializeAsAny[FamilyParameters]
    loss_weight: Literal["uniform", "min_snr"] = "uniform"
    min_snr_gamma: float = Field(default=5.0, gt=0, le=1000)
    loss_mask: Literal["none", "alpha", "file"] = "none"
    loss_mask_floor: float = Field(default=0.0, ge=0, le=1)


class OptimizerSpec(Frozen):
    """How the rows move. `learning_rates`: of each tower's rows, by name, in the family's order."""

    name: OptimizerName = "adamw"
    learning_rates: Mapping[str, LearningRate]
    learning_rate_unit: Literal["relative", "absolute"] = "relative"
    schedule: Literal["constant", "cosine", "linear"] = "constant"
    schedule_steps: int = Field(ge=1, le=_MOST_STEPS)
    warmup_steps: int = Field(default=0, ge=0, le=_MOST_STEPS)
    weight_decay: float = Field(default=0.01, ge=0, le=1)
    batch_size: int = Field(default=1, ge=1, le=64)
    gradient_accumulation_steps: int = Field(default=1, ge=1, le=64)
    norm: Literal["free", "vocabulary"] = "free"
    ema_decay: float = Field(default=0.0, ge=0, le=0.9999)

    @property
    def effective_batch(self) -> int:
        """Samples of one optimizer step."""
        return self.batch_size * self.gradient_accumulation_steps


class DataSpec(Frozen):
    """What a run learns from, beside its pictures."""

    resize: Literal["squash", "crop", "bucket"] = "squash"
    flip_probability: float = Field(default=0.5, ge=0, le=1)
    templates: TemplateSet = "object"
    template_languages: tuple[TemplateLanguage, ...] = Field(default=("en",), min_length=1)


class EvaluationSpec(Frozen):
    """What a run is judged by, and what it publishes."""

    every_steps: int = Field(default=0, ge=0, le=_MOST_STEPS)  # 0: at the run's last step only
    publish: Literal["averaged", "last", "best"] = "averaged"
    stop_at_plateau: bool = False


class SampleSpec(Frozen):
    """Pictures drawn from the averaged rows on the way (`seed`) and at the end (`final_seed`)."""

    every_steps: int = Field(default=0, ge=0, le=_MOST_STEPS)  # 0: none on the way
    prompts: tuple[SamplePrompt, ...] = Field(default=("a photo of a {placeholder}",), max_length=16)
    per_prompt: int = Field(default=1, ge=1, le=16)
    seed: int = Field(default=7, ge=0, le=_LARGEST_SEED)
    final_count: int = Field(default=0, ge=0, le=64)  # 0: none at the end
    final_seed: int = Field(default=1007, ge=0, le=_LARGEST_SEED)
    num_steps: int = Field(default=0, ge=0, le=1000)  # 0: the model's default
    guidance_scale: float = Field(default=0.0, ge=0.0, le=100)  # 0: the model's default

    @model_validator(mode="after")
    def _prompts_hold_the_word(self) -> SampleSpec:
        for prompt in self.prompts:
            if "{placeholder}" not in prompt:
                raise ValueError(f'sample prompt "{prompt}" does not contain {{placeholder}}')
        if not self.prompts and (self.every_steps or self.final_count):
            raise ValueError("samples are wanted but there is no prompt")
        return self


class TrainingSpec(Frozen):
    """A run's specification, in sections as in the proto; defaults are the reference script's where it has them.

    A run's stored state is tied to what differs from the defaults (`spec_hash`): a default, once released, stays.
    """

    model: str = Field(min_length=1)
    concept: ConceptSpec
    objective: ObjectiveSpec
    optimizer: OptimizerSpec
    data: DataSpec = DataSpec()
    evaluation: EvaluationSpec = EvaluationSpec()
    samples: SampleSpec = SampleSpec()
    max_steps: int = Field(ge=1, le=_MOST_STEPS)
    seed: int = Field(default=0, ge=0, le=_LARGEST_SEED)
    packing: Literal["packed", "exclusive"] = "packed"
    checkpoint_every_steps: int = Field(default=25, ge=1, le=10_000)

    @property
    def is_exclusive(self) -> bool:
        """Whether it is alone in its batch."""
        return self.packing == "exclusive" or self.objective.parameters.has_dropout

    @property
    def pooling(self) -> str:
        """See `FamilyParameters.embedding_pooling`."""
        return self.objective.parameters.embedding_pooling


@dataclass(frozen=True)
class SpecRule:
    """A rule across fields. `field`: the one to change, by the name that people write; `problem`: what it must be."""

    field: str
    problem: str
    holds: Callable[[TrainingSpec], bool]
    given: Callable[[TrainingSpec], object]


SPEC_RULES = (
    SpecRule(
        "gradient_accumulation_steps",
        f"must leave batch_size × gradient_accumulation_steps at {_LARGEST_BATCH} or less",
        lambda spec: spec.optimizer.effective_batch <= _LARGEST_BATCH,
        lambda spec: spec.optimizer.gradient_accumulation_steps,
    ),
    SpecRule(
        "eval.every_steps",
        "must be above 0 where stop_when.plateau looks at the evaluations",
        lambda spec: not spec.evaluation.stop_at_plateau or spec.evaluation.every_steps > 0,
        lambda spec: spec.evaluation.every_steps,
    ),
)
