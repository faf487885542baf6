"""The judge's network, built from its configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


class ConvJudge(nn.Module):
    """Per width a 3×3 convolution, group norm, ReLU and halving; then a mean over 2×2 cells and one layer.

    The same network as tools/train-small-model trains. `side`: pixels of its input's side.
    """

    def __init__(self, widths: list[int], class_count: int, side: int, norm_groups: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        before = 3
        for width in widths:
            convolution = nn.Conv2d(before, width, 3, padding=1)
            blocks += [convolution, nn.GroupNorm(norm_groups, width), nn.ReLU(), nn.MaxPool2d(2)]
            before = width
        self.features = nn.Sequential(*blocks)
        self.shrink = nn.AvgPool2d(2)
        cells = (side // 2 ** len(widths) // 2) ** 2
        self.classify = nn.Linear(before * cells, class_count)

    def forward(self, pictures_N3HW: torch.Tensor) -> torch.Tensor:
        """Logits [N, K] of pictures in -1..1."""
        return self.classify(self.shrink(self.features(pictures_N3HW)).flatten(1))


def _conv_judge(config: dict[str, Any]) -> nn.Module:
    return ConvJudge(
        list(config["widths"]), len(config["classes"]), int(config["input_size"]), int(config["norm_groups"])
    )


NETWORKS: dict[str, Callable[[dict[str, Any]], nn.Module]] = {"conv-groupnorm-relu-maxpool": _conv_judge}


def build_network(config: dict[str, Any]) -> nn.Module:
    """The network of a judge's `config.json`. Raises KeyError for an architecture that is not known."""
    return NETWORKS[config["arch"]](config)
