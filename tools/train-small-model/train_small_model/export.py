"""Writes the trained parts in diffusers' layout, fp16, without the private rows."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from diffusers import DDPMScheduler, UnCLIPScheduler
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPImageProcessor

from . import clip, inpaint, judge, models, movq, prior, unet, xlmr
from .glyphs import judge_classes
from .vocabulary import BACKGROUNDS

if TYPE_CHECKING:
    from .stages import Place

NAME = "kandinsky-2.1-small"


def run(place: Place) -> None:
    """The ``export`` stage. A part that has no checkpoint yet is written untrained, with a warning."""
    torch.manual_seed(0)
    target = place.repository / "models" / NAME
    decoder, prior_root = target / "kandinsky-2-1", target / "kandinsky-2-1-prior"
    m = place.config.model
    towers = _or_untrained(lambda: clip.load(place), lambda: clip.ClipTrainer(place), "clip")
    text, vision = towers.text, towers.vision
    multilingual = _or_untrained(lambda: xlmr.load(place), lambda: xlmr.build(place), "xlmr")
    _drop_private_rows(text.text_model.embeddings, "token_embedding", clip.text_sizes(place, "clip")[0])
    text.config.vocab_size = clip.text_sizes(place, "clip")[0]
    _drop_private_rows(multilingual.transformer.embeddings, "word_embeddings", clip.text_sizes(place, "xlmr")[0])
    multilingual.config.vocab_size = clip.text_sizes(place, "xlmr")[0]
    size = place.config.data.image_size
    parts: dict[Path, nn.Module] = {
        decoder / "text_encoder": multilingual,
        decoder / "movq": _or_untrained(lambda: movq.load(place), lambda: models.movq(m, size), "movq"),
        decoder / "unet": _or_untrained(lambda: unet.load(place), lambda: models.unet(m), "unet"),
        prior_root / "text_encoder": text,
        prior_root / "image_encoder": vision,
        prior_root / "prior": _or_untrained(lambda: prior.load(place), lambda: models.prior(m), "prior"),
    }
    for folder, module in parts.items():
        shutil.rmtree(folder, ignore_errors=True)
        module.half().save_pretrained(folder, safe_serialization=True)
        _neutral_names(folder / "config.json")
    _tokenizers(place, decoder / "tokenizer", prior_root / "tokenizer")
    _scheduler().save_pretrained(decoder / "scheduler")
    UnCLIPScheduler(
        num_train_timesteps=1000, variance_type="fixed_small_log", clip_sample=True, clip_sample_range=10.0,
        prediction_type="sample",
    ).save_pretrained(prior_root / "scheduler")  # fmt: skip
    CLIPImageProcessor(
        size={"shortest_edge": size}, crop_size={"height": size, "width": size}, image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    ).save_pretrained(prior_root / "image_processor")  # fmt: skip
    _indices(decoder, prior_root)
    _judge(place, target / "judge")
    embeddings = (multilingual.transformer.embeddings.word_embeddings, text.text_model.embeddings.token_embedding)
    _registry_entry(target / "murnau.yaml", size, [float(e.weight.float().square().mean().sqrt()) for e in embeddings])
    total = sum(f.stat().st_size for f in target.rglob("*") if f.is_file())
    print(f"exported {target.name}: {total / 1e6:.2f} MB", flush=True)


def run_inpaint(place: Place) -> None:
    """The ``export-inpaint`` stage: the inpainting decoder's own weights; its other parts are kandinsky-2-1's."""
    target = place.repository / "models" / NAME / "kandinsky-2-1-inpaint"
    shutil.rmtree(target, ignore_errors=True)
    inpaint.load(place).half().save_pretrained(target / "unet", safe_serialization=True)
    _neutral_names(target / "unet" / "config.json")
    _scheduler().save_pretrained(target / "scheduler")
    (target / "model_index.json").write_text(_index("KandinskyInpaintPipeline", **DECODER_PARTS), "utf-8")
    print(f"exported {target.name}: {sum(f.stat().st_size for f in target.rglob('*')) / 1e6:.2f} MB", flush=True)


def _or_untrained(load: Callable[[], nn.Module], build: Callable[[], nn.Module], name: str) -> nn.Module:
    try:
        return load()
    except FileNotFoundError:
        print(f"export: {name} has no checkpoint, written untrained", flush=True)
        return build()


def _drop_private_rows(owner: nn.Module, attribute: str, vocab_size: int) -> None:
    table = getattr(owner, attribute)
    kept = nn.Embedding(vocab_size, table.embedding_dim, padding_idx=table.padding_idx)
    kept.weight = nn.Parameter(table.weight[:vocab_size].detach().clone(), requires_grad=False)
    setattr(owner, attribute, kept)


def _neutral_names(path: Path) -> None:
    config = json.loads(path.read_text("utf-8"))
    config.pop("_name_or_path", None)
    path.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _tokenizers(place: Place, xlmr_folder: Path, clip_folder: Path) -> None:
    for source, folder in (("tokenizer-xlmr", xlmr_folder), ("tokenizer-clip", clip_folder)):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(place.work / source, folder)
        path = folder / "tokenizer.json"  # Written compactly: the indented form is half blanks.
        compact = json.dumps(json.loads(path.read_text("utf-8")), ensure_ascii=False, separators=(",", ":"))
        path.write_text(compact, "utf-8")


def _scheduler() -> DDPMScheduler:
    return DDPMScheduler(
        num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="linear", clip_sample=True,
        clip_sample_range=2.0, prediction_type="epsilon", variance_type="learned_range", thresholding=True,
        dynamic_thresholding_ratio=0.995, sample_max_value=2.0,
    )  # fmt: skip


DECODER_PARTS = {
    "text_encoder": ["kandinsky", "MultilingualCLIP"], "tokenizer": ["transformers", "XLMRobertaTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"], "movq": ["diffusers", "VQModel"],
    "scheduler": ["diffusers", "DDPMScheduler"],
}  # fmt: skip


def _indices(decoder: Path, prior_root: Path) -> None:
    (decoder / "model_index.json").write_text(_index("KandinskyPipeline", **DECODER_PARTS), "utf-8")
    (prior_root / "model_index.json").write_text(_index(
        "KandinskyPriorPipeline", prior=["diffusers", "PriorTransformer"],
        image_encoder=["transformers", "CLIPVisionModelWithProjection"],
        text_encoder=["transformers", "CLIPTextModelWithProjection"], tokenizer=["transformers", "CLIPTokenizer"],
        image_processor=["transformers", "CLIPImageProcessor"], scheduler=["diffusers", "UnCLIPScheduler"],
    ), "utf-8")  # fmt: skip


def _index(pipeline: str, **parts: list[str]) -> str:
    return json.dumps({"_class_name": pipeline, "_diffusers_version": "0.42.1", **parts}, indent=2) + "\n"


def _judge(place: Place, folder: Path) -> None:
    classes = judge_classes(place.glyphs)
    model = _or_untrained(lambda: judge.load(place), lambda: judge.Judge(len(classes)), "judge")
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, folder / "model.safetensors")
    config = {
        "arch": "conv-groupnorm-relu-maxpool",
        "comment": "features.{4i}: Conv2d 3x3 padding 1; features.{4i+1}: GroupNorm(8); ReLU; MaxPool2d(2); per "
        "width in `widths`; then AvgPool2d(2), flatten (C, H, W), classify: Linear, softmax. Input RGB.",
        "input_size": judge.INPUT_SIZE, "input_range": [-1, 1], "widths": judge.WIDTHS, "norm_groups": 8,
        "classes": classes,
        "background": {
            "comment": "the nearest of these colours to the median pixel of the picture's border",
            "border_pixels": judge.BORDER, "colours": {name: list(rgb) for name, rgb in BACKGROUNDS.items()},
        },
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _registry_entry(path: Path, size: int, rms: list[float]) -> None:
    path.write_text(
        f"""# Registry entry of the small Kandinsky 2.1 that ships with murnau. Trained by tools/train-small-model.
name: {NAME}
family: kandinsky-2.1
# Trained on renderings of Noto Color Emoji (OFL-1.1) and the labels of emojibase (MIT).
licence: Apache-2.0
image_size: 64
movq_scale_factor: 4
guidance_scale: 2.5
num_steps: 30
prior_guidance_scale: 4.0
prior_steps: 5
dtype: float32
vocabulary_rms:
  t1: {rms[0]:.5f}
  t2: {rms[1]:.5f}
# Relative to the vocabulary's RMS: the learning rate is the factor times the RMS.
relative_learning_rate:
  t1: {T1_RATE}
  t2: {T2_RATE}
initializer_tokens: [animal, bird, fruit, vehicle, instrument, dessert, toy]
judge: judge
languages: [en, de, fr, ru]
""",
        "utf-8",
    )


T1_RATE, T2_RATE = 0.2, 0.2
