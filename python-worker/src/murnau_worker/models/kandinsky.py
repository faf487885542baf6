"""Kandinsky 2.1 in memory: its frozen parts, with the widths read from them.

Legend: N pictures, C latent channels (4), H/W pixels or latent cells, E width of CLIP's joint space.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from diffusers import PriorTransformer, UNet2DConditionModel, VQModel
from diffusers.pipelines.kandinsky.text_encoder import MultilingualCLIP
from torch import nn
from transformers import CLIPTextModelWithProjection, CLIPVisionModelWithProjection

from murnau_worker.errors import WorkerError
from murnau_worker.models.clip_normalisation import ClipNormalisation
from murnau_worker.models.config import ModelConfig
from murnau_worker.models.prior_network import PriorNetwork, TextKeys
from murnau_worker.models.text_towers import T1Tower, T2Tower
from murnau_worker.models.words import WordTokenizers
from murnau_worker.sampling.decoder import DecoderCondition


@dataclass(frozen=True)
class KandinskyParts:
    """The parts as a layout's reader gives them. `tokenizers` is absent where a layout ships none."""

    text_encoder: MultilingualCLIP
    clip_text: CLIPTextModelWithProjection
    clip_image: CLIPVisionModelWithProjection
    prior: PriorTransformer
    unet: UNet2DConditionModel
    movq: VQModel
    tokenizers: WordTokenizers | None
    inpaint_unet: UNet2DConditionModel | None = None
    clip_normalisation: ClipNormalisation = field(default_factory=ClipNormalisation)


@dataclass(frozen=True)
class VocabularyScale:
    """How large a tower's vocabulary rows are: the unit of relative learning rates and the norm learnt rows keep to."""

    rms: float
    median_norm: float


def vocabulary_scale(table_VD: torch.Tensor) -> VocabularyScale:
    """Root mean square of a table's values, and the median norm of its rows."""
    norms_V = torch.linalg.vector_norm(table_VD.detach(), dim=1, dtype=torch.float64)
    return VocabularyScale(
        rms=float((norms_V.square().mean() / table_VD.shape[1]).sqrt()), median_norm=float(norms_V.median())
    )


