"""Converting to diffusers' folders, and fingerprints: what they depend on."""

from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, PriorTransformer, UnCLIPScheduler, UNet2DConditionModel, VQModel
from diffusers.pipelines.kandinsky.text_encoder import MultilingualCLIP
from golden_files import check
from model_folders import linked_copy
from transformers import CLIPTextModelWithProjection, CLIPTokenizer, CLIPVisionModelWithProjection, XLMRobertaTokenizer

from murnau_worker.__main__ import main
from murnau_worker.core.device_memory import free_memory
from murnau_worker.core.errors import WorkerError
from murnau_worker.families.conversion import convert_model
from murnau_worker.families.kandinsky21.description import KANDINSKY21, PART_NAMES
from murnau_worker.families.kandinsky21.goldens import checked
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.families.layouts import recognise
from murnau_worker.families.settings import default_settings
from murnau_worker.models import fingerprint as fingerprints
from murnau_worker.verify.golden_folder import read_golden_folder

SMALL_MODEL = Path(__file__).resolve().parents[2] / "models" / "kandinsky-2.1-small"


def open_model(folder: Path) -> Kandinsky:
    return Kandinsky(recognise(folder).read(), default_settings(KANDINSKY21), "f", name="m")


def fingerprint_of(folder: Path) -> str:
    return recognise(folder).fingerprint()


