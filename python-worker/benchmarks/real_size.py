"""The published Kandinsky 2.1 by its configurations alone: parts of the real size, without their weights.

Under a FakeTensorMode nothing is allocated: shapes and dtypes flow, and no number is computed. On a GPU the parts are
built with random weights.
Source: the configurations of `kandinsky-2-1`, `kandinsky-2-1-prior` and `kandinsky-2-1-inpaint` in diffusers' layout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import PriorTransformer, UNet2DConditionModel, VQModel
from diffusers.pipelines.kandinsky.text_encoder import MCLIPConfig, MultilingualCLIP
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPVisionConfig, CLIPVisionModelWithProjection

from murnau_worker.families.kandinsky21.description import KANDINSKY21, PART_NAMES
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.families.settings import default_settings
from murnau_worker.models.checkpointing import Checkpointing
from murnau_worker.models.clip_picture import ClipNormalisation
from murnau_worker.models.model_parts import Offload, VocabularyScale
from murnau_worker.models.parts import ModelShape

TOKENS = 77  # of a prompt: the longest
CPU = torch.device("cpu")
_CLIP_WIDTH = 768
_CHANNELS = (384, 768, 1152, 1536)


def _text_encoder() -> nn.Module:
    """XLM-R large with its projection."""
    return MultilingualCLIP(
        MCLIPConfig(
            transformerDimSize=1024,
            imageDimSize=_CLIP_WIDTH,
            vocab_size=250_002,
            hidden_size=1024,
            num_hidden_layers=24,
            num_attention_heads=16,
            intermediate_size=4096,
            max_position_embeddings=514,
            type_vocab_size=1,
            pad_token_id=1,
            bos_token_id=0,
            eos_token_id=2,
            layer_norm_eps=1e-5,
        )
    )


def _clip_text() -> nn.Module:
    return CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=49_408,
            hidden_size=_CLIP_WIDTH,
            intermediate_size=3072,
            projection_dim=_CLIP_WIDTH,
            num_hidden_layers=12,
            num_attention_heads=12,
            max_position_embeddings=77,
            hidden_act="quick_gelu",
            bos_token_id=49_406,
            eos_token_id=49_407,
        )
    )


def _clip_image() -> nn.Module:
    return CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=1024,
            intermediate_size=4096,
            projection_dim=_CLIP_WIDTH,
            num_hidden_layers=24,
            num_attention_heads=16,
            image_size=224,
            patch_size=14,
            hidden_act="quick_gelu",
        )
    )


def _prior() -> nn.Module:
    prior = PriorTransformer(
        num_attention_heads=32,
        attention_head_dim=64,
        num_layers=20,
        embedding_dim=_CLIP_WIDTH,
        num_embeddings=77,
        additional_embeddings=4,
    )
    nn.init.ones_(prior.clip_std)  # zeros at first, which would make every picture's embedding the same
    return prior


def _unet(in_channels: int) -> nn.Module:
    attending = 3
    return UNet2DConditionModel(
        sample_size=64,
        in_channels=in_channels,
        out_channels=8,
        block_out_channels=_CHANNELS,
        layers_per_block=3,
        down_block_types=("ResnetDownsampleBlock2D", *["SimpleCrossAttnDownBlock2D"] * attending),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        up_block_types=(*["SimpleCrossAttnUpBlock2D"] * attending, "ResnetUpsampleBlock2D"),
        attention_head_dim=64,
        cross_attention_dim=_CLIP_WIDTH,
        encoder_hid_dim=1024,
        encoder_hid_dim_type="text_image_proj",
        addition_embed_type="text_image",
        resnet_time_scale_shift="scale_shift",
    )


def _movq() -> nn.Module:
    return VQModel(
        block_out_channels=(128, 256, 256, 512),
        down_block_types=("DownEncoderBlock2D", "DownEncoderBlock2D", "DownEncoderBlock2D", "AttnDownEncoderBlock2D"),
        up_block_types=("AttnUpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D", "UpDecoderBlock2D"),
        layers_per_block=2,
        latent_channels=4,
        num_vq_embeddings=16_384,
        vq_embed_dim=4,
        norm_type="spatial",
    )


_BUILDERS: dict[str, Callable[[], nn.Module]] = {
    "text_encoder": _text_encoder,
    "clip_text": _clip_text,
    "clip_image": _clip_image,
    "prior": _prior,
    "unet": lambda: _unet(4),
    "inpaint_unet": lambda: _unet(9),
    "movq": _movq,
}


class RealSizeSource:
    """A PartSource that builds parts, on the CPU or at once where they are wanted, instead of reading them."""

    def __init__(self, device: torch.device = CPU) -> None:
        self._device = device

    folder = Path("kandinsky-2.1")
    layout = "none"
    optional_places: Mapping[str, str] = {}
    parts: tuple[str, ...] = PART_NAMES

    def read_shape(self) -> ModelShape:
        return ModelShape(
            sample_size=64,
            latent_factor=8,
            latent_multiple=8,
            widths={"t1": 1024, "t2": _CLIP_WIDTH},
            contexts={"t2": 77},
        )

    def read(self, part: str, dtype: torch.dtype | None) -> nn.Module:
        if self._device != CPU:
            with self._device:
                return _BUILDERS[part]().to(dtype)  # rounded: the same weights in every dtype
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype or torch.float32)
        try:
            module: Any = _BUILDERS[part]()
        finally:
            torch.set_default_dtype(before)
        module.to = lambda *_: module  # fake parameters can be neither moved nor converted, and need not be
        return module

    def read_clip_normalisation(self) -> ClipNormalisation:
        return ClipNormalisation()

    def read_tokenizer(self, tower: str) -> Any:
        return _CountedTokens(TOKENS)


class _Ids:
    def __init__(self, ids: list[int]) -> None:
        self.input_ids = ids


class _CountedTokens:
    """Stands for a tokenizer: every text but the empty one has as many tokens, start and end included."""

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> _Ids:
        inside = [5] * (self._tokens - 2) if text else []
        return _Ids([0, *inside, 2] if add_special_tokens else inside)

    def get_vocab(self) -> dict[str, int]:
        return {}


def real_size_model(
    dtype: torch.dtype,
    offload: Offload = "none",
    checkpointing: Checkpointing = "auto",
    device: torch.device = CPU,
) -> Kandinsky:
    """Kandinsky 2.1 at its published size in `dtype`, 7 GB in bf16: of a CPU's call it under a FakeTensorMode."""
    model = Kandinsky(
        RealSizeSource(device),
        default_settings(KANDINSKY21),
        "real-size",
        name="kandinsky-2.1",
        device=device,
        dtype=dtype,
        offload=offload,
        checkpointing=checkpointing,
    )
    for tower in ("t1", "t2"):  # a fake table has no numbers to measure
        model._scales[tower] = VocabularyScale(1.0, 1.0)  # pyright: ignore[reportPrivateUsage]
    return model
