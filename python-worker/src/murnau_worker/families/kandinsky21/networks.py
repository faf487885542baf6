"""Kandinsky 2.1's frozen parts, each read when first asked for, with the widths read from them.

Frozen weights are held in the model's dtype on its device; what goes in and comes out of the methods here is fp32.
Legend: N pictures, C latent channels (4), H/W pixels or latent cells, E width of CLIP's joint space.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import torch
from PIL import Image
from torch import nn

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.kandinsky21.description import KANDINSKY21
from murnau_worker.families.latent_model import LatentModel
from murnau_worker.models.checkpointing import unet_blocks
from murnau_worker.models.clip_picture import ClipNormalisation, ClipSource, clip_pixels
from murnau_worker.models.clip_text import ClipTextTower
from murnau_worker.models.model_parts import LoadingProgress
from murnau_worker.models.prior_network import PriorNetwork, TextKeys
from murnau_worker.models.xlmr_text import XlmrTower, set_attention


class Networks(LatentModel):
    """Only the device thread touches the parts."""

    description = KANDINSKY21

    # Small constants made by parts, kept when these leave memory. They hold none of a part's tensors.
    _zero_image_1E: torch.Tensor | None = None
    _empty_keys: TextKeys | None = None
    _embedding_width: int | None = None

    def _wrap(self, part: str, module: Any) -> Any:
        match part:
            case "text_encoder" | "clip_text":
                # At a prompt's length the plain attention's backward pass is faster than the fused one's on a CPU.
                set_attention(module, "eager" if self.device.type == "cpu" else "sdpa")
                return XlmrTower(module) if part == "text_encoder" else ClipTextTower(module)
            case "prior":
                return PriorNetwork(module, self.checkpointing)
            case _:
                return module

    def _blocks(self, part: str, module: Any) -> Iterable[nn.Module]:
        match part:
            case "text_encoder":
                return module.transformer.encoder.layer
            case "clip_text":
                return module.text_model.encoder.layers
            case "unet":
                return unet_blocks(module)
            case _:  # the prior runs its own
                return ()

    @property
    def t1(self) -> XlmrTower:
        return self._part("text_encoder")

    @property
    def t2(self) -> ClipTextTower:
        return self._part("clip_text")

    @property
    def clip_image(self) -> Any:  # Any: upstream types what modules return too widely to be of use
        return self._part("clip_image")

    @property
    def prior(self) -> PriorNetwork:
        return self._part("prior")

    @property
    def unet(self) -> Any:
        return self._part("unet")

    @property
    def inpaint_unet(self) -> Any:
        """The UNet of 9 input channels. Raises WorkerError `model.task_not_served` where the model has none."""
        self.check_task("inpaint")
        return self._part("inpaint_unet")

    @property
    def movq(self) -> Any:
        return self._part("movq")

    def prepare(self, task: str, on_progress: LoadingProgress | None = None) -> Iterator[str]:
        yield from super().prepare(task, on_progress)
        if task != "train":
            self.zero_image_embedding()

    def _needed(self, task: str) -> list[str]:
        needed = super()._needed(task)
        if task != "fuse" and self._zero_image_1E is not None and "clip_image" in needed:
            needed.remove("clip_image")  # the other tasks want nothing of it but that constant
        return needed

    @cached_property
    def clip_normalisation(self) -> ClipNormalisation:
        """How the image tower wants its pictures. Raises WorkerError `model.unreadable`."""
        assert isinstance(self.source, ClipSource), "each of the family's layouts has it"
        return self.source.read_clip_normalisation()

    # Kept from a run's start: its samples are drawn and packed while the parts that say it may be gone.

    @cached_property
    def t1_pad_id(self) -> int:
        return self.t1.pad_id

    @property
    def embedding_width(self) -> int:
        """Width of CLIP's joint space."""
        if self._embedding_width is None:
            self._embedding_width = self.prior.embedding_width
        return self._embedding_width

    def embed_picture(self, picture: Image.Image) -> torch.Tensor:
        """CLIP's embedding [1, E] of a picture, in fp32."""
        side = int(self.clip_image.config.image_size)
        return self.embed_pictures(clip_pixels(picture, side, self.clip_normalisation))

    @torch.no_grad()
    def embed_pictures(self, pixels_NCHW: torch.Tensor) -> torch.Tensor:
        """CLIP's embeddings [N, E] of pictures that have the tower's size and normalisation already."""
        found: torch.Tensor = self.clip_image(pixels_NCHW.to(self.device, self.dtype)).image_embeds
        return found.float()

    def zero_image_embedding(self) -> torch.Tensor:
        """CLIP's embedding of an all-zero picture [1, E]: what the decoder is steered away from."""
        if self._zero_image_1E is None:
            side = int(self.clip_image.config.image_size)
            with torch.inference_mode(False):  # it outlives the caller's
                self._zero_image_1E = self.embed_pictures(torch.zeros(1, 3, side, side))
        return self._zero_image_1E

    def empty_text_keys(self) -> TextKeys:
        """The empty prompt's keys in the prior, batch 1; computed once, not in inference mode: training reads them."""
        if self._empty_keys is None:
            with torch.inference_mode(False), torch.no_grad():
                ids = torch.tensor([self.empty_prompt_t2()])
                self._empty_keys = self.prior.encode_text(self.t2.encode(ids, ids >= 0, None, "eot"))
        return self._empty_keys

    def empty_prompt_t2(self) -> tuple[int, ...]:
        """Start and end token of CLIP's text tower: a tokenizer is right where a configuration is not (eos 2)."""
        try:
            return self.tokenizers["t2"].with_ends(())
        except WorkerError:  # a folder without tokenizers can still be computed with by ids
            config: Any = self.t2.encoder.config
            return (config.bos_token_id, config.eos_token_id)

    @torch.inference_mode()
    def encode_picture(self, pixels_NCHW: torch.Tensor) -> torch.Tensor:
        """Pictures in -1..1 → latents, one at a time: what a picture's latent is must not depend on its neighbours."""
        movq, given = self.movq, pixels_NCHW.to(self.device, self.dtype)
        return torch.cat([movq.encode(picture[None]).latents for picture in given]).float()

    @torch.inference_mode()
    def decode_latents(self, latents_NCHW: torch.Tensor) -> torch.Tensor:
        """Latents → pictures in -1..1 on the CPU, one at a time; the original never quantises here."""
        movq, given = self.movq, latents_NCHW.to(self.device, self.dtype)
        return torch.cat([movq.decode(cells[None], force_not_quantize=True).sample for cells in given]).float().cpu()
