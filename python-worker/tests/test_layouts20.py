"""Kandinsky 2.0's folders: the original's, the converted one, odd files in them, and what is missing."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import pytest
import torch
from golden_files import check
from model_folders import linked_copy
from small20 import SOURCE, load

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.conversion import convert_model
from murnau_worker.families.kandinsky20.description import KANDINSKY20
from murnau_worker.families.kandinsky20.goldens import checked
from murnau_worker.families.layouts import recognise
from murnau_worker.models.safe_pickle import load_state_dict
from murnau_worker.verify.golden_folder import read_golden_folder


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """A folder in the original's layout whose files may be replaced."""
    return linked_copy(SOURCE, tmp_path / "original")


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converted20") / "model"
    result = convert_model(SOURCE, folder)
    assert [part.name for part in result.parts] == list(KANDINSKY20.part_names)
    dtypes = {part.name: part.dtype for part in result.parts}
    assert dtypes["unet"] == dtypes["vae"] == dtypes["text_join"] == "float16", "as the files hold them"
    assert dtypes["text_encoder"] == "float32"
    assert (result.keeps_fingerprint, result.lacks) == (True, [])
    return folder


def test_both_layouts_are_recognised_as_one_model(converted: Path) -> None:
    before, after = recognise(SOURCE), recognise(converted)
    assert (before.family.description, before.layout.name) == (KANDINSKY20, "original")
    assert (after.family.description, after.layout.name) == (KANDINSKY20, "diffusers")
    assert before.fingerprint() == after.fingerprint()
    assert load(SOURCE).shape == load(converted).shape
    assert load(SOURCE).tasks == load(converted).tasks == ("train", "text2img", "inpaint", "img2img")


def test_a_converted_model_holds_the_same_weights_and_reads_the_same_prompts(converted: Path) -> None:
    before, after = load(SOURCE), load(converted)
    for part in KANDINSKY20.part_names:
        wanted, found = (model.source.read(part, torch.float32).state_dict() for model in (before, after))
        assert list(found) == list(wanted)
        assert all(torch.equal(found[name], value) for name, value in wanted.items()), part
    for prompt in ("a red cat on the table, 4k photo ", "  Ёжик & naïve", " "):
        for tower in ("t1", "t2"):
            assert after.tokenizers[tower].ids(prompt) == before.tokenizers[tower].ids(prompt)


def test_a_converted_model_computes_the_same(converted: Path) -> None:
    golden, after = read_golden_folder(SOURCE), load(converted)
    for name, output in golden.goldens.parts(after, golden.tensors, SOURCE):
        if golden[name].is_floating_point():
            check(golden, name, output)


def test_mt5s_table_is_stored_and_held_once(converted: Path) -> None:
    model = load(converted)
    encoder = model.t2.encoder
    assert encoder.shared is encoder.encoder.embed_tokens
    stored = (converted / "kandinsky-2-0" / "text_encoder_2" / "model.safetensors").stat().st_size
    assert stored < 1.1 * (SOURCE / "2_0" / "text_encoder2" / "pytorch_model.bin").stat().st_size


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_mt5_is_held_in_half_precision_but_for_what_overflows(dtype: torch.dtype) -> None:
    module = load(SOURCE).source.read("text_encoder_2", dtype)
    dtypes = {name: value.dtype for name, value in module.state_dict().items()}
    wide = [name for name in dtypes if name.endswith(".wo.weight")]
    assert {dtypes[name] for name in wide} == {torch.float32 if dtype is torch.float16 else dtype}
    assert {of for name, of in dtypes.items() if name not in wide} == {dtype}


def test_every_missing_part_is_listed(original: Path) -> None:
    for name in ("vae.ckpt", "Kandinsky-2-0.pt", "text_encoder2/config.json"):
        (original / "2_0" / name).unlink()
    with pytest.raises(WorkerError) as error:
        load(original)
    message = error.value.message
    assert "vae (looked for 2_0/vae.ckpt)" in message
    assert "unet (looked for 2_0/Kandinsky-2-0.pt)" in message
    assert "text_encoder_2 (looked for 2_0/text_encoder2/config.json)" in message
    assert "inpaint" not in message


def test_inpainting_is_offered_only_where_its_file_is(original: Path) -> None:
    fingerprint = recognise(original).fingerprint()
    (original / "2_0" / "Kandinsky-2-0-inpainting.pt").unlink()
    model = load(original)
    assert model.tasks == ("train", "text2img", "img2img")
    with pytest.raises(WorkerError, match=r"2_0/Kandinsky-2-0-inpainting\.pt") as error:
        list(model.prepare("inpaint"))
    assert error.value.code == "model.task_not_served"
    assert recognise(original).fingerprint() == fingerprint


def test_a_training_checkpoints_own_classes_stay_inert(original: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = original / "2_0" / "vae.ckpt"
    tensors = load_state_dict(path, None)
    module = types.ModuleType("pytorch_lightning")
    module.Callback = type("Callback", (), {"__module__": "pytorch_lightning"})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pytorch_lightning", module)
    path.unlink()
    torch.save({"state_dict": tensors, "callbacks": [module.Callback()], "epoch": 3}, path)
    monkeypatch.delitem(sys.modules, "pytorch_lightning")
    golden = read_golden_folder(original)
    posterior = checked(golden.model).posterior(golden["vae.in.x"].float())
    check(golden, "vae.mean", posterior.mean)


class Command:
    """What a hostile file would run."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1",)


def test_a_file_that_would_run_something_is_refused(original: Path) -> None:
    path = original / "2_0" / "Kandinsky-2-0.pt"
    path.unlink()
    torch.save({"to_model_dim.weight": Command()}, path)
    with pytest.raises(WorkerError, match="is refused: it asks for"):
        load(original).source.read("unet", None)


def test_a_head_width_is_the_configurations_or_the_published(original: Path) -> None:
    def heads() -> int:
        attention = load(original).unet("text2img").mid_block.attentions[0]
        return int(attention.heads)

    assert heads() == 64 // 16
    path = original / "tiny_config.json"
    content = json.loads(path.read_text("utf-8"))
    path.unlink()
    assert heads() == 1
    content["model_config"]["num_head_channels"] = 32
    (original / "config.json").write_text(json.dumps(content))
    assert heads() == 2


def test_a_folder_without_tokenizers_says_what_to_put_where(original: Path) -> None:
    (original / "2_0" / "text_encoder2" / "spiece.model").unlink()
    with pytest.raises(WorkerError, match=r"put T5's tokenizer.json or spiece.model into .*text_encoder2"):
        load(original).tokenizers  # noqa: B018


def test_a_sentencepiece_model_reads_as_the_whole_tokenizer(original: Path) -> None:
    prompts = ("красная кошка сидит на столе", "a red cat on the table, 4k photo ", "naïve  ﬁsh 猫 🦙  42%")
    whole = load(original).tokenizers["t1"]
    (original / "2_0" / "text_encoder1" / "tokenizer.json").unlink()
    of_model = load(original).tokenizers["t1"]
    for prompt in prompts:
        assert of_model.with_ends(of_model.ids(prompt)) == whole.with_ends(whole.ids(prompt)), prompt
