"""Copies of model folders that a test may change: links to the files, so that they cost nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import nn


def linked_copy(source: Path, target: Path) -> Path:
    """A copy whose files are links; replace one by `unlink` and writing it anew."""
    for path in source.rglob("*"):
        there = target / path.relative_to(source)
        if path.is_dir():
            there.mkdir(parents=True, exist_ok=True)
        else:
            there.parent.mkdir(parents=True, exist_ok=True)
            os.symlink(path.resolve(), there)
    return target


class _Branch(nn.Module):
    """A module without code of its own."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def script_archive(tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Saves tensors with dotted names as the module they belong to, in TorchScript's form, as OpenAI's CLIP comes."""
    root = _Branch()
    for name, value in tensors.items():
        *owners, last = name.split(".")
        owner: nn.Module = root
        for part in owners:
            if not hasattr(owner, part):
                owner.add_module(part, _Branch())
            owner = getattr(owner, part)
        owner.register_parameter(last, nn.Parameter(value, requires_grad=False))
    scripted: Any = torch.jit.script(root)
    torch.jit.save(scripted, str(path))
