"""Exported files in diffusers' own pipelines, loaded by the very code of docs/diffusers.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from draw_client import embedding

from murnau_worker.engine.served_models import ServedModels
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.text.embedding_file import LearntEmbedding, write_diffusers
from murnau_worker.text.prompt_reader import read_with

SMALL_MODEL = Path(__file__).resolve().parents[2] / "models" / "kandinsky-2.1-small"
DOCS = Path(__file__).parents[2] / "docs" / "diffusers.md"
PROMPTS = (
    "a photo of a lumicar",
    "a photo of a lumicar, in snow",
    "Lumicar  and the lumicars",
    "a red bird on the lumicar's back (lumicar)",
    "a photo of a red car",
    "",
)


@pytest.fixture(scope="module")
def small() -> Kandinsky:
    """The shipped model in memory."""
    model = ServedModels({"small": SMALL_MODEL}).load("small")
    assert isinstance(model, Kandinsky)
    return model


def documented_code(exported: Path) -> str:
    """The documentation's program with the names of its files, and its sizes, put in their place."""
    [code] = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.S)
    here = {
        '"kandinsky-community/kandinsky-2-1-prior"': repr(str(SMALL_MODEL / "kandinsky-2-1-prior")),
        '"kandinsky-community/kandinsky-2-1"': repr(str(SMALL_MODEL / "kandinsky-2-1")),
        '"lumicar/prior.safetensors"': repr(str(exported / "prior.safetensors")),
        '"lumicar/decoder.safetensors"': repr(str(exported / "decoder.safetensors")),
        "height=512": "height=64",
        "width=512": "width=64",
        "num_inference_steps=25": "num_inference_steps=2",
        "num_inference_steps=50": "num_inference_steps=2",
    }
    for written, meant in here.items():
        assert code.count(written) == 1, written
        code = code.replace(written, meant)
    return code


def follow_the_docs(learnt: LearntEmbedding, folder: Path) -> dict[str, Any]:
    (folder / "decoder.safetensors").write_bytes(write_diffusers(learnt, "t1"))
    (folder / "prior.safetensors").write_bytes(write_diffusers(learnt, "t2"))
    names: dict[str, Any] = {}
    exec(documented_code(folder), names)
    return names


@pytest.mark.parametrize(("num_vectors", "pooling"), [(1, "eot"), (1, "argmax"), (3, "eot"), (3, "argmax")])
def test_the_documented_code_gives_what_our_own_encoders_give(
    small: Kandinsky, tmp_path: Path, num_vectors: int, pooling: str
) -> None:
    learnt = embedding("lumicar", seed=2, width=small.widths["t1"], pooling=pooling, num_vectors=num_vectors)
    names = follow_the_docs(learnt, tmp_path)
    assert names["image"].size == (64, 64)
    reader = read_with(small, [learnt])
    assert set(reader.rows) == {"t1", "t2"}
    for prompt in PROMPTS:
        batch = reader.batch([prompt])
        with torch.inference_mode():
            t1 = small.t1.encode(batch.padded("t1", small.t1_pad_id)[0], reader.rows["t1"])
            t2 = small.t2.encode(*batch.padded("t2", 0), reader.rows["t2"], batch.poolings)
            # Without guidance nothing of an empty prompt is added.
            pooled_1, context, _ = names["decoder"]._encode_prompt(names["for_decoder"](prompt), "cpu", 1, False)
            pooled_2, sequence, mask = names["prior"]._encode_prompt(names["for_prior"](prompt), "cpu", 1, False)
        kept = t2.sequence_BLD.shape[1]
        assert int(mask.sum()) == kept, prompt
        pairs = (
            (pooled_1, t1.pooled_BE),
            (context, t1.context_BPD),
            (pooled_2, t2.pooled_BE),
            (sequence[:, :kept], t2.sequence_BLD),
        )
        for theirs, ours in pairs:
            assert float((theirs - ours).abs().max() / ours.abs().max()) < 2e-5, prompt


def test_without_the_right_end_of_text_the_pooled_feature_is_another(small: Kandinsky, tmp_path: Path) -> None:
    """What the documentation warns of."""
    names = follow_the_docs(embedding("lumicar", seed=2, width=small.widths["t1"]), tmp_path)
    prior, prompt = names["prior"], names["for_prior"]("a lumicar in the snow")
    with torch.inference_mode():
        right = prior._encode_prompt(prompt, "cpu", 1, False)[0]
        prior.text_encoder.text_model.eos_token_id = 2
        wrong = prior._encode_prompt(prompt, "cpu", 1, False)[0]
    assert float((right - wrong).abs().max() / right.abs().max()) > 0.05
