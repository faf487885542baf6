"""What a run's rows start from, and what is refused before any work."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from draw_client import embedding
from run_tools import step, tiny_run, tiny_spec

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.text.initializer_words import InitializerWords, initializer_problems
from murnau_worker.training.initial_rows import initial_rows


def rows_of(tiny: Kandinsky, tower: str, words: str) -> torch.Tensor:
    """The vocabulary's rows of some words."""
    table = tiny.t1.rows.weight if tower == "t1" else tiny.t2.rows.weight
    tokenizer = tiny.tokenizers[tower]
    return torch.stack([table[tokenizer.ids(word)[0]] for word in words.split()])


@pytest.mark.parametrize(
    ("changes", "t1", "t2"),
    [
        ({}, "train", "train"),
        ({"num_vectors": 3}, "train train train", "train train train"),
        ({"num_vectors": 2, "initializer_token": "red train"}, "red train", "red train"),
        ({"num_vectors": 4, "initializer_token": "red train"}, "red red train train", "red red train train"),
        ({"num_vectors": 4, "initializer_token": "red blue cat"}, "red red blue cat", "red red blue cat"),
        ({"num_vectors": 2, "initializer_t1": "cat", "initializer_t2": "red dog"}, "cat cat", "red dog"),
        ({"initializer_token": "no such word", "initializer_t1": "cat", "initializer_t2": "dog"}, "cat", "dog"),
    ],
)
def test_words_are_repeated_and_phrases_spread(tiny: Kandinsky, changes: dict[str, Any], t1: str, t2: str) -> None:
    rows = initial_rows(tiny, tiny_spec(**changes), None)
    assert torch.equal(rows["t1"], rows_of(tiny, "t1", t1))
    assert torch.equal(rows["t2"], rows_of(tiny, "t2", t2))


def test_an_initializer_of_two_tokens_is_refused_with_its_tokens_and_suggestions(tiny: Kandinsky) -> None:
    with pytest.raises(WorkerError) as refused:
        initial_rows(tiny, tiny_spec(initializer_token="red train"), None)
    assert refused.value.code == "initializer.not_one_token"
    assert refused.value.field == "spec.initializer_token"
    assert "red + train" in refused.value.message
    assert "train" in refused.value.allowed


def test_a_mark_that_is_a_token_by_itself_is_shown(tiny: Kandinsky) -> None:
    [problem] = initializer_problems(InitializerWords("qwxz"), 1, tiny.tokenizers)
    assert 'reads it as " " + q + w + x + z' in problem.message
    assert "reads it as q + w + x + z" in problem.message


def test_more_tokens_than_vectors_are_refused_with_what_to_change(tiny: Kandinsky) -> None:
    [problem] = initializer_problems(InitializerWords("cat", {"t2": "red blue train"}), 2, tiny.tokenizers)
    assert problem.code == "initializer.too_many_tokens"
    assert problem.field == "spec.initializer_t2"
    assert "is 3 tokens in t2 (CLIP)" in problem.message
    assert "set num_vectors to 3 or more, or use one of blue, red, train" in problem.message


def test_another_embedding_is_where_the_rows_start(tiny: Kandinsky) -> None:
    two = embedding("sapsan", seed=3, num_vectors=2)
    rows = initial_rows(tiny, tiny_spec(num_vectors=2, initializer_token="no word at all"), two)
    assert torch.equal(rows["t1"], two.rows["t1"])
    assert torch.equal(rows["t2"], two.rows["t2"])


@pytest.mark.parametrize(
    ("made", "num_vectors", "code", "names"),
    [
        ({"num_vectors": 2}, 1, "spec.invalid", ("2 vectors", "the run 1")),
        ({"width": 8}, 1, "embedding.wrong_model", ("8 and 8", "32 and 32")),
        ({"model_fingerprint": "f" * 64}, 1, "embedding.wrong_model", ("another model",)),
    ],
)
def test_an_embedding_that_does_not_fit_is_refused(
    tiny: Kandinsky, made: dict[str, Any], num_vectors: int, code: str, names: tuple[str, ...]
) -> None:
    with pytest.raises(WorkerError) as refused:
        initial_rows(tiny, tiny_spec(num_vectors=num_vectors), embedding("pendolino", **made))
    assert refused.value.code == code
    assert all(name in refused.value.message for name in names)
    assert refused.value.field
    assert refused.value.given
    assert refused.value.allowed


@pytest.mark.parametrize("num_vectors", [2, 4])
def test_a_run_of_several_vectors_steps_and_goes_on_from_its_state(tiny: Kandinsky, num_vectors: int) -> None:
    spec = tiny_spec(num_vectors=num_vectors, initializer_token="red train", norm="vocabulary")
    run = tiny_run(tiny, spec)
    step(run)
    resumed = tiny_run(tiny, spec, run.state_bytes())
    for going in (run, resumed):
        step(going)
        assert going.state.rows["t1"].shape == (num_vectors, tiny.widths["t1"])
        for setting, rows_RD in ((run.settings[tower], rows_RD) for tower, rows_RD in going.state.rows.items()):
            assert torch.allclose(rows_RD.norm(dim=1), torch.full((num_vectors,), setting.median_norm), rtol=1e-5)
    assert run.state_bytes() == resumed.state_bytes()


def test_a_state_of_other_vectors_is_refused(tiny: Kandinsky) -> None:
    one = tiny_run(tiny, tiny_spec())
    with pytest.raises(WorkerError) as refused:
        tiny_run(tiny, tiny_spec(num_vectors=2), one.state_bytes())
    assert refused.value.code == "checkpoint.corrupt"
