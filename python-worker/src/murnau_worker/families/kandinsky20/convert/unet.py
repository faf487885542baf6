"""The UNet: the original's keys → diffusers' UNet2DConditionModel.

Source of the original layout: ai-forever/Kandinsky-2 `kandinsky2/model/text2im_model.py`. What the joined texts add to
the time's embedding it takes for the embedding of a class.
"""

from __future__ import annotations

from collections.abc import Mapping

from diffusers import UNet2DConditionModel

from murnau_worker.models.convert.unet import empty_unet, head_width, read_shape, unet_tensors
from murnau_worker.models.state_dict import Tensors, load_strictly


def convert_unet(source: Tensors, config: Mapping[str, object]) -> UNet2DConditionModel:
    """Builds the UNet (4 input channels, or 9 for inpainting)."""
    shape, width = read_shape(source), head_width(config)
    context_width = source["middle_block.1.encoder_kv.weight"].shape[1]
    unet = empty_unet(source, shape, width, cross_attention_dim=context_width, class_embed_type="identity")
    return load_strictly(unet, unet_tensors(source, shape, width))
