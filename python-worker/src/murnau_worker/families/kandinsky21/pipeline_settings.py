"""What diffusers' own pipelines read beside the weights: indices, schedulers and the picture processor."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from diffusers import __version__ as diffusers_version

from murnau_worker.families.kandinsky21.diffusers_layout import DECODER, INPAINT, PART_FOLDERS, PRIOR

_DECODER_SCHEDULER = {
    "_class_name": "DDIMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "linear",
    "clip_sample": False,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "thresholding": False,
}
_PRIOR_SCHEDULER = {
    "_class_name": "UnCLIPScheduler",
    "beta_schedule": "squaredcos_cap_v2",
    "clip_sample": True,
    "clip_sample_range": 10.0,
    "num_train_timesteps": 1000,
    "prediction_type": "sample",
    "variance_type": "fixed_small_log",
}
_CLIP_MEAN = [0.48145466, 0.4578275, 0.40821073]
_CLIP_DEVIATION = [0.26862954, 0.26130258, 0.27577711]

_DECODER_INDEX = {
    "text_encoder": ["kandinsky", "MultilingualCLIP"],
    "tokenizer": ["transformers", "XLMRobertaTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "movq": ["diffusers", "VQModel"],
    "scheduler": ["diffusers", "DDIMScheduler"],
}
_PRIOR_INDEX = {
    "prior": ["diffusers", "PriorTransformer"],
    "image_encoder": ["transformers", "CLIPVisionModelWithProjection"],
    "text_encoder": ["transformers", "CLIPTextModelWithProjection"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "image_processor": ["transformers", "CLIPImageProcessor"],
    "scheduler": ["diffusers", "UnCLIPScheduler"],
}


def write_pipeline_settings(target: Path, parts: Collection[str]) -> None:
    """Writes them for a folder whose parts are written already."""
    _write_json(target / DECODER / "scheduler" / "scheduler_config.json", _DECODER_SCHEDULER)
    _write_json(target / DECODER / "model_index.json", _index("KandinskyPipeline", _DECODER_INDEX))
    _write_json(target / PRIOR / "scheduler" / "scheduler_config.json", _PRIOR_SCHEDULER)
    _write_json(target / PRIOR / "model_index.json", _index("KandinskyPriorPipeline", _PRIOR_INDEX))
    _write_json(target / PRIOR / "image_processor" / "preprocessor_config.json", _image_processor(target))
    if (
        "inpaint_unet" in parts
    ):  # its other parts are the decoder's: links would not survive a copy, so it names the UNet alone
        unet_only = {"unet": _DECODER_INDEX["unet"]}
        _write_json(target / INPAINT / "model_index.json", _index("KandinskyInpaintPipeline", unet_only))


def _index(pipeline: str, parts: dict[str, list[str]]) -> dict[str, Any]:
    return {"_class_name": pipeline, "_diffusers_version": diffusers_version, **parts}


def _image_processor(target: Path) -> dict[str, Any]:
    config = json.loads((target / PART_FOLDERS["clip_image"] / "config.json").read_text("utf-8"))
    side = int(config["image_size"])
    return {
        "image_processor_type": "CLIPImageProcessor",
        "crop_size": {"height": side, "width": side},
        "do_center_crop": True,
        "do_convert_rgb": True,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": _CLIP_MEAN,
        "image_std": _CLIP_DEVIATION,
        "resample": 3,
        "rescale_factor": 1 / 255,
        "size": {"shortest_edge": side},
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
