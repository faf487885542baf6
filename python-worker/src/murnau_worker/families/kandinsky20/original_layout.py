"""The original's layout (`2_0/`), converted on reading.

The published files have no configuration: what tensors do not show is then as published. Where a JSON file in the
folder has the original's `model_config`, it is read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from torch import nn

from murnau_worker.families.kandinsky20.convert.text_join import belongs_to_join, convert_text_join
from murnau_worker.families.kandinsky20.convert.unet import convert_unet
from murnau_worker.families.kandinsky20.convert.vae import convert_vae
from murnau_worker.families.kandinsky20.description import KANDINSKY20
from murnau_worker.families.kandinsky20.layout import latent_multiple
from murnau_worker.families.original_source import OriginalSource, Places
from murnau_worker.models.convert.latent_codec import codec_levels
from murnau_worker.models.convert.text_encoder import convert_text_encoder
from murnau_worker.models.convert.unet import SAMPLE_SIZE, read_shape
from murnau_worker.models.diffusers_files import read_json
from murnau_worker.models.mt5_text import build_mt5
from murnau_worker.models.parts import ModelShape, PartSource
from murnau_worker.models.state_dict import Tensors
from murnau_worker.text.stored_tokenizer import T5, XLM_ROBERTA, read_stored_tokenizer

_FIRST, _SECOND = "2_0/text_encoder1", "2_0/text_encoder2"
_UNET, _INPAINTING = "2_0/Kandinsky-2-0.pt", "2_0/Kandinsky-2-0-inpainting.pt"


def _transformer(folder: str) -> tuple[Places, ...]:
    return (f"{folder}/pytorch_model.bin", f"{folder}/model.safetensors"), (f"{folder}/config.json",)


# Where each file of a part is looked for: the first has its tensors.
_FILES: dict[str, tuple[Places, ...]] = {
    "text_encoder": _transformer(_FIRST),
    "text_encoder_2": _transformer(_SECOND),
    "text_join": ((_UNET,),),
    "inpaint_text_join": ((_INPAINTING,),),
    "unet": ((_UNET,),),
    "inpaint_unet": ((_INPAINTING,),),
    "vae": (("2_0/vae.ckpt",),),
}
INPAINTING_FILE = _INPAINTING


def is_original_layout(folder: Path) -> bool:
    return (folder / "2_0").is_dir()


def read_config(folder: Path, section: str) -> Mapping[str, Any]:
    """A section of the original's configuration; empty where no file of the folder has it."""
    for path in sorted(folder.glob("*config*.json")):
        try:
            content: Any = read_json(path)
        except (UnicodeDecodeError, json.JSONDecodeError):
            continue
        if isinstance(content, dict) and isinstance(cast("dict[str, Any]", content).get("model_config"), dict):
            return cast("dict[str, Any]", content.get(section, {}))
    return {}


class Kandinsky20Original(OriginalSource):
    """A folder in the original's layout."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, KANDINSKY20, _FILES)

    def _tensors(self, part: str) -> Tensors:
        tensors = self._tensors_of(_FILES[part][0])
        match part:
            case "vae":  # a training checkpoint's loss has a network of its own, in another precision
                return {name: value for name, value in tensors.items() if not name.startswith("loss.")}
            case "unet" | "inpaint_unet":
                return {name: value for name, value in tensors.items() if not belongs_to_join(name)}
            case "text_join" | "inpaint_text_join":
                return {name: value for name, value in tensors.items() if belongs_to_join(name)}
            case _:
                return tensors

    def _shape(self) -> ModelShape:
        factor = 2 ** (codec_levels(self._tensors("vae")) - 1)
        return ModelShape(
            sample_size=SAMPLE_SIZE,
            latent_factor=factor,
            latent_multiple=latent_multiple(factor, read_shape(self._tensors("unet")).levels),
            widths={
                "t1": self._tensors("text_encoder")["LinearTransformation.weight"].shape[1],
                "t2": self._tensors("text_encoder_2")["shared.weight"].shape[1],
            },
            contexts={},
        )

    def _convert(self, part: str, tensors: Tensors) -> nn.Module:
        match part:
            case "text_encoder":
                return convert_text_encoder(tensors, read_json(self.folder / _FIRST / "config.json"))
            case "text_encoder_2":
                return build_mt5(read_json(self.folder / _SECOND / "config.json"), tensors)
            case "text_join" | "inpaint_text_join":
                return convert_text_join(tensors)
            case "unet" | "inpaint_unet":
                return convert_unet(tensors, read_config(self.folder, "model_config"))
            case _:
                return convert_vae(tensors, read_config(self.folder, "image_enc_params"))

    def read_tokenizer(self, tower: str) -> Any:
        folder, form = (_FIRST, XLM_ROBERTA) if tower == "t1" else (_SECOND, T5)
        return read_stored_tokenizer(self.folder / folder, form)


def read_original_layout(folder: Path) -> PartSource:
    """Opens a folder without reading weights. Raises WorkerError `model.unreadable`."""
    return Kandinsky20Original(folder)
