"""XLM-R with its projection as diffusers' MultilingualCLIP: from the originals' file, or from its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffusers.pipelines.kandinsky.text_encoder import MCLIPConfig, MultilingualCLIP

from murnau_worker.models.state_dict import Tensors, empty_model, load_strictly

# XLM-R's pooler, which nobody reads and not every checkpoint holds.
_UNUSED = ("transformer.pooler.dense.weight", "transformer.pooler.dense.bias")


def build_text_encoder(folder: Path, tensors: Tensors) -> MultilingualCLIP:
    """Builds it from a folder's configuration."""
    config = MCLIPConfig.from_pretrained(folder, local_files_only=True)
    with empty_model():
        model = MultilingualCLIP(config)
    return load_strictly(model, tensors, optional=_UNUSED)


def convert_text_encoder(source: Tensors, config: Mapping[str, Any]) -> MultilingualCLIP:
    """Builds the text encoder from XLM-R's own `config.json` and the widths of its projection."""
    projection = source["LinearTransformation.weight"]
    known = {key: value for key, value in config.items() if key not in {"architectures", "model_type", "torch_dtype"}}
    with empty_model():
        model = MultilingualCLIP(
            MCLIPConfig(transformerDimSize=projection.shape[1], imageDimSize=projection.shape[0], **known)
        )
    tensors = {name: value for name, value in source.items() if not name.endswith("embeddings.position_ids")}
    return load_strictly(model, tensors, optional=_UNUSED)
