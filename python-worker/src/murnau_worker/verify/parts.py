"""What each part of the model gives alone: towers, prior, UNets, MoVQ, mask.

Legend: D width, E joint width.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch

from murnau_worker.drawing.masks import grown
from murnau_worker.families.kandinsky21.condition import DecoderCondition, predict
from murnau_worker.models.clip_text import T2Text
from murnau_worker.verify.golden_folder import GoldenFolder

Outputs = Iterator[tuple[str, torch.Tensor]]


@torch.inference_mode()
def text_encoder(golden: GoldenFolder) -> Outputs:
    text = golden.model.t1.encode(golden["text_encoder.input_ids"], None)
    yield "text_encoder.full", text.context_BPD
    yield "text_encoder.pooled", text.pooled_BE


@torch.inference_mode()
def clip(golden: GoldenFolder) -> Outputs:
    model, ids, mask = golden.model, golden["clip.tokens"], golden["clip.mask"]
    yield "clip.text_pooled", model.t2.encode(ids, mask, None, "eot").pooled_BE
    # The tower leaves out what follows the longest prompt; taken for tokens, the pads are computed too.
    yield "clip.text_seq", model.t2.encode(ids, torch.ones_like(mask), None, "eot").sequence_BLD
    yield "clip.image_embed", model.clip_image(golden["clip.image"]).image_embeds
    yield "clip.zero_image_embed", model.zero_image_embedding()


@torch.inference_mode()
def prior(golden: GoldenFolder) -> Outputs:
    network = golden.model.prior
    keys = network.encode_text(T2Text(golden["prior.text_enc"], golden["prior.text_emb"], golden["prior.mask"]))
    rows = [network.predict(golden["prior.x"], int(t), keys)[row] for row, t in enumerate(golden["prior.t"])]
    yield "prior.out", torch.stack(rows)


def _condition(golden: GoldenFolder, prefix: str) -> DecoderCondition:
    return DecoderCondition(*(golden[f"{prefix}.{name}"] for name in ("full_emb", "pooled_emb", "image_emb")))


@torch.inference_mode()
def unets(golden: GoldenFolder) -> Outputs:
    model = golden.model
    yield "unet.out", predict(model.unet, golden["unet.x"], golden["unet.t"], _condition(golden, "unet"))
    mask = golden["unet_inpaint.inpaint_mask"]
    seen = torch.cat([golden["unet_inpaint.x"], golden["unet_inpaint.inpaint_image"] * mask, mask], dim=1)
    condition = _condition(golden, "unet_inpaint")
    yield "unet_inpaint.out", predict(model.inpaint_unet, seen, golden["unet_inpaint.t"], condition)


@torch.inference_mode()
def movq(golden: GoldenFolder) -> Outputs:
    yield "movq.latents", golden.model.encode_picture(golden["movq.image"])
    yield "movq.decoded", golden.model.decode_latents(golden["movq.latents"])


def mask(golden: GoldenFolder) -> Outputs:
    yield "prepare_mask.mask_out", grown(golden["prepare_mask.mask_in"])
