"""Parts of models: read when first needed, shared, leaving under a memory limit; dtypes; what outlives them."""

from __future__ import annotations

import logging
import weakref
from pathlib import Path
from typing import Any

import pytest
import torch
from model_folders import linked_copy
from run_tools import encoded, step, tiny_run, tiny_spec
from safetensors.torch import load_file, save_file

from murnau_worker.core.batch import Batch
from murnau_worker.families.kandinsky21.description import KANDINSKY21, PART_NAMES, PARTS_OF_PHASE, PARTS_OF_TASK
from murnau_worker.families.kandinsky21.goldens import checked
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.families.layouts import recognise
from murnau_worker.families.settings import default_settings
from murnau_worker.models.model_parts import Offload
from murnau_worker.models.part_store import PartStore
from murnau_worker.verify.golden_folder import read_golden_folder


def open_model(
    folder: Path,
    *,
    store: PartStore | None = None,
    dtype: torch.dtype = torch.float32,
    offload: Offload = "none",
    name: str = "m",
) -> Kandinsky:
    source = recognise(folder).read()
    return Kandinsky(source, default_settings(KANDINSKY21), "f", name=name, store=store, dtype=dtype, offload=offload)


def resident(model: Kandinsky) -> set[str]:
    return {part for part in PART_NAMES if model.is_resident(part)}


def test_parts_are_read_when_first_asked_for_and_once(tiny_folder: Path) -> None:
    model = open_model(tiny_folder)
    assert resident(model) == set()
    assert model.size_bytes("movq") == 0
    movq = model.movq
    assert resident(model) == {"movq"}
    assert model.movq is movq
    assert model.size_bytes("movq") == sum(4 * tensor.numel() for tensor in movq.parameters())
    assert model.t1 is model.t1


def test_a_task_is_prepared_one_part_at_a_time_with_progress(tiny_folder: Path) -> None:
    model = open_model(tiny_folder)
    said: list[tuple[str, int, int]] = []
    turns = model.prepare("train", lambda *progress: said.append(progress))
    assert next(turns) == "text_encoder"
    assert resident(model) == {"text_encoder"}
    assert list(turns) == ["clip_text", "prior", "unet", "movq"]
    assert said[0] == ("text_encoder", 0, 5)
    assert said[-1] == ("movq", 5, 5)
    assert [done for _, done, _ in said] == [0, 1, 2, 3, 4, 5]
    assert list(model.prepare("text2img")) == ["clip_image"]
    assert list(model.prepare("img2img", lambda *progress: said.append(("prior", 9, 9)))) == []
    assert said[-1] != ("prior", 9, 9)


def test_inpainting_shares_all_but_its_unet(goldens: Path) -> None:
    model = open_model(goldens / "kandinsky-2.1")
    list(model.prepare("text2img"))
    towers = (model.t1, model.t2, model.prior, model.movq)
    assert list(model.prepare("inpaint")) == ["inpaint_unet"]
    assert (model.t1, model.t2, model.prior, model.movq) == towers
    assert (model.inpaint_unet.config.in_channels, model.unet.config.in_channels) == (9, 4)


def sizes(folder: Path) -> dict[str, int]:
    model = open_model(folder)
    list(model.prepare("text2img"))
    return {part: model.size_bytes(part) for part in PARTS_OF_TASK["text2img"]}


def test_the_least_recently_used_part_leaves_under_a_limit(tiny_folder: Path) -> None:
    known = sizes(tiny_folder)
    store = PartStore(known["unet"] + known["movq"] + known["prior"])
    first = open_model(tiny_folder, store=store, name="first")
    second = open_model(tiny_folder, store=store, name="second")
    for model in (first, second):
        for part in ("unet", "movq", "prior"):
            getattr(model, part)
    assert resident(first) == set()
    assert resident(second) == {"unet", "movq", "prior"}
    _ = second.unet
    _ = first.movq
    assert "unet" in resident(second)
    assert "movq" not in resident(second) or "prior" not in resident(second)
    assert store.resident_bytes <= known["unet"] + known["movq"] + known["prior"]


