"""What a run learns and how: fixed at the run's creation, checked before any work starts."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

# Which place of a text a tower's sentence embedding is read from.
Pooling = Literal["eot", "argmax"]
TranslatedSet = Literal["object", "style"]
TemplateSet = Literal["object", "style", "captions"]
TemplateLanguage = Literal["en", "de", "fr", "ru"]
OptimizerName = Literal["adamw", "adam", "nadam", "radam", "adamax", "adagrad", "rmsprop", "sgd"]

Objective = Literal["joint", "split", "warm_joint"]

_LARGEST_SEED = 2**53 - 1
LARGEST_NUM_VECTORS = 16


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SampleSpec(Frozen):
    """Pictures drawn from the averaged rows on the way (`seed`) and at the end (`final_seed`)."""

    every_steps: int = Field(default=0, ge=0)  # 0: none on the way
    prompts: tuple[str, ...] = Field(default=("a photo of a {placeholder}",), max_length=16)
    per_prompt: int = Field(default=1, ge=1, le=16)
    seed: int = Field(default=7, ge=0, le=_LARGEST_SEED)
    final_count: int = Field(default=0, ge=0, le=64)  # 0: none at the end
    final_seed: int = Field(default=1007, ge=0, le=_LARGEST_SEED)
    num_steps: int = Field(default=0, ge=0, le=1000)  # 0: the model's default
    guidance_scale: float = Field(default=0.0, ge=0.0)  # 0: the model's default

    @model_validator(mode="after")
    def _prompts_hold_the_word(self) -> SampleSpec:
        for prompt in self.prompts:
            if "{placeholder}" not in prompt:
                raise ValueError(f'sample prompt "{prompt}" does not contain {{placeholder}}')
        if not self.prompts and (self.every_steps or self.final_count):
            raise ValueError("samples are wanted but there is no prompt")
        return self


class TrainingSpec(Frozen):
    """A run's specification, as in the proto; defaults are the reference script's where it has them."""

    model: str = Field(min_length=1)
    placeholder_token: str
    initializer_token: str = Field(min_length=1, max_length=64)
    initializer_t1: str = Field(default="", max_length=64)  # empty: initializer_token
    initializer_t2: str = Field(default="", max_length=64)
    num_vectors: int = Field(default=1, ge=1, le=LARGEST_NUM_VECTORS)
    objective: Objective = "joint"
    prior_share: float = Field(default=0.5, gt=0, lt=1)
    warm_steps: int = Field(default=60, ge=2)
    pooling: Pooling = "eot"
    learning_rate_t1: float = Field(gt=0, le=100, allow_inf_nan=False)
    learning_rate_t2: float = Field(gt=0, le=100, allow_inf_nan=False)
    learning_rate_unit: Literal["relative", "absolute"] = "relative"
    schedule: Literal["constant", "cosine", "linear"] = "constant"
    schedule_steps: int = Field(ge=1)
    warmup_steps: int = Field(default=0, ge=0)
    optimizer: OptimizerName = "adamw"
    loss_weight: Literal["uniform", "min_snr"] = "uniform"
    min_snr_gamma: float = Field(default=5.0, gt=0)
    weight_decay: float = Field(default=0.01, ge=0, le=1)
    batch_size: int = Field(default=1, ge=1, le=64)
    gradient_accumulation_steps: int = Field(default=1, ge=1, le=64)
    max_steps: int = Field(ge=1)
    seed: int = Field(default=0, ge=0, le=_LARGEST_SEED)
    resize: Literal["squash", "crop", "bucket"] = "squash"
    flip_probability: float = Field(default=0.5, ge=0, le=1)
    loss_mask: Literal["none", "alpha", "file"] = "none"
    loss_mask_floor: float = Field(default=0.0, ge=0, le=1)
    templates: TemplateSet = "object"
    template_languages: tuple[TemplateLanguage, ...] = Field(default=("en",), min_length=1)
    text_dropout: bool = False
    norm: Literal["free", "vocabulary"] = "free"
    ema_decay: float = Field(default=0.0, ge=0, lt=1)
    prior_steps: int = Field(default=5, ge=1, le=100)
    packing: Literal["packed", "exclusive"] = "packed"
    publish: Literal["averaged", "last", "best"] = "averaged"
    stop_at_plateau: bool = False
    checkpoint_every_steps: int = Field(default=25, ge=1)
    eval_every_steps: int = Field(default=0, ge=0)  # 0: at the run's last step only
    samples: SampleSpec = SampleSpec()

    @property
    def effective_batch(self) -> int:
        """Samples of one optimizer step."""
        return self.batch_size * self.gradient_accumulation_steps

    @property
    def is_exclusive(self) -> bool:
        """Whether it is alone in its batch: dropout draws from the device's own generator."""
        return self.packing == "exclusive" or self.text_dropout
