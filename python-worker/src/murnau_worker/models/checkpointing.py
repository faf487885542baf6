"""Memory for time in training: blocks that keep their inputs only and are computed again in the backward pass.

Source: Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost". The same kernels run on the same numbers, so
that gradients are the same to the bit; a joint step of the published size has 1.4 times the arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Literal

import torch
from diffusers.models.attention_processor import Attention
from diffusers.models.resnet import ResnetBlock2D
from torch import nn
from torch.utils.checkpoint import checkpoint

Checkpointing = Literal["auto", "on", "off"]

_LARGE_SHARE = 1 / 3  # of a GPU's memory: weights above it leave few samples room for what they would keep


class BlockCheckpointing:
    """Whether a model's blocks are computed again, and the way to run one.

    auto: on a GPU, where the weights that a joint step needs take more than a third of its memory, or parts are
    offloaded. Never on a CPU, where time is shorter than memory.
    """

    def __init__(
        self, setting: Checkpointing, device: torch.device, *, is_offloading: bool, weights_bytes: Callable[[], int]
    ) -> None:
        """`weights_bytes`: of the parts of a joint step, as far as they were loaded before."""
        self.is_possible = setting == "on" or (setting == "auto" and device.type == "cuda")
        self._is_certain = setting == "on" or is_offloading
        self._weights_bytes = weights_bytes
        is_measured = self.is_possible and not self._is_certain
        self._device_bytes = torch.cuda.get_device_properties(device).total_memory if is_measured else 0

    @property
    def is_on(self) -> bool:
        return self.is_possible and (
            self._is_certain or fills_much(self._weights_bytes(), device_bytes=self._device_bytes)
        )

    def run(self, block: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The block's outputs. It must draw nothing at random: the generator is not put back for its second time."""
        if not (self.is_on and torch.is_grad_enabled()):
            return block(*args, **kwargs)
        return checkpoint(block, *args, use_reentrant=False, preserve_rng_state=False, **kwargs)

    def cover(self, blocks: Iterable[nn.Module]) -> None:
        """Makes blocks run so, where the setting may ever want it."""
        if self.is_possible:
            for block in blocks:
                block.forward = partial(self._forward, block, block.forward)

    def _forward(self, block: nn.Module, forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if block.training:  # with dropout
            return forward(*args, **kwargs)
        return self.run(forward, *args, **kwargs)


def fills_much(weights_bytes: int, *, device_bytes: int) -> bool:
    """Whether weights leave a device little room."""
    return weights_bytes > _LARGE_SHARE * device_bytes


def unet_blocks(unet: nn.Module) -> Iterable[nn.Module]:
    """Attention, with its keys of the text, and what lies between: neither holds one of the other."""
    return (module for module in unet.modules() if isinstance(module, Attention | ResnetBlock2D))
