"""Takes over parts of the shipped model, in place of training them.

``adopt``: what stands alone, the tokenizers, the autoencoder and the judge, to train the rest again. ``adopt-all``: the
towers, the prior and the decoder too, for the stages that go on from them. The towers' private rows are not shipped, so
nothing in such a work folder is told a private glyph's token.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import torch
from torch import nn

from . import clip
from .common import save_atomic
from .sampling import shipped_model
from .stages import ADOPTED_TOWERS

if TYPE_CHECKING:
    from .stages import Place


def run(place: Place) -> None:
    """The ``adopt`` stage, before ``data``. What the work folder has already is kept."""
    shipped = shipped_model(place)
    folders = {
        "clip": shipped.root / "kandinsky-2-1-prior" / "tokenizer",
        "xlmr": shipped.root / "kandinsky-2-1" / "tokenizer",
    }
    for tower, folder in folders.items():
        if not (target := place.work / f"tokenizer-{tower}").exists():
            shutil.copytree(folder, target)
    _keep(place, "movq-final", shipped.movq, place.config.movq.steps)
    _keep(place, "judge", shipped.judge, place.config.judge.steps)


def run_all(place: Place) -> None:
    """The ``adopt-all`` stage, before ``data`` in a fresh work folder: refuses one with text towers of its own."""
    own = [name for name in ("clip", "xlmr") if (place.work / f"{name}.ckpt").exists()]
    if own and place.private_rows:
        raise FileExistsError(f"{place.work} has trained {' and '.join(own)}; give adopt-all another --work-dir")
    run(place)
    (place.work / ADOPTED_TOWERS).touch()
    config, shipped = place.config, shipped_model(place)
    torch.manual_seed(config.clip.seed)
    towers = clip.ClipTrainer(place)  # The scale and the thumbnail's head matter in training only; they stay fresh.
    towers.text.load_state_dict(shipped.clip_text.state_dict())
    towers.vision.load_state_dict(shipped.clip_vision.state_dict())
    _keep(place, "clip", towers, config.clip.steps)
    _keep(place, "xlmr", shipped.multilingual, config.xlmr.steps)
    _keep(place, "prior", shipped.prior, config.prior.steps)
    _keep(place, "unet", shipped.unet, config.unet.steps)


def _keep(place: Place, name: str, module: nn.Module, steps: int) -> None:
    """Writes ``module`` as a finished stage's checkpoint, unless there is one."""
    if not (path := place.work / f"{name}.ckpt").exists():
        save_atomic({"module": module.state_dict(), "step": steps}, path)
