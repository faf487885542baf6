"""The original's layout (`2_1/*.ckpt`, `clip/ViT-L-14.pt`), converted on reading.

Configurations are taken from `config.json` or `configs/*.json` beside the weights where there are any: the published
files have none, and what tensors do not show is then as published.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from murnau_worker.errors import WorkerError
from murnau_worker.models.convert.clip import convert_image_tower, convert_text_tower
from murnau_worker.models.convert.movq import convert_movq
from murnau_worker.models.convert.prior import convert_prior
from murnau_worker.models.convert.text_encoder import convert_text_encoder
from murnau_worker.models.convert.unet import convert_unet
from murnau_worker.models.kandinsky import KandinskyParts
from murnau_worker.models.safe_pickle import load_pickled, load_state_dict

_WEIGHTS = "2_1"
_CLIP = "clip/ViT-L-14.pt"
_INPAINTING = "inpainting_fp16.ckpt"


def is_original_layout(folder: Path) -> bool:
    return (folder / _WEIGHTS / "decoder_fp16.ckpt").is_file() and (folder / _CLIP).is_file()


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


def read_original_layout(folder: Path) -> KandinskyParts:
    """Reads and converts every part in fp32. Raises WorkerError `model.unreadable`. The layout has no tokenizers."""
    weights = folder / _WEIGHTS
    try:
        clip = load_state_dict(folder / _CLIP)
        text_config = json.loads((weights / "text_encoder" / "config.json").read_text("utf-8"))
        unet_config = read_part_config(folder, "model_config", "decoder.json")
        return KandinskyParts(
            text_encoder=convert_text_encoder(
                load_state_dict(weights / "text_encoder" / "pytorch_model.bin"), text_config
            ),
            clip_text=convert_text_tower(clip, read_part_config(folder, "clip", "clip.json")),
            clip_image=convert_image_tower(clip),
            prior=convert_prior(
                load_state_dict(weights / "prior_fp16.ckpt"),
                load_pickled(weights / "ViT-L-14_stats.th"),
                read_part_config(folder, "prior", "prior.json"),
            ),
            unet=convert_unet(load_state_dict(weights / "decoder_fp16.ckpt"), unet_config),
            movq=convert_movq(load_state_dict(weights / "movq_final.ckpt")),
            tokenizers=None,
            inpaint_unet=(
                convert_unet(load_state_dict(weights / _INPAINTING), unet_config)
                if (weights / _INPAINTING).is_file()
                else None
            ),
        )
    except (OSError, ValueError, KeyError) as error:
        raise WorkerError("model.unreadable", f"the model in {folder} can not be read: {error!r}") from error
