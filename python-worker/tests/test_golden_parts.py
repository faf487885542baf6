"""The converted parts give what the original code gave: towers, prior, UNet, MoVQ, samplers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from golden_tools import Golden, read_golden

from murnau_worker.models.convert.unet import convert_unet
from murnau_worker.models.original_layout import read_part_config
from murnau_worker.models.safe_pickle import load_state_dict
from murnau_worker.models.text_towers import T2Text, set_attention
from murnau_worker.sampling.ddim import sample_ddim
from murnau_worker.sampling.decoder import DecoderCondition, DecoderRequest, Sampler, predict
from murnau_worker.sampling.p_sampler import sample_p
from murnau_worker.sampling.prior_sampler import sample_image_embedding


@pytest.fixture(scope="module")
def golden(goldens: Path) -> Golden:
    return read_golden(goldens / "kandinsky-2.1")


@torch.inference_mode()
def test_xlmr_trimmed_to_its_tokens_gives_all_77_states(golden: Golden) -> None:
    text = golden.model.t1.encode(golden["text_encoder.input_ids"], None)
    golden.check("text_encoder.full", text.context_BPD)
    golden.check("text_encoder.pooled", text.pooled_BE)


@torch.inference_mode()
def test_clip_text(golden: Golden) -> None:
    text = golden.model.t2.encode(golden["clip.tokens"], golden["clip.mask"], None, "eot")
    golden.check("clip.text_pooled", text.pooled_BE)
    kept = text.sequence_BLD.shape[1]
    wanted = golden["clip.text_seq"]
    error = (text.sequence_BLD - wanted[:, :kept]).abs().max() / wanted.abs().max()
    assert error <= golden.tolerances["clip.text_seq"]


@torch.inference_mode()
def test_text_towers_with_fused_attention(golden: Golden, goldens: Path) -> None:
    fused = read_golden(goldens / "kandinsky-2.1").model  # what a GPU uses
    set_attention(fused.t1.encoder, "sdpa")
    set_attention(fused.t2.encoder, "sdpa")
    golden.check("text_encoder.full", fused.t1.encode(golden["text_encoder.input_ids"], None).context_BPD)
    text = fused.t2.encode(golden["clip.tokens"], golden["clip.mask"], None, "eot")
    golden.check("clip.text_pooled", text.pooled_BE)


@torch.inference_mode()
def test_clip_image(golden: Golden) -> None:
    golden.check("clip.image_embed", golden.model.clip_image(golden["clip.image"]).image_embeds)
    golden.check("clip.zero_image_embed", golden.model.zero_image_embedding())


@torch.inference_mode()
def test_prior_with_its_text_computed_once(golden: Golden) -> None:
    text = T2Text(golden["prior.text_enc"], golden["prior.text_emb"], golden["prior.mask"])
    keys = golden.model.prior.encode_text(text)
    rows = [golden.model.prior.predict(golden["prior.x"], int(t), keys)[i] for i, t in enumerate(golden["prior.t"])]
    golden.check("prior.out", torch.stack(rows))


@torch.inference_mode()
def test_unet(golden: Golden) -> None:
    condition = DecoderCondition(golden["unet.full_emb"], golden["unet.pooled_emb"], golden["unet.image_emb"])
    golden.check("unet.out", predict(golden.model.unet, golden["unet.x"], golden["unet.t"], condition))


@torch.inference_mode()
def test_inpainting_unet(golden: Golden, goldens: Path) -> None:
    folder = goldens / "kandinsky-2.1"
    config = read_part_config(folder, "model_config", "decoder.json")
    unet = convert_unet(load_state_dict(folder / "2_1" / "inpainting_fp16.ckpt"), config)
    mask = golden["unet_inpaint.inpaint_mask"]
    seen = torch.cat([golden["unet_inpaint.x"], golden["unet_inpaint.inpaint_image"] * mask, mask], dim=1)
    condition = DecoderCondition(
        golden["unet_inpaint.full_emb"], golden["unet_inpaint.pooled_emb"], golden["unet_inpaint.image_emb"]
    )
    golden.check("unet_inpaint.out", predict(unet, seen, golden["unet_inpaint.t"], condition))


def test_movq(golden: Golden) -> None:
    golden.check("movq.latents", golden.model.encode_picture(golden["movq.image"]))
    golden.check("movq.decoded", golden.model.decode_latents(golden["movq.latents"]))


@torch.inference_mode()
def sampled_embedding(golden: Golden) -> torch.Tensor:
    model = golden.model
    ids, mask = golden["sample.t2_ids"], golden["sample.t2_mask"]
    keys = [model.prior.encode_text(model.t2.encode(ids[i : i + 1], mask[i : i + 1], None, "eot")) for i in (0, 1)]
    return sample_image_embedding(
        model.prior,
        keys[0],
        keys[1],
        golden["sample.prior_init_noise"][:1],
        golden["sample.prior_step_noise"][:, :1],
        4.0,
    )


def test_prior_sampler(golden: Golden) -> None:
    golden.check("sample.image_embed", sampled_embedding(golden))


@pytest.mark.parametrize(
    ("key", "sampler", "steps"),
    [
        ("sample.ddim_latents", sample_ddim, 5),
        ("sample.ddim7_latents", sample_ddim, 7),
        ("sample.p_latents", sample_p, 5),
    ],
)
def test_decoder_samplers(golden: Golden, key: str, sampler: Sampler, steps: int) -> None:
    with torch.inference_mode():
        text = golden.model.t1.encode(golden["sample.t1_ids"], None)
        request = DecoderRequest(
            wanted=DecoderCondition(text.context_BPD[:1], text.pooled_BE[:1], sampled_embedding(golden)),
            unwanted=DecoderCondition(text.context_BPD[1:], text.pooled_BE[1:], golden["sample.negative_image_embed"]),
            noise_NCHW=golden["sample.x_T"],
            step_noise=lambda step: golden["sample.p_step_noise"][step],
            guidance_scale=4.0,
            num_steps=steps,
        )
        running = sampler(golden.model.unet, request)
        progress: list[tuple[int, int]] = []
        while True:
            try:
                progress.append(next(running))
            except StopIteration as finished:
                golden.check(key, finished.value)
                break
    assert progress[-1][0] == progress[-1][1]
    assert len(progress) == (8 if steps == 7 else steps)
