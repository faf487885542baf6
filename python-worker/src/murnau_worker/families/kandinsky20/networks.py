"""Kandinsky 2.0's frozen parts, each read when first asked for, with the widths read from them.

Frozen weights are held in the model's dtype on its device; what goes in and comes out of the methods here is fp32.
Legend: N pictures, C latent channels, H/W pixels or latent cells.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from murnau_worker.families.kandinsky20.description import KANDINSKY20
from murnau_worker.families.kandinsky20.text_join import TextJoin
from murnau_worker.families.latent_model import LatentModel
from murnau_worker.models.checkpointing import unet_blocks
from murnau_worker.models.mt5_text import Mt5Tower
from murnau_worker.models.xlmr_text import XlmrTower, set_attention


class Networks(LatentModel):
    """Only the device thread touches the parts."""

    description = KANDINSKY20

    def _wrap(self, part: str, module: Any) -> Any:
        if part not in ("text_encoder", "text_encoder_2"):
            return module
        # At a prompt's length the plain attention's backward pass is faster than the fused one's on a CPU.
        set_attention(module, "eager" if self.device.type == "cpu" else "sdpa")
        return XlmrTower(module) if part == "text_encoder" else Mt5Tower(module)

    def _blocks(self, part: str, module: Any) -> Iterable[nn.Module]:
        match part:
            case "text_encoder":
                return module.transformer.encoder.layer
            case "text_encoder_2":
                return module.encoder.block
            case "unet":
                return unet_blocks(module)
            case _:
                return ()

    @property
    def t1(self) -> XlmrTower:
        return self._part("text_encoder")

    @property
    def t2(self) -> Mt5Tower:
        return self._part("text_encoder_2")

    def text_join(self, task: str) -> TextJoin:
        """Inpainting has one of its own, as it has a UNet."""
        return self._of_task("inpaint_text_join" if task == "inpaint" else "text_join", task)

    def unet(self, task: str) -> Any:  # Any: upstream types what modules return too widely to be of use
        return self._of_task("inpaint_unet" if task == "inpaint" else "unet", task)

    def _of_task(self, part: str, task: str) -> Any:
        """Raises WorkerError `model.task_not_served` where the model has no such part."""
        self.check_task(task)
        return self._part(part)

    @property
    def vae(self) -> Any:
        return self._part("vae")

    @torch.inference_mode()
    def encode_picture(self, pixels_NCHW: torch.Tensor) -> torch.Tensor:
        """Pictures in -1..1 → the means of their latents, one at a time: neighbours must not matter."""
        given = pixels_NCHW.to(self.device, self.dtype)
        return torch.cat([self.posterior(picture[None]).mean for picture in given]).float() * self._scale

    @torch.inference_mode()
    def sample_latents(self, pixels_1CHW: torch.Tensor, noise_NCHW: torch.Tensor) -> torch.Tensor:
        """A picture's latents [N, C, H, W] as the original takes them: drawn from what the encoder says of each."""
        posterior = self.posterior(pixels_1CHW.to(self.device, self.dtype))
        drawn_NCHW = posterior.mean.float() + posterior.std.float() * noise_NCHW.to(self.device)
        return drawn_NCHW * self._scale

    def posterior(self, pixels_NCHW: torch.Tensor) -> Any:
        """The normal distribution of each latent of pictures in the model's dtype, before they are scaled."""
        return self.vae.encode(pixels_NCHW).latent_dist

    @torch.inference_mode()
    def decode_latents(self, latents_NCHW: torch.Tensor) -> torch.Tensor:
        """Latents → pictures in -1..1 on the CPU, one at a time."""
        given = (latents_NCHW.to(self.device) / self._scale).to(self.dtype)
        return torch.cat([self.vae.decode(cells[None]).sample for cells in given]).float().cpu()

    @property
    def _scale(self) -> float:
        """By which the UNet's latents are smaller than the autoencoder's."""
        return float(self.vae.config.scaling_factor)
