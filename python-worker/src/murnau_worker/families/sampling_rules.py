"""What options of a family may change of how its models draw."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SamplingRules:
    """What a family's options may change of a drawing.

    `takes_eta`: DDIM's eta counts. `pastes_kept`: what inpainting keeps is the picture's own latents again at the end.
    `squashes`: a picture drawn upon is scaled to the model's square, where no size is asked for.
    """

    takes_eta: bool = True
    pastes_kept: bool = True
    squashes: bool = False
