"""Takes over from the shipped model what stands alone: the tokenizers, the autoencoder and the judge.

The other parts learnt the private tokens too, whose rows are not shipped; they are trained again.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from .common import save_atomic
from .sampling import Shipped

if TYPE_CHECKING:
    from .stages import Place


def run(place: Place) -> None:
    """The ``adopt`` stage, before ``data``. What the work folder has already is kept."""
    root = place.repository / "models" / "kandinsky-2.1-small"
    shipped = Shipped(root)
    folders = {"clip": root / "kandinsky-2-1-prior" / "tokenizer", "xlmr": root / "kandinsky-2-1" / "tokenizer"}
    for tower, folder in folders.items():
        if not (target := place.work / f"tokenizer-{tower}").exists():
            shutil.copytree(folder, target)
    steps = {"movq-final": place.config.movq.steps, "judge": place.config.judge.steps}
    for name, module in {"movq-final": shipped.movq, "judge": shipped.judge}.items():
        if not (path := place.work / f"{name}.ckpt").exists():
            save_atomic({"module": module.state_dict(), "step": steps[name]}, path)