@pytest.fixture(scope="module")
def converted(goldens: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converted") / "golden"
    result = convert_model(goldens / "kandinsky-2.1", folder)
    assert [part.name for part in result.parts] == list(PART_NAMES)
    assert {part.dtype for part in result.parts} == {"float32"}
    assert len(result.lacks) == 2  # the golden has no tokenizers
    return folder


def test_a_converted_model_holds_the_same_weights(goldens: Path, converted: Path) -> None:
    before, after = open_model(goldens / "kandinsky-2.1"), open_model(converted)
    assert recognise(converted).layout.name == "diffusers"
    for part in PART_NAMES:
        wanted, tensors = (model.source.read(part, torch.float32).state_dict() for model in (before, after))
        assert list(tensors) == list(wanted)
        assert all(torch.equal(tensors[name], value) for name, value in wanted.items()), part
    assert after.shape == before.shape
    assert after.tasks == before.tasks


def test_a_converted_model_computes_the_same(goldens: Path, converted: Path) -> None:
    golden, after = read_golden_folder(goldens / "kandinsky-2.1"), open_model(converted)
    before = checked(golden.model)
    with torch.inference_mode():
        for model in (before, after):
            check(golden, "movq.latents", model.encode_picture(golden["movq.image"]))
        pairs = [
            [
                model.t1.encode(golden["text_encoder.input_ids"], None).context_BPD,
                model.t2.encode(golden["clip.tokens"], golden["clip.mask"], None, "eot").pooled_BE,
                model.embed_pictures(golden["clip.image"]),
                model.prior.predict(golden["prior.x"], 500, model.empty_text_keys().expanded(len(golden["prior.x"]))),
                drawn(model.unet, golden["unet.x"], golden),
                drawn(model.inpaint_unet, torch.ones(2, 9, 8, 8), golden),
                model.decode_latents(golden["movq.latents"]),
            ]
            for model in (before, after)
        ]
    # Equal weights, elsewhere in memory: a mapped file's tensors are aligned otherwise, which changes the last bits.
    for first, second in zip(*pairs, strict=True):
        assert float((first - second).abs().max() / first.abs().max()) < 1e-6


def drawn(unet: Any, noised: torch.Tensor, golden: Any) -> torch.Tensor:
    count = len(noised)
    given = {"text_embeds": golden["unet.pooled_emb"][:count], "image_embeds": golden["unet.image_emb"][:count]}
    text = golden["unet.full_emb"][:count]
    return unet(noised, golden["unet.t"][:count], encoder_hidden_states=text, added_cond_kwargs=given).sample


def test_a_converted_part_is_a_memory_map(converted: Path) -> None:
    free_memory()  # another test's model may still have the file mapped
    _ = (unet := open_model(converted).unet)
    with Path("/proc/self/maps").open() as maps:
        mapped = [line for line in maps if str(converted / "kandinsky-2-1" / "unet") in line]
    start, end = (int(text, 16) for text in mapped[0].split()[0].split("-"))
    assert all(start <= parameter.data_ptr() < end for parameter in unet.parameters())


def test_stock_diffusers_reads_a_converted_model_of_published_proportions(tiny_folder: Path, tmp_path: Path) -> None:
    convert_model(tiny_folder, tmp_path / "model")
    decoder, prior = tmp_path / "model" / "kandinsky-2-1", tmp_path / "model" / "kandinsky-2-1-prior"
    mine = open_model(tmp_path / "model")
    loads: list[tuple[Any, Path, str]] = [
        (MultilingualCLIP, decoder / "text_encoder", "text_encoder"),
        (UNet2DConditionModel, decoder / "unet", "unet"),
        (VQModel, decoder / "movq", "movq"),
        (CLIPTextModelWithProjection, prior / "text_encoder", "clip_text"),
        (CLIPVisionModelWithProjection, prior / "image_encoder", "clip_image"),
        (PriorTransformer, prior / "prior", "prior"),
    ]
    for kind, folder, part in loads:
        stock = kind.from_pretrained(folder, local_files_only=True).state_dict()
        read: Any = mine.source.read(part, None)  # type: ignore[arg-type]
        assert all(torch.equal(stock[name], value) for name, value in read.state_dict().items()), part
    stock_schedulers: list[Any] = [
        DDIMScheduler.from_pretrained(decoder / "scheduler"),
        UnCLIPScheduler.from_pretrained(prior / "scheduler"),
    ]
    schedulers = {**stock_schedulers[0].config, **stock_schedulers[1].config}
    assert schedulers["beta_end"] == 0.012
    assert schedulers["clip_sample_range"] == 10.0
    assert XLMRobertaTokenizer.from_pretrained(decoder / "tokenizer")("a red train").input_ids
    assert CLIPTokenizer.from_pretrained(prior / "tokenizer")("a red train").input_ids
    assert json.loads((decoder / "model_index.json").read_text())["_class_name"] == "KandinskyPipeline"
    assert mine.tokenizers["t2"].knows("train")
    assert (tmp_path / "model" / "judge" / "config.json").is_file()


def test_an_exact_conversion_keeps_the_fingerprint_and_a_rounded_one_does_not(goldens: Path, tmp_path: Path) -> None:
    source = goldens / "kandinsky-2.1"
    exact = convert_model(source, tmp_path / "exact")
    rounded = convert_model(source, tmp_path / "rounded", torch.float16)
    assert (exact.keeps_fingerprint, rounded.keeps_fingerprint) == (True, False)
    assert {part.dtype for part in rounded.parts} == {"float16", "float16 and float32"}
    assert fingerprint_of(tmp_path / "exact") == fingerprint_of(source)
    assert fingerprint_of(tmp_path / "rounded") != fingerprint_of(source)
    assert rounded.parts[4].size_bytes < 0.55 * exact.parts[4].size_bytes
    weights = tmp_path / "exact" / "kandinsky-2-1" / "movq" / "diffusion_pytorch_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert fingerprint_of(tmp_path / "exact") != fingerprint_of(source)  # the note is of other files


def test_a_target_that_holds_something_is_refused_and_a_failure_leaves_nothing(goldens: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(WorkerError, match="holds something already"):
        convert_model(goldens / "kandinsky-2.1", tmp_path / "full")
    broken = linked_copy(goldens / "kandinsky-2.1", tmp_path / "broken")
    (broken / "2_1" / "movq_final.ckpt").unlink()
    (broken / "2_1" / "movq_final.ckpt").write_bytes(b"PK\x03\x04")
    with pytest.raises(WorkerError, match="movq_final"):
        convert_model(broken, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken", "full"]


def test_a_disk_without_room_is_refused_first(goldens: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: type(usage)(usage.total, usage.total, 1))
    with pytest.raises(WorkerError, match="MB free"):
        convert_model(goldens / "kandinsky-2.1", tmp_path / "out")


def test_the_command_prints_one_result_and_its_progress(
    goldens: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])  # the command sets its own, which must not stay
    assert main(["convert-model", str(goldens / "kandinsky-2.1"), str(tmp_path / "out")]) == 0
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert result["folder"] == str(tmp_path / "out")
    assert sum(part["size_bytes"] for part in result["parts"]) > 6_000_000
    progress = [json.loads(line) for line in printed.err.splitlines()]
    assert [line["model_part"] for line in progress if line["message"] == "converting"] == list(PART_NAMES)
    assert main(["convert-model", str(goldens / "kandinsky-2.1"), str(tmp_path / "out")]) == 1
    assert json.loads(capsys.readouterr().err.splitlines()[-1])["code"] == "spec.invalid"


def test_the_fingerprint_depends_on_what_training_reads(goldens: Path, tmp_path: Path) -> None:
    folder = linked_copy(goldens / "kandinsky-2.1", tmp_path / "model")
    before = fingerprint_of(folder)
    (folder / "2_1" / "inpainting_fp16.ckpt").unlink()
    (folder / "judge").mkdir()
    (folder / "judge" / "model.safetensors").write_bytes(b"scores")
    assert fingerprint_of(folder) == before
    (folder / "2_1" / "movq_final.ckpt").unlink()
    (folder / "2_1" / "movq_final.ckpt").write_bytes(b"others")
    assert fingerprint_of(folder) != before


def test_the_shipped_models_fingerprint_is_what_runs_and_embeddings_were_bound_to(tmp_path: Path) -> None:
    wanted = "6e566feedca79b535022c4bf1557894c1b838686f9ad0132e747c7c6fccb8a32"
    assert fingerprint_of(SMALL_MODEL) == wanted
    without_inpainting = linked_copy(SMALL_MODEL, tmp_path / "model")
    shutil.rmtree(without_inpainting / "kandinsky-2-1-inpaint")
    assert fingerprint_of(without_inpainting) == wanted


def test_digests_of_large_files_are_remembered_until_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprints, "_WORTH_REMEMBERING_BYTES", 4)
    folder, cache = tmp_path / "model", tmp_path / "cache"
    folder.mkdir()
    weights = folder / "a.safetensors"
    weights.write_bytes(b"weights")
    before = fingerprints.fingerprint_of(folder, cache)
    assert before == fingerprints.fingerprint_of(folder)
    assert len(list((cache / "digests").iterdir())) == 1
    kept = weights.stat()
    weights.write_bytes(b"WEIGHTS")
    os.utime(weights, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert fingerprints.fingerprint_of(folder, cache) == before  # remembered: nothing but the content changed
    os.utime(weights, ns=(kept.st_atime_ns, kept.st_mtime_ns + 1))
    assert fingerprints.fingerprint_of(folder, cache) == fingerprints.fingerprint_of(folder) != before
