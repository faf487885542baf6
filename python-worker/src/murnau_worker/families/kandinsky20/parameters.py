"""Kandinsky 2.0's own drawing options. Loads no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from murnau_worker.families.description import FamilyOptions

DenoisedType = Literal["dynamic_threshold", "clip_denoised"]


class Kandinsky20Options(FamilyOptions):
    """Of its drawings. See the fields' descriptions."""

    denoised_type: DenoisedType | None = Field(default=None, description="how predicted pictures are limited")
    dynamic_threshold_v: float | None = Field(default=None, ge=0, le=100, description="percentile of dynamic_threshold")
    reference_quirks: bool = Field(default=True, description="follow the original where that is wrong")


def options_of(options: FamilyOptions) -> Kandinsky20Options:
    assert isinstance(options, Kandinsky20Options), "read_drawing reads them by the family of the model"
    return options