def test_a_part_larger_than_the_limit_still_loads_and_says_so(
    tiny_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = open_model(tiny_folder, store=PartStore(1000))
    with caplog.at_level(logging.WARNING, "murnau_worker"):
        _ = model.movq
        _ = model.prior
    assert resident(model) == {"prior"}
    assert sum("larger than the memory limit" in record.message for record in caplog.records) == 2


def test_training_goes_on_when_parts_come_and_go(tiny_folder: Path) -> None:
    roomy, tight = open_model(tiny_folder), open_model(tiny_folder, store=PartStore(1))
    states: list[bytes] = []
    for model in (roomy, tight):
        run = tiny_run(model, tiny_spec())
        for _ in range(2):
            step(run)
        states.append(run.state_bytes())
    assert states[0] == states[1]
    assert len(resident(tight)) == 1


def test_parts_read_in_inference_mode_can_be_trained_with(tiny_folder: Path) -> None:
    model = open_model(tiny_folder)
    with torch.inference_mode():
        list(model.prepare("text2img"))
        model.empty_text_keys()
        model.unwanted_condition()
        keys = model.empty_text_keys()
        model.prior.predict(torch.zeros(1, 32), 7, keys)
    assert not any(parameter.is_inference() for parameter in model.unet.parameters())
    assert not keys.keys[0].is_inference()
    losses = step(tiny_run(model, tiny_spec()))
    assert losses["grad_norm_t1"] > 0


def test_constants_outlive_their_parts(tiny_folder: Path) -> None:
    model = open_model(tiny_folder, offload="parts")
    keys, unwanted, scale = model.empty_text_keys(), model.unwanted_condition(), model.scale("t1")
    model.release(*PART_NAMES)
    assert resident(model) == set()
    assert model.empty_text_keys() is keys
    assert model.unwanted_condition() is unwanted
    assert (model.scale("t1"), model.known_scale("t1")) == (scale, scale)
    assert model.image_size == 16
    assert resident(model) == set()


def test_release_acts_with_offload_only_and_what_is_read_again_is_the_same(tiny_folder: Path) -> None:
    noised = torch.randn(2, 32, generator=torch.Generator().manual_seed(1))
    kept, offloaded = open_model(tiny_folder), open_model(tiny_folder, offload="parts")
    outputs: list[torch.Tensor] = []
    for model in (kept, offloaded):
        before, keys = model.prior, model.empty_text_keys().expanded(2)
        outputs.append(before.predict(noised, 400, keys))
        model.release("prior", "clip_text")
        outputs.append(before.predict(noised, 400, keys))  # a caller that still holds it
        outputs.append(model.prior.predict(noised, 400, keys))
        assert (model.prior is before) == (model is kept)
    assert all(torch.equal(output, outputs[0]) for output in outputs)


def test_a_released_part_is_out_of_memory_at_once(tiny_folder: Path) -> None:
    model = open_model(tiny_folder, offload="parts")
    weights = [
        weakref.ref(tower.encoder.get_parameter(name))
        for tower, name in (
            (model.t1, "LinearTransformation.weight"),
            (model.t2, "text_projection.weight"),
        )
    ]
    weights.append(weakref.ref(model.unet.conv_in.weight))
    model.release("text_encoder", "clip_text", "unet")
    assert [weight() for weight in weights] == [None, None, None]


def test_offloading_prepares_no_decoder_for_a_drawing(tiny_folder: Path) -> None:
    model = open_model(tiny_folder, offload="parts")
    assert set(model.prepare("text2img")) == {"text_encoder", "clip_text", "clip_image", "prior"}
    model.release("clip_image")
    assert list(model.prepare("img2img")) == []  # its constant is kept
    assert list(model.prepare("fuse")) == ["clip_image"]
    assert set(model.prepare("train")) == {"movq"}
    assert resident(model) == {"text_encoder", "clip_text", "prior", "movq"}


def test_a_phase_holds_its_parts_and_with_offloading_no_others(tiny_folder: Path) -> None:
    kept, offloaded = open_model(tiny_folder), open_model(tiny_folder, offload="parts")
    for model in (kept, offloaded):
        for _ in model.prepare("train"):
            pass
    everything = resident(kept)
    for phase, parts in PARTS_OF_PHASE.items():
        for model in (kept, offloaded):
            model.hold(phase)
            assert model.holds(phase)
        assert resident(offloaded) == set(parts)
        assert resident(kept) == everything
    assert not offloaded.holds("joint")


@pytest.mark.parametrize(("step_number", "phase"), [(0, "prior"), (2, "decoder")])
def test_a_step_needs_no_part_of_another_phase(tiny_folder: Path, step_number: int, phase: str) -> None:
    model = open_model(tiny_folder, offload="parts")
    run = tiny_run(model, tiny_spec(objective="split", schedule_steps=4))
    run.state.step = step_number
    for _ in range(2):
        assert run.phase == phase
        step(run)
        assert resident(model) == set(PARTS_OF_PHASE[phase])


def test_an_evaluation_needs_one_half_at_a_time_and_says_the_same(tiny_folder: Path) -> None:
    kept, offloaded = open_model(tiny_folder), open_model(tiny_folder, offload="parts")
    losses: list[object] = []
    for model in (kept, offloaded):
        run = tiny_run(model, tiny_spec(objective="split", schedule_steps=4))
        step(run)
        seen = [resident(model) for _ in run.evaluate()]
        losses.append(run.state.evaluations[0])
    assert losses[0] == losses[1]
    assert {frozenset(parts) for parts in seen} == {frozenset(PARTS_OF_PHASE[half]) for half in ("prior", "decoder")}


def test_after_a_joint_step_an_evaluation_reads_nothing_again(tiny_folder: Path) -> None:
    model = open_model(tiny_folder, offload="parts")
    run = tiny_run(model, tiny_spec())
    step(run)
    unet = model.unet
    assert all(model.unet is unet for _ in run.evaluate())
    assert resident(model) == set(PARTS_OF_PHASE["joint"])


def test_no_weight_of_the_prior_is_held_twice(tiny_folder: Path) -> None:
    model = open_model(tiny_folder)
    loose: Any = model.prior
    joined = loose._blocks[0].qkv_weight.untyped_storage().data_ptr()
    assert model.prior.prior.transformer_blocks[0].attn1.to_k.weight.untyped_storage().data_ptr() == joined


def relative(actual: torch.Tensor, wanted: torch.Tensor) -> float:
    return float((actual - wanted).abs().max() / wanted.abs().max())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_other_dtypes_compute_nearly_the_same_and_give_fp32(goldens: Path, dtype: torch.dtype) -> None:
    golden = read_golden_folder(goldens / "kandinsky-2.1")
    original = checked(golden.model)
    folder = goldens / "kandinsky-2.1"
    model = Kandinsky(recognise(folder).read(), default_settings(KANDINSKY21), "f", dtype=dtype)
    bound = 0.05 if dtype is torch.bfloat16 else 0.01
    with torch.inference_mode():
        t1 = model.t1.encode(golden["text_encoder.input_ids"], None)
        t2 = model.t2.encode(golden["clip.tokens"], golden["clip.mask"], None, "eot")
        keys = model.prior.encode_text(t2)
        wanted_keys = original.prior.encode_text(
            original.t2.encode(golden["clip.tokens"], golden["clip.mask"], None, "eot")
        )
        noised = torch.randn(len(golden["clip.tokens"]), 32, generator=torch.Generator().manual_seed(0))
        checks = [
            (t1.context_BPD, golden["text_encoder.full"]),
            (t1.pooled_BE, golden["text_encoder.pooled"]),
            (t2.pooled_BE, golden["clip.text_pooled"]),
            (model.embed_pictures(golden["clip.image"]), golden["clip.image_embed"]),
            (model.prior.predict(noised, 300, keys), original.prior.predict(noised, 300, wanted_keys)),
            (model.encode_picture(golden["movq.image"]), golden["movq.latents"]),
            (model.decode_latents(golden["movq.latents"]), golden["movq.decoded"]),
        ]
    for actual, wanted in checks:
        assert actual.dtype == torch.float32
        assert relative(actual, wanted) < bound
    assert model.unet.dtype == dtype
    assert model.prior.prior.clip_std.dtype == torch.float32
    assert model.size_bytes("unet") * 2 == golden_size(original)


def test_the_priors_statistics_stay_exact_in_any_dtype(tiny_folder: Path, tmp_path: Path) -> None:
    folder = linked_copy(tiny_folder, tmp_path / "model")
    path = folder / "kandinsky-2-1-prior" / "prior" / "diffusion_pytorch_model.safetensors"
    thirds = {"clip_mean": torch.full((1, 32), 1 / 3), "clip_std": torch.full((1, 32), 2 / 3)}
    tensors = {**load_file(path), **thirds}
    path.unlink()
    save_file(tensors, path)
    prior = open_model(folder, dtype=torch.bfloat16).prior
    assert prior.dtype == torch.bfloat16
    assert all(torch.equal(prior.prior.get_parameter(name), value) for name, value in thirds.items())


def golden_size(model: Kandinsky) -> int:
    _ = model.unet
    return model.size_bytes("unet")


def test_the_gradient_of_rows_passes_through_bf16_towers(tiny_folder: Path) -> None:
    gradients: list[tuple[torch.Tensor, torch.Tensor]] = []
    for dtype in (torch.float32, torch.bfloat16):
        model = open_model(tiny_folder, dtype=dtype)
        encoder = model.encoder({})
        batch = Batch.of([encoder.ids(text) for text in ("a photo of a cat", "a red train")], "eot")
        t1_ids, (t2_ids, t2_mask) = batch.padded("t1", model.t1_pad_id)[0], batch.padded("t2", 0)
        vocabulary_t1, vocabulary_t2 = model.t1.rows.vocabulary_size, model.t2.rows.vocabulary_size
        rows = (torch.full((1, 32), 0.02, requires_grad=True), torch.full((1, 32), 0.02, requires_grad=True))
        t1_ids[:, 1] = vocabulary_t1
        t2_ids[:, 1] = vocabulary_t2
        t1 = model.t1.encode(t1_ids, rows[0])
        t2 = model.t2.encode(t2_ids, t2_mask, rows[1], "eot")
        image = model.prior.predict(torch.ones(2, 32), 500, model.prior.encode_text(t2))
        loss = t1.context_BPD.square().sum() + t1.pooled_BE.sum() + image.square().sum()
        first, second = torch.autograd.grad(loss, rows)
        assert first.dtype == second.dtype == torch.float32
        gradients.append((first, second))
    for exact, rounded in zip(*gradients, strict=True):
        assert torch.cosine_similarity(exact, rounded).item() > 0.95


def test_latents_are_on_the_models_device(tiny: Kandinsky) -> None:
    assert encoded(tiny).latent(0).device == tiny.device
