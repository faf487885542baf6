"""The original's layout (`2_1/*.ckpt` and CLIP's `ViT-L-14.pt`), converted on reading.

Configurations are taken from `config.json` or `configs/*.json` beside the weights where there are any: the published
files have none, and what tensors do not show is then as published.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import nn

from murnau_worker.families.kandinsky21.convert.clip import convert_image_tower, convert_text_tower
from murnau_worker.families.kandinsky21.convert.movq import convert_movq
from murnau_worker.families.kandinsky21.convert.prior import convert_prior
from murnau_worker.families.kandinsky21.convert.unet import convert_unet
from murnau_worker.families.kandinsky21.description import KANDINSKY21
from murnau_worker.families.kandinsky21.original_tokenizers import read_clip_tokenizer, read_xlmr_tokenizer
from murnau_worker.families.original_source import OriginalSource
from murnau_worker.models.clip_picture import ClipNormalisation
from murnau_worker.models.convert.latent_codec import codec_levels
from murnau_worker.models.convert.text_encoder import convert_text_encoder
from murnau_worker.models.convert.unet import SAMPLE_SIZE, read_shape
from murnau_worker.models.parts import ModelShape, PartSource
from murnau_worker.models.safe_pickle import load_pickled
from murnau_worker.models.state_dict import Tensors

_CLIP = ("clip/ViT-L-14.pt", "ViT-L-14.pt", "2_1/ViT-L-14.pt")
_TEXT_ENCODER = "2_1/text_encoder"
_STATISTICS = "2_1/ViT-L-14_stats.th"

# Where each file of a part is looked for: of each tuple of places one must be there.
_FILES: dict[str, tuple[tuple[str, ...], ...]] = {
    "text_encoder": (
        (f"{_TEXT_ENCODER}/config.json",),
        (f"{_TEXT_ENCODER}/pytorch_model.bin", f"{_TEXT_ENCODER}/model.safetensors"),
    ),
    "clip_text": (_CLIP,),
    "clip_image": (_CLIP,),
    "prior": (("2_1/prior_fp16.ckpt",), (_STATISTICS,)),
    "unet": (("2_1/decoder_fp16.ckpt",),),
    "inpaint_unet": (("2_1/inpainting_fp16.ckpt",),),
    "movq": (("2_1/movq_final.ckpt",),),
}
INPAINTING_FILE = _FILES["inpaint_unet"][0][0]


def is_original_layout(folder: Path) -> bool:
    return (folder / "2_1").is_dir()


def read_part_config(folder: Path, section: str, file_name: str) -> dict[str, Any]:
    """A part's configuration: a section of `config.json`, else `configs/<file_name>`, else nothing."""
    whole = folder / "config.json"
    if whole.is_file():
        content = cast("dict[str, Any]", json.loads(whole.read_text("utf-8")))
        found = content.get("config", content).get(section)
        if isinstance(found, dict):
            return cast("dict[str, Any]", found)
    single = folder / "configs" / file_name
    return cast("dict[str, Any]", json.loads(single.read_text("utf-8"))) if single.is_file() else {}


class Kandinsky21Original(OriginalSource):
    """A folder in the original's layout."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, KANDINSKY21, _FILES)

    def _tensors(self, part: str) -> Tensors:
        tensors = self._tensors_of(_FILES[part][-1] if part == "text_encoder" else _FILES[part][0])
        if part in ("clip_text", "clip_image"):  # one file holds both
            is_wanted = part == "clip_image"
            return {name: value for name, value in tensors.items() if name.startswith("visual.") is is_wanted}
        return tensors

    def _shape(self) -> ModelShape:
        clip = self._tensors("clip_text")
        return ModelShape(
            sample_size=SAMPLE_SIZE,
            latent_factor=2 ** (codec_levels(self._tensors("movq")) - 1),
            latent_multiple=2 ** (read_shape(self._tensors("unet")).levels - 1),
            widths={
                "t1": self._tensors("text_encoder")["LinearTransformation.weight"].shape[1],
                "t2": clip["token_embedding.weight"].shape[1],
            },
            contexts={"t2": clip["positional_embedding"].shape[0]},
        )

    def _convert(self, part: str, tensors: Tensors) -> nn.Module:
        folder = self.folder
        match part:
            case "text_encoder":
                config = json.loads((folder / _TEXT_ENCODER / "config.json").read_text("utf-8"))
                return convert_text_encoder(tensors, config)
            case "clip_text":
                return convert_text_tower(tensors, read_part_config(folder, "clip", "clip.json"))
            case "clip_image":
                return convert_image_tower(tensors)
            case "prior":
                statistics: tuple[torch.Tensor, torch.Tensor] = load_pickled(folder / _STATISTICS)
                return convert_prior(tensors, statistics, self._config("prior", "prior.json"))
            case "unet" | "inpaint_unet":
                return convert_unet(tensors, self._config("model_config", "decoder.json"))
            case _:
                return convert_movq(tensors)

    def _config(self, section: str, file_name: str) -> Mapping[str, Any]:
        return read_part_config(self.folder, section, file_name)

    def read_clip_normalisation(self) -> ClipNormalisation:
        return ClipNormalisation()

    def read_tokenizer(self, tower: str) -> Any:
        if tower == "t1":
            return read_xlmr_tokenizer(self.folder / _TEXT_ENCODER)
        vocabulary_size = self._tensors("clip_text")["token_embedding.weight"].shape[0]
        return read_clip_tokenizer((self.folder / "clip", self.folder, self.folder / "2_1"), vocabulary_size)


def read_original_layout(folder: Path) -> PartSource:
    """Opens a folder without reading weights. Raises WorkerError `model.unreadable`."""
    return Kandinsky21Original(folder)
