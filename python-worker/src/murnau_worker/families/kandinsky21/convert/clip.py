"""CLIP: OpenAI's keys → transformers' text and image towers.

Source of the original layout: openai/CLIP `clip/model.py`; widths and depths are read from the tensors.
"""

from __future__ import annotations

from collections.abc import Mapping

from transformers import (
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from murnau_worker.models.state_dict import Tensors, count_blocks, empty_model, load_strictly

_CLIP_HEAD_WIDTH = 64  # OpenAI's rule: heads = width // 64, where no configuration says otherwise


def _blocks(source: Tensors, source_prefix: str, target_prefix: str) -> Tensors:
    """Maps OpenAI's residual blocks; `in_proj` holds query, key and value one after another."""
    target: Tensors = {}
    for index in range(count_blocks(source, f"{source_prefix}resblocks")):
        here, there = f"{source_prefix}resblocks.{index}.", f"{target_prefix}layers.{index}."
        for kind in ("weight", "bias"):
            query, key, value = source[f"{here}attn.in_proj_{kind}"].chunk(3)
            target[f"{there}self_attn.q_proj.{kind}"] = query
            target[f"{there}self_attn.k_proj.{kind}"] = key
            target[f"{there}self_attn.v_proj.{kind}"] = value
            target[f"{there}self_attn.out_proj.{kind}"] = source[f"{here}attn.out_proj.{kind}"]
            target[f"{there}layer_norm1.{kind}"] = source[f"{here}ln_1.{kind}"]
            target[f"{there}layer_norm2.{kind}"] = source[f"{here}ln_2.{kind}"]
            target[f"{there}mlp.fc1.{kind}"] = source[f"{here}mlp.c_fc.{kind}"]
            target[f"{there}mlp.fc2.{kind}"] = source[f"{here}mlp.c_proj.{kind}"]
    return target


def convert_text_tower(source: Tensors, config: Mapping[str, object]) -> CLIPTextModelWithProjection:
    """Builds the text tower. The end-of-text token is the vocabulary's last, the start token the one before."""
    vocabulary, width = source["token_embedding.weight"].shape
    heads = config.get("transformer_heads")
    with empty_model():
        model = CLIPTextModelWithProjection(
            CLIPTextConfig(
                vocab_size=vocabulary,
                hidden_size=width,
                intermediate_size=source["transformer.resblocks.0.mlp.c_fc.weight"].shape[0],
                projection_dim=source["text_projection"].shape[1],
                num_hidden_layers=count_blocks(source, "transformer.resblocks"),
                num_attention_heads=heads if isinstance(heads, int) else max(1, width // _CLIP_HEAD_WIDTH),
                max_position_embeddings=source["positional_embedding"].shape[0],
                hidden_act="quick_gelu",
                layer_norm_eps=1e-5,
                bos_token_id=vocabulary - 2,
                eos_token_id=vocabulary - 1,
                pad_token_id=0,
            )
        )
    target = _blocks(source, "transformer.", "text_model.encoder.")
    target["text_model.embeddings.token_embedding.weight"] = source["token_embedding.weight"]
    target["text_model.embeddings.position_embedding.weight"] = source["positional_embedding"]
    for kind in ("weight", "bias"):
        target[f"text_model.final_layer_norm.{kind}"] = source[f"ln_final.{kind}"]
    target["text_projection.weight"] = source["text_projection"].T
    return load_strictly(model, target)


def convert_image_tower(source: Tensors) -> CLIPVisionModelWithProjection:
    """Builds the image tower; the picture's side follows from the number of patch positions."""
    width, _, patch, _ = source["visual.conv1.weight"].shape
    grid = round((source["visual.positional_embedding"].shape[0] - 1) ** 0.5)
    with empty_model():
        model = CLIPVisionModelWithProjection(
            CLIPVisionConfig(
                hidden_size=width,
                intermediate_size=source["visual.transformer.resblocks.0.mlp.c_fc.weight"].shape[0],
                projection_dim=source["visual.proj"].shape[1],
                num_hidden_layers=count_blocks(source, "visual.transformer.resblocks"),
                num_attention_heads=max(1, width // _CLIP_HEAD_WIDTH),
                image_size=grid * patch,
                patch_size=patch,
                hidden_act="quick_gelu",
                layer_norm_eps=1e-5,
            )
        )
    target = _blocks(source, "visual.transformer.", "vision_model.encoder.")
    target["vision_model.embeddings.class_embedding"] = source["visual.class_embedding"]
    target["vision_model.embeddings.patch_embedding.weight"] = source["visual.conv1.weight"]
    target["vision_model.embeddings.position_embedding.weight"] = source["visual.positional_embedding"]
    for kind in ("weight", "bias"):
        target[f"vision_model.pre_layrnorm.{kind}"] = source[f"visual.ln_pre.{kind}"]
        target[f"vision_model.post_layernorm.{kind}"] = source[f"visual.ln_post.{kind}"]
    target["visual_projection.weight"] = source["visual.proj"].T
    return load_strictly(model, target)
