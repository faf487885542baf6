"""The decoder's UNet: the original's keys → diffusers' UNet2DConditionModel.

Source of the original layout: ai-forever/Kandinsky-2 `kandinsky2/model/text2im_model2_1.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diffusers import UNet2DConditionModel
from diffusers.models.embeddings import TextImageProjection, TextImageTimeEmbedding

from murnau_worker.models.convert.unet import empty_unet, head_width, read_shape, unet_tensors
from murnau_worker.models.state_dict import Tensors, copy_layers, empty_model, load_strictly


@dataclass(frozen=True)
class ConditionWidths:
    """Widths of what the UNet is given, and of what it turns that into.

    `sequence_rows`: width of the context times the number of tokens made of the picture's embedding.
    """

    text: int
    pooled: int
    image: int
    context: int
    sequence_rows: int
    time: int


def fit_conditions(unet: UNet2DConditionModel, widths: ConditionWidths) -> None:
    """Gives the UNet its conditions' widths.

    Diffusers takes the picture's and the pooled text's for the context's, which is true of the published model only.
    """
    tokens = widths.sequence_rows // widths.context
    with empty_model():
        unet.encoder_hid_proj = TextImageProjection(widths.text, widths.image, widths.context, tokens)
        unet.add_embedding = TextImageTimeEmbedding(widths.pooled, widths.image, widths.time)


def convert_unet(source: Tensors, config: Mapping[str, object]) -> UNet2DConditionModel:
    """Builds the decoder's UNet (4 input channels, or 9 for inpainting)."""
    shape, width = read_shape(source), head_width(config)
    context_width, text_width = source["to_model_dim_n.weight"].shape
    sequence_rows, image_width = source["clip_to_seq.weight"].shape
    time_width, pooled_width = source["proj_n.weight"].shape
    unet = empty_unet(
        source,
        shape,
        width,
        cross_attention_dim=context_width,
        encoder_hid_dim=text_width,
        encoder_hid_dim_type="text_image_proj",
        addition_embed_type="text_image",
    )
    widths = ConditionWidths(text_width, pooled_width, image_width, context_width, sequence_rows, time_width)
    fit_conditions(unet, widths)
    target = unet_tensors(source, shape, width)
    target |= copy_layers(
        source,
        [
            ("clip_to_seq", "encoder_hid_proj.image_embeds"),
            ("to_model_dim_n", "encoder_hid_proj.text_proj"),
            ("proj_n", "add_embedding.text_proj"),
            ("ln_model_n", "add_embedding.text_norm"),
            ("img_layer", "add_embedding.image_proj"),
        ],
    )
    return load_strictly(unet, target)
