"""Model folders: what is missing, what is optional, odd widths, forms of files, tokenizers."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import pytest
import torch
from golden_files import check
from model_folders import linked_copy, script_archive
from safetensors.torch import save_file

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.kandinsky21.description import KANDINSKY21
from murnau_worker.families.kandinsky21.goldens import checked
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.families.kandinsky21.original_tokenizers import read_clip_tokenizer
from murnau_worker.families.layouts import recognise
from murnau_worker.families.settings import default_settings
from murnau_worker.models.safe_pickle import load_state_dict
from murnau_worker.verify.golden_folder import read_golden_folder

SMALL_MODEL = Path(__file__).resolve().parents[2] / "models" / "kandinsky-2.1-small"


@pytest.fixture
def original(goldens: Path, tmp_path: Path) -> Path:
    """A folder in the original's layout whose files may be replaced."""
    return linked_copy(goldens / "kandinsky-2.1", tmp_path / "original")


def open_model(folder: Path) -> Kandinsky:
    return Kandinsky(recognise(folder).read(), default_settings(KANDINSKY21), "f", name="m")


def refusal(folder: Path) -> str:
    with pytest.raises(WorkerError) as error:
        open_model(folder)
    assert error.value.code == "model.unreadable"
    return error.value.message


def test_a_folder_of_no_layout_says_what_was_looked_for(tmp_path: Path) -> None:
    message = refusal(tmp_path)
    assert "kandinsky-2-1-prior" in message
    assert "2_1/" in message


def test_every_missing_part_of_the_original_layout_is_listed(original: Path) -> None:
    for name in (
        "2_1/prior_fp16.ckpt",
        "2_1/movq_final.ckpt",
        "clip/ViT-L-14.pt",
        "2_1/text_encoder/pytorch_model.bin",
    ):
        (original / name).unlink()
    message = refusal(original)
    assert "prior (looked for 2_1/prior_fp16.ckpt)" in message
    assert "movq (looked for 2_1/movq_final.ckpt)" in message
    assert "clip_text (looked for clip/ViT-L-14.pt or ViT-L-14.pt or 2_1/ViT-L-14.pt)" in message
    assert "2_1/text_encoder/pytorch_model.bin or 2_1/text_encoder/model.safetensors" in message
    assert "unet" not in message


def test_every_missing_part_of_diffusers_layout_is_listed(tiny_folder: Path, tmp_path: Path) -> None:
    folder = linked_copy(tiny_folder, tmp_path / "model")
    (folder / "kandinsky-2-1" / "movq" / "config.json").unlink()
    shutil.rmtree(folder / "kandinsky-2-1-prior")
    message = refusal(folder)
    for part in ("movq", "clip_text", "clip_image", "prior"):
        assert f"{part} (looked for" in message
    assert "text_encoder (looked for kandinsky-2-1/" not in message


@pytest.mark.parametrize("place", ["ViT-L-14.pt", "2_1/ViT-L-14.pt"])
def test_clip_may_lie_elsewhere(original: Path, place: str) -> None:
    (original / "clip" / "ViT-L-14.pt").rename(original / place)
    assert open_model(original).t2.context_length == 77


def test_inpainting_is_offered_only_where_its_part_is(original: Path) -> None:
    assert open_model(original).tasks == ("train", "text2img", "fuse", "inpaint", "img2img")
    assert open_model(original).inpaint_unet.config.in_channels == 9
    (original / "2_1" / "inpainting_fp16.ckpt").unlink()
    model = open_model(original)
    assert "inpaint" not in model.tasks
    with pytest.raises(WorkerError, match=r"2_1/inpainting_fp16\.ckpt") as error:
        model.inpaint_unet  # noqa: B018
    assert error.value.code == "model.task_not_served"
    with pytest.raises(WorkerError):
        list(model.prepare("inpaint"))


