"""Diffusers' layout: the folders of its public pipelines side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from diffusers import PriorTransformer, UNet2DConditionModel, VQModel
from torch import nn
from transformers import (
    AutoTokenizer,
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.diffusers_source import Builder, DiffusersSource, plain_builder
from murnau_worker.families.kandinsky21.convert.prior import fit_texts
from murnau_worker.families.kandinsky21.convert.unet import ConditionWidths, fit_conditions
from murnau_worker.families.kandinsky21.description import KANDINSKY21
from murnau_worker.models.clip_picture import ClipNormalisation, read_clip_normalisation
from murnau_worker.models.convert.text_encoder import build_text_encoder
from murnau_worker.models.diffusers_files import read_json
from murnau_worker.models.parts import ModelShape, PartSource
from murnau_worker.models.state_dict import Tensors, empty_model, load_strictly

DECODER = "kandinsky-2-1"
PRIOR = "kandinsky-2-1-prior"
INPAINT = "kandinsky-2-1-inpaint"

PART_FOLDERS: dict[str, str] = {
    "text_encoder": f"{DECODER}/text_encoder",
    "clip_text": f"{PRIOR}/text_encoder",
    "clip_image": f"{PRIOR}/image_encoder",
    "prior": f"{PRIOR}/prior",
    "unet": f"{DECODER}/unet",
    "inpaint_unet": f"{INPAINT}/unet",
    "movq": f"{DECODER}/movq",
}
TOKENIZER_FOLDERS: dict[str, str] = {"t1": f"{DECODER}/tokenizer", "t2": f"{PRIOR}/tokenizer"}

_TOKENIZER_FILES: dict[str, tuple[tuple[str, ...], ...]] = {
    "t1": (("tokenizer.json",), ("sentencepiece.bpe.model",)),
    "t2": (("tokenizer.json",), ("vocab.json", "merges.txt")),
}


def is_diffusers_layout(folder: Path) -> bool:
    return (folder / DECODER).is_dir() or (folder / PRIOR).is_dir()


def _clip_text(folder: Path, tensors: Tensors) -> nn.Module:
    with empty_model():
        model = CLIPTextModelWithProjection(CLIPTextConfig.from_pretrained(folder, local_files_only=True))
    return load_strictly(model, tensors)


def _clip_image(folder: Path, tensors: Tensors) -> nn.Module:
    with empty_model():
        model = CLIPVisionModelWithProjection(CLIPVisionConfig.from_pretrained(folder, local_files_only=True))
    return load_strictly(model, tensors)


def _prior(folder: Path, tensors: Tensors) -> nn.Module:
    with empty_model():
        model: Any = PriorTransformer.from_config(read_json(folder / "config.json"))
    fit_texts(model, tensors["encoder_hidden_states_proj.weight"].shape[1], tensors["embedding_proj.weight"].shape[1])
    return load_strictly(model, tensors)


def _unet(folder: Path, tensors: Tensors) -> nn.Module:
    with empty_model():
        model: Any = UNet2DConditionModel.from_config(read_json(folder / "config.json"))
    context_width, text_width = tensors["encoder_hid_proj.text_proj.weight"].shape
    sequence_rows, image_width = tensors["encoder_hid_proj.image_embeds.weight"].shape
    time_width, pooled_width = tensors["add_embedding.text_proj.weight"].shape
    widths = ConditionWidths(text_width, pooled_width, image_width, context_width, sequence_rows, time_width)
    fit_conditions(model, widths)
    return load_strictly(model, tensors)


_BUILDERS: dict[str, Builder] = {
    "text_encoder": build_text_encoder,
    "clip_text": _clip_text,
    "clip_image": _clip_image,
    "prior": _prior,
    "unet": _unet,
    "inpaint_unet": _unet,
    "movq": plain_builder(VQModel),
}


class Kandinsky21Folders(DiffusersSource):
    """A folder in diffusers' layout."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, KANDINSKY21, PART_FOLDERS, _BUILDERS)

    def _shape(self) -> ModelShape:
        unet, text = self._config("unet"), self._config("clip_text")
        return ModelShape(
            sample_size=int(unet["sample_size"]),
            latent_factor=2 ** (len(self._config("movq")["block_out_channels"]) - 1),
            latent_multiple=2 ** (len(unet["block_out_channels"]) - 1),
            widths={"t1": int(self._config("text_encoder")["hidden_size"]), "t2": int(text["hidden_size"])},
            contexts={"t2": int(text["max_position_embeddings"])},
        )

    def read_clip_normalisation(self) -> ClipNormalisation:
        path = self.folder / PRIOR / "image_processor" / "preprocessor_config.json"
        try:
            return read_clip_normalisation(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WorkerError("model.unreadable", f"{path} can not be read: {error!r}") from error

    def read_tokenizer(self, tower: str) -> Any:
        folder = self.folder / TOKENIZER_FOLDERS[tower]
        wanted = _TOKENIZER_FILES[tower]
        if not any(all((folder / name).is_file() for name in names) for names in wanted):
            files = " or ".join(" with ".join(names) for names in wanted)
            raise WorkerError("model.unreadable", f"prompts can not be read: put {files} into {folder}")
        try:
            kind: Any = AutoTokenizer if tower == "t1" else CLIPTokenizer
            return kind.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise WorkerError("model.unreadable", f"the tokenizer in {folder} can not be read: {error}") from error


def read_diffusers_layout(folder: Path) -> PartSource:
    """Opens a folder without reading weights. Raises WorkerError `model.unreadable`."""
    return Kandinsky21Folders(folder)