class Kandinsky:
    """A loaded model. Only the device thread touches it."""

    def __init__(self, parts: KandinskyParts, config: ModelConfig, fingerprint: str) -> None:
        modules: list[nn.Module] = [
            parts.text_encoder,
            parts.clip_text,
            parts.clip_image,
            parts.prior,
            parts.unet,
            parts.movq,
        ]
        if parts.inpaint_unet is not None:
            modules.append(parts.inpaint_unet)
        for module in modules:
            module.requires_grad_(False).eval()
        self.config = config
        self.fingerprint = fingerprint
        self.t1 = T1Tower(parts.text_encoder)
        self.t2 = T2Tower(parts.clip_text)
        self.clip_image: Any = parts.clip_image  # Any: upstream types what these return too widely to be of use
        self.prior = PriorNetwork(parts.prior)
        self.device = torch.device("cpu")
        self.clip_normalisation = parts.clip_normalisation
        self.unet: Any = parts.unet
        self._inpaint_unet = parts.inpaint_unet
        self.movq: Any = parts.movq
        self.scale_t1 = vocabulary_scale(self.t1.rows.weight)
        self.scale_t2 = vocabulary_scale(self.t2.rows.weight)
        self._tokenizers = parts.tokenizers
        self._zero_image_1E: torch.Tensor | None = None
        self._empty_keys: TextKeys | None = None
        self._empty_context: DecoderCondition | None = None

    @property
    def tokenizers(self) -> WordTokenizers:
        if self._tokenizers is None:
            raise RuntimeError("this model's folder holds no tokenizers")
        return self._tokenizers

    @property
    def inpaint_unet(self) -> Any:
        """The 9-channel UNet. Raises WorkerError `model.task_not_served` where the folder has none."""
        if self._inpaint_unet is None:
            raise WorkerError("model.task_not_served", "this model has no inpainting decoder", field="options.model")
        return self._inpaint_unet

    def prepare(self, task: str, on_progress: Callable[[str, int, int], None]) -> Iterator[str]:
        """Loads what a task needs, a part per turn, and tells which: name, number from 0, count."""
        if task == "inpaint":
            on_progress("inpaint_unet", 0, 1)
            assert self.inpaint_unet is not None
        yield "movq"

    def release(self, *parts: str) -> None:
        """Lets parts go that the next phase does not need, where they need not be resident together."""

    @property
    def latent_multiple(self) -> int:
        """What the sides of latents are multiples of, in cells."""
        return 2 ** (len(self.unet.config.block_out_channels) - 1)

    def embed_pictures(self, pixels_NCHW: torch.Tensor) -> torch.Tensor:
        """CLIP's embeddings [N, E] of pictures that have the tower's size and normalisation already."""
        tower = self.clip_image
        return tower(pixels_NCHW.to(tower.device, tower.dtype)).image_embeds.float()

    @property
    def latent_factor(self) -> int:
        """Pixels per latent cell."""
        return 2 ** (len(self.movq.config.block_out_channels) - 1)

    @property
    def image_size(self) -> int:
        """Side of the pictures the model was trained for, in pixels."""
        return self.config.image_size or int(self.unet.config.sample_size) * self.latent_factor

    @property
    def width_t1(self) -> int:
        return self.t1.rows.weight.shape[1]

    @property
    def width_t2(self) -> int:
        return self.t2.rows.weight.shape[1]

    @torch.inference_mode()
    def zero_image_embedding(self) -> torch.Tensor:
        """CLIP's embedding of an all-zero picture [1, E]: what the decoder is steered away from."""
        found: torch.Tensor | None = self._zero_image_1E
        if found is None:
            side = int(self.clip_image.config.image_size)
            device = self.clip_image.visual_projection.weight.device
            found = self.clip_image(torch.zeros(1, 3, side, side, device=device)).image_embeds
            self._zero_image_1E = found
        assert found is not None
        return found

    @torch.no_grad()
    def empty_text_keys(self) -> TextKeys:
        """The empty prompt's keys in the prior, batch 1; computed once (not in inference mode: training reads them)."""
        if self._empty_keys is None:
            config = self.t2.encoder.config  # a folder's own tokenizer is right where this is not (eos_token_id: 2)
            start_end = (config.bos_token_id, config.eos_token_id)
            if self._tokenizers is not None:
                start_end = (self._tokenizers.t2.start_id, self._tokenizers.t2.end_id)
            ids = torch.tensor([start_end])
            self._empty_keys = self.prior.encode_text(self.t2.encode(ids, ids >= 0, None, "eot"))
        return self._empty_keys

    @torch.inference_mode()
    def unwanted_condition(self) -> DecoderCondition:
        """The decoder's unconditional half: empty text and zero picture, batch 1; computed once."""
        if self._empty_context is None:
            config = self.t1.encoder.config
            text = self.t1.encode(torch.tensor([[config.bos_token_id, config.eos_token_id]]), None)
            self._empty_context = DecoderCondition(text.context_BPD, text.pooled_BE, self.zero_image_embedding())
        return self._empty_context

    @torch.inference_mode()
    def encode_picture(self, pixels_NCHW: torch.Tensor) -> torch.Tensor:
        """Pictures in -1..1 → latents, one at a time: what a picture's latent is must not depend on its neighbours."""
        movq = self.movq
        pixels_NCHW = pixels_NCHW.to(movq.device, movq.dtype)
        return torch.cat([movq.encode(picture[None]).latents for picture in pixels_NCHW]).float()

    @torch.inference_mode()
    def decode_latents(self, latents_NCHW: torch.Tensor) -> torch.Tensor:
        """Latents → pictures in -1..1, one at a time; the original never quantises here."""
        movq = self.movq
        latents_NCHW = latents_NCHW.to(movq.device, movq.dtype)
        return torch.cat([movq.decode(cells[None], force_not_quantize=True).sample for cells in latents_NCHW]).float()
