"""Kandinsky 2.1's goldens. Implements SampledGoldens. Legend: D width, E joint width."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import torch

from murnau_worker.core.batch import Batch, Prompt, Rows
from murnau_worker.core.spec import FamilyParameters
from murnau_worker.families.description import FamilyOptions
from murnau_worker.families.goldens import Outputs, Tensors
from murnau_worker.families.kandinsky21.condition import LATENT_CHANNELS, DecoderCondition, condition_on, predict
from murnau_worker.families.kandinsky21.losses import sampled_images
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.families.kandinsky21.parameters import Kandinsky21Options, Kandinsky21Parameters, Pooling
from murnau_worker.models.clip_text import ClipText
from murnau_worker.sampling.noising import add_noise

_PRIOR_GUIDANCE = 4.0
_BOUND = 1e-4
_POOLINGS: tuple[Pooling, ...] = get_args(Pooling)


def _names(prefix: str, *names: str) -> set[str]:
    return {f"{prefix}.{name}" for name in names}


def checked(model: object) -> Kandinsky:
    assert isinstance(model, Kandinsky), "the folder was recognised as this family's"
    return model


class Kandinsky21Goldens:
    """Three steps were trained under each pooling."""

    form: Literal["sampled"] = "sampled"
    _inputs = frozenset(
        _names("text_encoder", "input_ids", "attention_mask")
        | _names("clip", "tokens", "mask", "image")
        | _names("prior", "x", "t", "text_emb", "text_enc", "mask")
        | _names("unet", "x", "t", "full_emb", "pooled_emb", "image_emb")
        | _names("unet_inpaint", "x", "t", "full_emb", "pooled_emb", "image_emb", "inpaint_image", "inpaint_mask")
        | {"movq.image"}
        | _names("sample", "prior_init_noise", "prior_step_noise")
    )
    _training_input = re.compile(r"train\.step\d+\.prior_(init|step)_noise")
    phase = "joint"
    variants: Mapping[str, FamilyParameters] = {
        pooling: Kandinsky21Parameters(pooling=pooling) for pooling in _POOLINGS
    }

    def is_input(self, name: str) -> bool:
        return name in self._inputs or self._training_input.fullmatch(name) is not None

    def bound(self, name: str) -> float:
        return _BOUND

    def parts(self, model: object, given: Tensors, folder: Path) -> Outputs:
        for part in (_text_encoder, _clip, _prior, _unets, _movq):
            yield from part(checked(model), given)

    def condition_noise(self, given: Tensors, purpose: str) -> torch.Tensor | None:
        match purpose:
            case "prior_init":
                return given["sample.prior_init_noise"][0]
            case "prior_steps":
                return given["sample.prior_step_noise"][:, 0]
            case _:
                return None

    def options(self, given: Tensors) -> FamilyOptions:
        """As many prior steps as there is noise for."""
        return Kandinsky21Options(
            prior_steps=str(len(given["sample.prior_step_noise"])),
            prior_guidance_scale=_PRIOR_GUIDANCE,
            reference_quirks=True,
        )

    def condition_outputs(self, wanted: object, unwanted: object) -> Outputs:
        for name, condition in (("image_embed", wanted), ("negative_image_embed", unwanted)):
            assert isinstance(condition, DecoderCondition)
            yield f"sample.{name}", condition.image_NE

    def training_prompt(self, model: object, given: Tensors) -> Prompt:
        t1_pad_id = checked(model).t1.pad_id
        t2_ids, t2_mask = given["train.t2_ids"][0].tolist(), given["train.t2_mask"][0].tolist()
        return {
            "t1": tuple(token for token in given["train.t1_ids"][0].tolist() if token != t1_pad_id),
            "t2": tuple(token for token, is_token in zip(t2_ids, t2_mask, strict=True) if is_token),
        }

    def training_noise(self, given: Tensors, step: int) -> dict[str, torch.Tensor]:
        prefix = f"train.step{step}"
        return {
            "prior_init": given[f"{prefix}.prior_init_noise"][:1],
            "prior_steps": given[f"{prefix}.prior_step_noise"][:, :1].transpose(0, 1),
        }

    def training_outputs(self, model: object, batch: Batch, rows: Rows) -> Outputs:
        """The sampled embedding and the predicted noise."""
        kandinsky, given = checked(model), batch.tensors
        with torch.no_grad():
            image_NE = sampled_images(kandinsky, batch, rows)
            condition = condition_on(kandinsky, batch, rows, image_NE)
            noised = add_noise(kandinsky.process, given["latents"], given["noise"], given["timesteps"])
            predicted = predict(kandinsky.unet, noised, given["timesteps"], condition)
        yield "image_embed", image_NE
        yield "pred", predicted[:, :LATENT_CHANNELS]


@torch.inference_mode()
def _text_encoder(model: Kandinsky, given: Tensors) -> Outputs:
    text = model.t1.encode(given["text_encoder.input_ids"], None)
    yield "text_encoder.full", text.context_BPD
    yield "text_encoder.pooled", text.pooled_BE


@torch.inference_mode()
def _clip(model: Kandinsky, given: Tensors) -> Outputs:
    ids, mask = given["clip.tokens"], given["clip.mask"]
    yield "clip.text_pooled", model.t2.encode(ids, mask, None, "eot").pooled_BE
    # The tower leaves out what follows the longest prompt; taken for tokens, the pads are computed too.
    yield "clip.text_seq", model.t2.encode(ids, torch.ones_like(mask), None, "eot").sequence_BLD
    yield "clip.image_embed", model.clip_image(given["clip.image"]).image_embeds
    yield "clip.zero_image_embed", model.zero_image_embedding()


@torch.inference_mode()
def _prior(model: Kandinsky, given: Tensors) -> Outputs:
    network = model.prior
    keys = network.encode_text(ClipText(given["prior.text_enc"], given["prior.text_emb"], given["prior.mask"]))
    rows = [network.predict(given["prior.x"], int(t), keys)[row] for row, t in enumerate(given["prior.t"])]
    yield "prior.out", torch.stack(rows)


def _condition(given: Tensors, prefix: str) -> DecoderCondition:
    return DecoderCondition(*(given[f"{prefix}.{name}"] for name in ("full_emb", "pooled_emb", "image_emb")))


@torch.inference_mode()
def _unets(model: Kandinsky, given: Tensors) -> Outputs:
    yield "unet.out", predict(model.unet, given["unet.x"], given["unet.t"], _condition(given, "unet"))
    mask = given["unet_inpaint.inpaint_mask"]
    seen = torch.cat([given["unet_inpaint.x"], given["unet_inpaint.inpaint_image"] * mask, mask], dim=1)
    condition = _condition(given, "unet_inpaint")
    yield "unet_inpaint.out", predict(model.inpaint_unet, seen, given["unet_inpaint.t"], condition)


@torch.inference_mode()
def _movq(model: Kandinsky, given: Tensors) -> Outputs:
    yield "movq.latents", model.encode_picture(given["movq.image"])
    yield "movq.decoded", model.decode_latents(given["movq.latents"])
