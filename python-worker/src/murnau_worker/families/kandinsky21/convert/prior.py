"""Diffusion prior: the original's keys → diffusers' PriorTransformer.

Source of the original layout: ai-forever/Kandinsky-2 `kandinsky2/model/prior.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from diffusers import PriorTransformer
from torch import nn

from murnau_worker.models.state_dict import (
    Tensors,
    copy_layers,
    count_blocks,
    empty_model,
    load_strictly,
    split_interleaved,
)

_PRIOR_HEAD_WIDTH = 64  # of the published model (2048 / 32), where no configuration says otherwise


def fit_texts(model: PriorTransformer, sequence_width: int, pooled_width: int) -> None:
    """Gives the prior the widths of its texts: diffusers takes both for the embedding's, as in the published model."""
    width = model.proj_in.out_features
    with empty_model():
        model.encoder_hidden_states_proj = nn.Linear(sequence_width, width)
        model.embedding_proj = nn.Linear(pooled_width, width)


def convert_prior(
    source: Tensors, clip_statistics: tuple[torch.Tensor, torch.Tensor], config: Mapping[str, object]
) -> PriorTransformer:
    """Builds the prior. `clip_statistics`: mean and deviation of the image embeddings, each [width]."""
    source = {name.removeprefix("model."): value for name, value in source.items()}
    width = source["prd_emb"].shape[-1]
    clip_width = source["out_proj.weight"].shape[0]
    configured = config.get("xf_heads")
    heads = configured if isinstance(configured, int) else max(1, width // _PRIOR_HEAD_WIDTH)
    with empty_model():
        model = PriorTransformer(
            num_attention_heads=heads,
            attention_head_dim=width // heads,
            num_layers=count_blocks(source, "transformer.resblocks"),
            embedding_dim=clip_width,
            num_embeddings=source["positional_embedding"].shape[1] - 4,
            additional_embeddings=4,
        )
    fit_texts(model, source["text_enc_proj.weight"].shape[1], source["text_emb_proj.weight"].shape[1])
    target = copy_layers(
        source,
        [
            ("time_embed.0", "time_embedding.linear_1"),
            ("time_embed.2", "time_embedding.linear_2"),
            ("clip_img_proj", "proj_in"),
            ("text_emb_proj", "embedding_proj"),
            ("text_enc_proj", "encoder_hidden_states_proj"),
            ("final_ln", "norm_out"),
            ("out_proj", "proj_to_clip_embeddings"),
        ],
    )
    target["positional_embedding"] = source["positional_embedding"]
    target["prd_embedding"] = source["prd_emb"]
    target["clip_mean"], target["clip_std"] = (value.float().reshape(1, -1) for value in clip_statistics)
    for index in range(len(model.transformer_blocks)):
        here, there = f"transformer.resblocks.{index}", f"transformer_blocks.{index}"
        target |= copy_layers(
            source,
            [
                (f"{here}.ln_1", f"{there}.norm1"),
                (f"{here}.ln_2", f"{there}.norm3"),
                (f"{here}.attn.c_proj", f"{there}.attn1.to_out.0"),
                (f"{here}.mlp.c_fc", f"{there}.ff.net.0.proj"),
                (f"{here}.mlp.c_proj", f"{there}.ff.net.2"),
            ],
        )
        for kind in ("weight", "bias"):
            parts = split_interleaved(source[f"{here}.attn.c_qkv.{kind}"], 3, width // heads)
            for name, part in zip(("to_q", "to_k", "to_v"), parts, strict=True):
                target[f"{there}.attn1.{name}.{kind}"] = part
    return load_strictly(model, target)
