"""A tiny random judge of two classes and the rest, beside the tiny model."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from murnau_worker.scoring.judge_network import build_network

CONFIG = {
    "arch": "conv-groupnorm-relu-maxpool",
    "input_size": 64,
    "widths": [8, 8],
    "norm_groups": 4,
    "classes": ["cat", "dog", "others"],
    "background": {
        "border_pixels": 3,
        "colours": {"white": [255, 255, 255], "blue": [50, 100, 220], "red": [215, 40, 40]},
    },
}


def write_tiny_judge(folder: Path) -> None:
    torch.manual_seed(1)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    save_file(build_network(CONFIG).state_dict(), folder / "model.safetensors")