def test_clip_as_a_torchscript_archive_computes_the_same(original: Path) -> None:
    path = original / "clip" / "ViT-L-14.pt"
    tensors = load_state_dict(path)
    path.unlink()
    script_archive(tensors, path)
    golden = read_golden_folder(original)
    with torch.inference_mode():
        text = checked(golden.model).t2.encode(golden["clip.tokens"], golden["clip.mask"], None, "eot")
        check(golden, "clip.text_pooled", text.pooled_BE)
        check(golden, "clip.image_embed", checked(golden.model).clip_image(golden["clip.image"]).image_embeds)


def test_a_movq_saved_by_a_training_framework_and_fp16_files_are_read(original: Path) -> None:
    movq = original / "2_1" / "movq_final.ckpt"
    tensors = load_state_dict(movq)
    movq.unlink()
    torch.save({"state_dict": tensors, "global_step": 7}, movq)
    prior = original / "2_1" / "prior_fp16.ckpt"
    halves = {name: value.half() for name, value in load_state_dict(prior).items()}
    prior.unlink()
    torch.save(halves, prior)
    golden = read_golden_folder(original)
    check(golden, "movq.latents", golden.model.encode_picture(golden["movq.image"]))
    assert checked(golden.model).prior.dtype == torch.float32


def test_a_damaged_part_is_named_when_it_is_read(original: Path) -> None:
    path = original / "2_1" / "prior_fp16.ckpt"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(WorkerError, match=r"prior_fp16.ckpt can not be read as a checkpoint: it is cut short"):
        open_model(original).prior  # noqa: B018


def test_a_part_of_another_model_is_refused(original: Path) -> None:
    path = original / "2_1" / "decoder_fp16.ckpt"
    tensors = load_state_dict(path)
    path.unlink()
    torch.save({name: value for name, value in tensors.items() if not name.startswith("middle_block")}, path)
    with pytest.raises(WorkerError) as error:
        open_model(original).unet  # noqa: B018
    assert error.value.code == "model.unreadable"


def test_a_cut_safetensors_file_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    folder = linked_copy(tiny_folder, tmp_path / "model")
    path = folder / "kandinsky-2-1" / "unet" / "diffusion_pytorch_model.safetensors"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(WorkerError, match="unet") as error:
        open_model(folder).unet  # noqa: B018
    assert error.value.code == "model.unreadable"


def test_shards_and_pickled_weights_of_diffusers_layout_are_read(tiny_folder: Path, tmp_path: Path) -> None:
    folder = linked_copy(tiny_folder, tmp_path / "model")
    whole = open_model(tiny_folder)
    unet = folder / "kandinsky-2-1" / "unet"
    (unet / "diffusion_pytorch_model.safetensors").unlink()
    torch.save(whole.unet.state_dict(), unet / "diffusion_pytorch_model.bin")
    movq = folder / "kandinsky-2-1" / "movq"
    (movq / "diffusion_pytorch_model.safetensors").unlink()
    tensors = {name: value.clone() for name, value in whole.movq.state_dict().items()}
    shards = {"a.safetensors": list(tensors)[::2], "b.safetensors": list(tensors)[1::2]}
    for shard, names in shards.items():
        save_file({name: tensors[name] for name in names}, movq / shard)
    index = {"weight_map": {name: shard for shard, names in shards.items() for name in names}}
    (movq / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))
    split = open_model(folder)
    for part in ("unet", "movq"):
        for name, value in getattr(whole, part).state_dict().items():
            assert torch.equal(getattr(split, part).state_dict()[name], value)


def test_widths_are_known_without_loading(original: Path, tiny_folder: Path) -> None:
    for folder in (original, tiny_folder):
        model = open_model(folder)
        shape = model.shape
        assert not any(model.is_resident(part) for part in model.source.parts)
        assert shape.widths["t1"] == model.t1.rows.weight.shape[1]
        assert shape.widths["t2"] == model.t2.rows.weight.shape[1]
        assert shape.contexts["t2"] == model.t2.context_length
        assert shape.latent_factor == 2 ** (len(model.movq.config.block_out_channels) - 1)
        assert shape.latent_multiple == 2 ** (len(model.unet.config.block_out_channels) - 1)
        assert shape.sample_size == model.unet.config.sample_size


