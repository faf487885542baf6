"""Diffusers' layout: the folders of its two public pipelines side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import PriorTransformer, UNet2DConditionModel, VQModel
from diffusers.pipelines.kandinsky.text_encoder import MultilingualCLIP
from transformers import (
    AutoTokenizer,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionModelWithProjection,
)

from murnau_worker.errors import WorkerError
from murnau_worker.models.clip_normalisation import read_clip_normalisation
from murnau_worker.models.kandinsky import KandinskyParts
from murnau_worker.models.text_towers import T1_PADDED_LENGTH
from murnau_worker.models.words import PieceTokenizer, WordTokenizers

_DECODER = "kandinsky-2-1"
_PRIOR = "kandinsky-2-1-prior"
_INPAINT = "kandinsky-2-1-inpaint"


def is_diffusers_layout(folder: Path) -> bool:
    return (folder / _DECODER / "unet").is_dir() and (folder / _PRIOR / "prior").is_dir()


def read_diffusers_layout(folder: Path) -> KandinskyParts:
    """Reads every part in fp32 (transformers 5 would keep a file's fp16). Raises WorkerError `model.unreadable`."""
    decoder, prior, inpaint = folder / _DECODER, folder / _PRIOR, folder / _INPAINT / "unet"
    attention: dict[str, Any] = {"attn_implementation": "eager"}  # its backward is faster than the fused one's here
    try:
        clip_text = CLIPTextModelWithProjection.from_pretrained(
            prior / "text_encoder", dtype=torch.float32, local_files_only=True, **attention
        )
        t1 = AutoTokenizer.from_pretrained(decoder / "tokenizer", local_files_only=True)
        t2 = CLIPTokenizer.from_pretrained(prior / "tokenizer", local_files_only=True)
        return KandinskyParts(
            text_encoder=MultilingualCLIP.from_pretrained(
                decoder / "text_encoder", dtype=torch.float32, local_files_only=True, **attention
            ),
            clip_text=clip_text,
            clip_image=CLIPVisionModelWithProjection.from_pretrained(
                prior / "image_encoder", dtype=torch.float32, local_files_only=True
            ),
            prior=PriorTransformer.from_pretrained(prior / "prior", torch_dtype=torch.float32, local_files_only=True),
            unet=UNet2DConditionModel.from_pretrained(
                decoder / "unet", torch_dtype=torch.float32, local_files_only=True
            ),
            movq=VQModel.from_pretrained(decoder / "movq", torch_dtype=torch.float32, local_files_only=True),
            inpaint_unet=(
                UNet2DConditionModel.from_pretrained(inpaint, torch_dtype=torch.float32, local_files_only=True)
                if inpaint.is_dir()
                else None
            ),
            clip_normalisation=read_clip_normalisation(prior / "image_processor" / "preprocessor_config.json"),
            tokenizers=WordTokenizers(
                t1=PieceTokenizer(t1, context_length=T1_PADDED_LENGTH),
                t2=PieceTokenizer(t2, context_length=clip_text.config.max_position_embeddings),
            ),
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise WorkerError("model.unreadable", f"the model in {folder} can not be read: {error}") from error
