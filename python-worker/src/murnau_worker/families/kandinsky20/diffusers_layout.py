"""A converted model: each part in a folder of its own, as diffusers and transformers write them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn

from murnau_worker.families.diffusers_source import Builder, DiffusersSource, plain_builder
from murnau_worker.families.kandinsky20.description import KANDINSKY20
from murnau_worker.families.kandinsky20.layout import latent_multiple
from murnau_worker.families.kandinsky20.text_join import TextJoin
from murnau_worker.models.convert.text_encoder import build_text_encoder
from murnau_worker.models.diffusers_files import read_json
from murnau_worker.models.mt5_text import build_mt5
from murnau_worker.models.parts import ModelShape, PartSource
from murnau_worker.models.state_dict import Tensors
from murnau_worker.text.stored_tokenizer import T5, XLM_ROBERTA, read_stored_tokenizer

DECODER = "kandinsky-2-0"
INPAINT = "kandinsky-2-0-inpaint"

PART_FOLDERS: dict[str, str] = {
    "text_encoder": f"{DECODER}/text_encoder",
    "text_encoder_2": f"{DECODER}/text_encoder_2",
    "text_join": f"{DECODER}/text_join",
    "inpaint_text_join": f"{INPAINT}/text_join",
    "unet": f"{DECODER}/unet",
    "inpaint_unet": f"{INPAINT}/unet",
    "vae": f"{DECODER}/vae",
}
TOKENIZER_FOLDERS: dict[str, str] = {"t1": f"{DECODER}/tokenizer", "t2": f"{DECODER}/tokenizer_2"}


def is_diffusers_layout(folder: Path) -> bool:
    return (folder / DECODER).is_dir()


def _second_text_encoder(folder: Path, tensors: Tensors) -> nn.Module:
    return build_mt5(read_json(folder / "config.json"), tensors)


_BUILDERS: dict[str, Builder] = {
    "text_encoder": build_text_encoder,
    "text_encoder_2": _second_text_encoder,
    "text_join": plain_builder(TextJoin),
    "inpaint_text_join": plain_builder(TextJoin),
    "unet": plain_builder(UNet2DConditionModel),
    "inpaint_unet": plain_builder(UNet2DConditionModel),
    "vae": plain_builder(AutoencoderKL),
}


class Kandinsky20Folders(DiffusersSource):
    """A folder that a conversion wrote."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, KANDINSKY20, PART_FOLDERS, _BUILDERS)

    def _shape(self) -> ModelShape:
        unet = self._config("unet")
        factor = 2 ** (len(self._config("vae")["block_out_channels"]) - 1)
        return ModelShape(
            sample_size=int(unet["sample_size"]),
            latent_factor=factor,
            latent_multiple=latent_multiple(factor, len(unet["block_out_channels"])),
            widths={
                "t1": int(self._config("text_encoder")["hidden_size"]),
                "t2": int(self._config("text_encoder_2")["d_model"]),
            },
            contexts={},
        )

    def read_tokenizer(self, tower: str) -> Any:
        form = XLM_ROBERTA if tower == "t1" else T5
        return read_stored_tokenizer(self.folder / TOKENIZER_FOLDERS[tower], form)


def read_diffusers_layout(folder: Path) -> PartSource:
    """Opens a folder without reading weights. Raises WorkerError `model.unreadable`."""
    return Kandinsky20Folders(folder)


def write_settings(target: Path, parts: Collection[str]) -> None:
    """Nothing lies beside the parts: diffusers has no pipeline of them."""
