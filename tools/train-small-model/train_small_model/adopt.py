"""Turns the shipped fp16 weights back into checkpoints, to train on where no work folder is left.

Optimizer state and the private rows are not shipped: optimizers start afresh, and private glyphs lose their tokens
(their rows are zero, which makes the decoder's batches treat them as picture-only).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from . import clip, xlmr
from .common import save_atomic
from .glyphs import judge_classes
from .sampling import Shipped

if TYPE_CHECKING:
    from .stages import Place


def run(place: Place) -> None:
    """The ``adopt`` stage; needs the ``data`` stage. Existing checkpoints are kept."""
    shipped = Shipped(place.repository / "models" / "kandinsky-2.1-small")
    towers, multilingual = clip.ClipTrainer(place), xlmr.build(place)
    _fill(towers.text, shipped.clip_text.state_dict())
    _fill(towers.vision, shipped.clip_vision.state_dict())
    _fill(multilingual, shipped.multilingual.state_dict())
    _keep(place, "clip", towers, place.config.clip.steps)
    _keep(place, "xlmr", multilingual, place.config.xlmr.steps)
    _keep(place, "movq-final", shipped.movq, place.config.movq.steps)
    _keep(place, "prior", shipped.prior, place.config.prior.steps)
    _keep(place, "unet", shipped.unet, place.config.unet.steps)
    if len(shipped.classes) == len(judge_classes(place.glyphs)):
        _keep(place, "judge", shipped.judge, place.config.judge.steps)


def _fill(module: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Loads ``state``; a table with more rows than the stored one gets zeros in the rest."""
    own = module.state_dict()
    for name, tensor in state.items():
        if own[name].shape != tensor.shape:
            grown = torch.zeros_like(own[name])
            grown[: len(tensor)] = tensor
            state = {**state, name: grown}
    module.load_state_dict(state, strict=False)


def _keep(place: Place, name: str, module: nn.Module, step: int) -> None:
    path = place.work / f"{name}.ckpt"
    if path.exists():
        print(f"adopt: kept {path.name}")
        return
    save_atomic({"module": module.state_dict(), "average": module.state_dict(), "step": step}, path)
