"""The judge: a small classifier trained apart from the model, which scores its pictures.

The model's own image tower never scores: it conditions the decoder and flatters what it drew.
Legend: N pictures, K classes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from safetensors.torch import load_file
from torch import nn

from murnau_worker.core.errors import WorkerError
from murnau_worker.scoring.judge_network import build_network


@dataclass(frozen=True)
class Judge:
    """A classifier of pictures; its last class is everything that has no class.

    `backgrounds`: colours 0..255 by name, the nearest of which a border `border_pixels` wide is called.
    """

    name: str
    classes: tuple[str, ...]
    image_size: int
    backgrounds: dict[str, tuple[float, float, float]]
    border_pixels: int
    network: nn.Module

    @torch.inference_mode()
    def probabilities(self, pictures_N3HW: torch.Tensor) -> torch.Tensor:
        """Class probabilities [N, K] of pictures in -1..1 of any size."""
        size = (self.image_size, self.image_size)
        if tuple(pictures_N3HW.shape[-2:]) != size:
            pictures_N3HW = nn.functional.interpolate(pictures_N3HW, size=size, mode="bicubic", antialias=True)
        return self.network(pictures_N3HW.clamp(-1, 1)).softmax(-1)


def read_judge(folder: Path) -> Judge | None:
    """Reads `config.json` and `model.safetensors`; absent folder: no judge. Raises WorkerError `model.unreadable`."""
    if not (folder / "config.json").is_file():
        return None
    try:
        config = cast("dict[str, Any]", json.loads((folder / "config.json").read_text("utf-8")))
        network = build_network(config)
        network.load_state_dict({key: value.float() for key, value in load_file(folder / "model.safetensors").items()})
        background = cast("dict[str, Any]", config.get("background", {}))
        return Judge(
            name=str(config.get("name", f"{config['arch']}-{len(config['classes'])}")),
            classes=tuple(config["classes"]),
            image_size=int(config["input_size"]),
            backgrounds={name: tuple(colour) for name, colour in background.get("colours", {}).items()},
            border_pixels=int(background.get("border_pixels", 3)),
            network=network.eval().requires_grad_(False),
        )
    except (OSError, KeyError, ValueError, RuntimeError, TypeError) as error:
        raise WorkerError("model.unreadable", f"the judge in {folder} can not be read: {error!r}") from error