MERGES = ("t r", "a i", "ai n</w>", "tr ain</w>", "p h", "c a")


def write_bpe(path: Path, merges: tuple[str, ...] = MERGES) -> None:
    path.write_bytes(gzip.compress(("# version\n" + "\n".join([*merges, "s a", "n a"]) + "\n").encode()))


def test_clips_tokenizer_is_built_from_openais_file(tmp_path: Path) -> None:
    write_bpe(tmp_path / "bpe_simple_vocab_16e6.txt.gz")
    size = 512 + len(MERGES) + 2
    tokenizer = read_clip_tokenizer((tmp_path,), size)
    assert len(tokenizer.get_vocab()) == size
    train = 512 + MERGES.index("tr ain</w>")
    assert tokenizer("a Train").input_ids == [size - 2, 256 + ord("a") - ord("!"), train, size - 1]
    with pytest.raises(WorkerError, match="holds 8 usable merges, CLIP's text tower of 600 tokens needs 86"):
        read_clip_tokenizer((tmp_path,), 600)


def test_tokenizers_of_the_original_layout(original: Path) -> None:
    model = open_model(original)
    with pytest.raises(WorkerError, match=r"put XLM-R's tokenizer.json or sentencepiece.bpe.model into .*text_encoder"):
        model.tokenizers  # noqa: B018
    source = SMALL_MODEL / "kandinsky-2-1" / "tokenizer"
    shutil.copy(source / "sentencepiece.bpe.model", original / "2_1" / "text_encoder")
    with pytest.raises(WorkerError, match=r"put bpe_simple_vocab_16e6.txt.gz .* into .*clip"):
        model.tokenizers  # noqa: B018
    write_bpe(original / "clip" / "bpe_simple_vocab_16e6.txt.gz")
    with pytest.raises(WorkerError, match="of 512 tokens needs"):
        model.tokenizers  # noqa: B018

    path = original / "clip" / "ViT-L-14.pt"
    clip = load_state_dict(path)
    path.unlink()
    table = clip["token_embedding.weight"]
    torch.save({**clip, "token_embedding.weight": torch.cat([table, table[: len(MERGES) + 2]])}, path)
    tokenizers = open_model(original).tokenizers
    assert tokenizers["t2"].knows("train")
    assert tokenizers["t2"].context_length == 77
    assert tokenizers["t1"].ids("train")
    wanted = open_model(SMALL_MODEL).tokenizers["t1"]
    assert tokenizers["t1"].ids("a photo of a red train") == wanted.ids("a photo of a red train")


def test_clips_tokenizer_from_transformers_files_must_fit(original: Path) -> None:
    source = SMALL_MODEL / "kandinsky-2-1-prior" / "tokenizer"
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(source / name, original / "clip")
    vocabulary = json.loads((source / "vocab.json").read_text())
    with pytest.raises(WorkerError, match=f"holds {len(vocabulary)} tokens, CLIP's text tower 512"):
        read_clip_tokenizer((original / "clip",), 512)
    read = read_clip_tokenizer((original / "clip",), len(vocabulary))
    wanted = open_model(SMALL_MODEL).tokenizers["t2"]
    assert list(read("a photo of a red train", add_special_tokens=False).input_ids) == wanted.ids(
        "a photo of a red train"
    )


def test_a_diffusers_folder_without_tokenizers_says_what_to_put_where(tiny_folder: Path, tmp_path: Path) -> None:
    folder = linked_copy(tiny_folder, tmp_path / "model")
    shutil.rmtree(folder / "kandinsky-2-1-prior" / "tokenizer")
    with pytest.raises(WorkerError, match=r"put tokenizer.json or vocab.json with merges.txt into .*prior/tokenizer"):
        open_model(folder).tokenizers  # noqa: B018
