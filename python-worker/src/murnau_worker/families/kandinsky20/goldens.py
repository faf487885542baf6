"""Kandinsky 2.0's goldens: `expected.json` beside the tensors says what the original was asked for. Implements
RecordedGoldens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

import torch
from PIL import Image

from murnau_worker.families.goldens import Outputs, RecordedPicture, RecordedRun, Tensors
from murnau_worker.families.kandinsky20 import condition
from murnau_worker.families.kandinsky20.model import PROCESS, Kandinsky20
from murnau_worker.families.kandinsky20.parameters import Kandinsky20Options
from murnau_worker.models.xlmr_text import PADDED_LENGTH

_TASKS: Mapping[str, Literal["text2img", "inpaint", "img2img"]] = {
    "generate_text2img": "text2img",
    "generate_inpainting": "inpaint",
    "generate_img2img": "img2img",
}
# What the original drew noise for, by the name of its function.
_ENCODING, _STEP = "sample", "p_sample"
_TABLE_STEPS = (0, 1, 250, 500, 801, 999)
_SQUARE = 512  # pixels of pictures that the original draws upon


def checked(model: object) -> Kandinsky20:
    assert isinstance(model, Kandinsky20), "the folder was recognised as this family's"
    return model


def read_expected(folder: Path) -> dict[str, Any]:
    """What the original was asked for, by the name of a run; and its step lists."""
    return cast("dict[str, Any]", json.loads((folder / "expected.json").read_text("utf-8")))


class Kandinsky20Goldens:
    """Latents of random weights reach hundreds, and p_sampler's percentiles make the last bits of them grow."""

    form: Literal["recorded"] = "recorded"

    def is_input(self, name: str) -> bool:
        return ".in." in name or ".noise." in name or name in ("mask", "text.full_emb2_pos")

    def bound(self, name: str) -> float:
        """Levels of pictures; 0 for what is counted; else relative."""
        run, _, kind = name.partition(".")
        if kind.startswith("image_") and kind != "image_512_sub16":
            return 1.0
        if name in ("text.ids1", "text.ids2", "text.mask1", "text.mask2") or kind.startswith("mask_"):
            return 0.0
        is_p_sampler = kind in ("x_prev", "pred_x0", "latents") and "_p" in run and "_plms" not in run
        return 1e-3 if is_p_sampler else 2e-5

    def parts(self, model: object, given: Tensors, folder: Path) -> Outputs:
        kandinsky = checked(model)
        yield "alphas_cumprod_f64", torch.from_numpy(PROCESS.alpha_bar[list(_TABLE_STEPS)])
        yield from _tokens(kandinsky, read_expected(folder)["prompts"])
        yield from _texts(kandinsky, given)
        yield from _unets(kandinsky, given)
        yield from _vae(kandinsky, given)

    def runs(self, given: Tensors, folder: Path) -> tuple[RecordedRun, ...]:
        expected = read_expected(folder)
        asked = {name: run for name, run in expected.items() if isinstance(run, dict) and "method" in run}
        return tuple(_run(name, cast("dict[str, Any]", run), given) for name, run in asked.items())

    def drawn_upon(self, given: Tensors, folder: Path) -> RecordedPicture:
        return RecordedPicture(Image.open(folder / "init.png").convert("RGB"), given["mask"].float())


def _run(name: str, run: dict[str, Any], given: Tensors) -> RecordedRun:
    asked: dict[str, Any] = run["kwargs"]
    drawn = [(kind, given[f"{name}.noise.{place}"].float()) for place, (kind, _) in enumerate(run["noise_draws"])]
    (start,) = [noise for kind, noise in drawn if kind not in (_ENCODING, _STEP)]
    height, width = run["image_prepared_hw"] or (_SQUARE, _SQUARE)
    return RecordedRun(
        name=name,
        task=_TASKS[run["method"]],
        prompt=asked["prompt"],
        count=asked.get("batch_size", 1),
        sampler=asked.get("sampler", "ddim_sampler"),
        num_steps=asked["num_steps"],
        guidance_scale=asked["guidance_scale"],
        width=asked.get("w", width),
        height=asked.get("h", height),
        options=Kandinsky20Options(
            denoised_type=asked.get("denoised_type"), dynamic_threshold_v=asked.get("dynamic_threshold_v")
        ),
        start=start,
        steps=tuple(noise for kind, noise in drawn if kind == _STEP),
        encoding=next((noise for kind, noise in drawn if kind == _ENCODING), None),
        strength=asked.get("strength", 0.0),
    )


def _tokens(model: Kandinsky20, prompts: list[str]) -> Outputs:
    encoded = [{name: of.with_ends(of.ids(prompt)) for name, of in model.tokenizers.items()} for prompt in prompts]
    for number, (tower, pad_id) in enumerate((("t1", model.t1.pad_id), ("t2", model.t2.pad_id)), 1):
        rows = [prompt[tower] for prompt in encoded]
        ids = [[*row, *[pad_id] * (PADDED_LENGTH - len(row))] for row in rows]
        masks = [[1] * len(row) + [0] * (PADDED_LENGTH - len(row)) for row in rows]
        yield f"text.ids{number}", torch.tensor(ids)
        yield f"text.mask{number}", torch.tensor(masks)


@torch.inference_mode()
def _texts(model: Kandinsky20, given: Tensors) -> Outputs:
    """Of the first prompt and of the empty one."""
    rows = [0, next(row for row, mask in enumerate(given["text.mask2"]) if mask.sum() == 1)]
    first = model.t1.encode(given["text.ids1"][rows].long(), None)
    second_NMF = model.t2.encode(given["text.ids2"][rows].long(), given["text.mask2"][rows], None)
    yield "text.full_emb1", first.context_BPD
    yield "text.pooled_emb1", first.pooled_BE
    yield "text.full_emb2_at_pos", second_NMF[:, given["text.full_emb2_pos"]]
    joined = condition.join(model, "text2img", first.context_BPD, first.pooled_BE, second_NMF)
    yield "text.xf_out", joined.context_NTC.transpose(1, 2)
    yield "text.xf_proj", joined.vector_NE


@torch.inference_mode()
def _unets(model: Kandinsky20, given: Tensors) -> Outputs:
    x_NCHW, t_N = given["unet.in.x"], given["unet.in.t"]
    texts = [given[f"unet.in.{name}"] for name in ("full_emb1", "pooled_emb1", "full_emb2")]
    joined = condition.join(model, "text2img", *texts)
    yield "unet.xf_out", joined.context_NTC.transpose(1, 2)
    yield "unet.xf_proj", joined.vector_NE
    yield "unet.out4", condition.predict(model.unet("text2img"), x_NCHW, t_N, joined)
    joined, unet = condition.join(model, "inpaint", *texts), model.unet("inpaint")
    mask_N1HW = given["unet.in.inpaint_mask"]
    kept_NCHW = given["unet.in.inpaint_image"] * mask_N1HW
    yield "unet.out9", condition.predict(unet, torch.cat([x_NCHW, kept_NCHW, mask_N1HW], dim=1), t_N, joined)
    nothing = torch.zeros(len(x_NCHW), kept_NCHW.shape[1] + 1, *x_NCHW.shape[2:])
    yield "unet.out9_nomask", condition.predict(unet, torch.cat([x_NCHW, nothing], dim=1), t_N, joined)


@torch.inference_mode()
def _vae(model: Kandinsky20, given: Tensors) -> Outputs:
    posterior = model.posterior(given["vae.in.x"].to(model.dtype))
    yield "vae.moments", posterior.parameters
    yield "vae.mean", posterior.mean
    yield "vae.std", posterior.std
    yield "vae.decoded", model.vae.decode(given["vae.in.z"]).sample
