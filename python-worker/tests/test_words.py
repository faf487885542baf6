"""Tokens of prompts with learnt words, and what placeholders and initializers may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_model import WORDS

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.text.placeholder import check_placeholder
from murnau_worker.text.prompts import LearntWord, split_at_words


def test_the_empty_prompt_is_start_and_end(tiny: Kandinsky) -> None:
    ids = tiny.encoder({}).ids("")
    assert ids["t1"] == (0, 2)
    assert ids["t2"] == (*tiny.tokenizers["t2"].start_ids, tiny.tokenizers["t2"].end_id)


def test_a_learnt_word_takes_the_place_of_a_known_one(tiny: Kandinsky) -> None:
    encoder = tiny.encoder({"sapsan": LearntWord(0, 1)})
    for text in ("a photo of a {}", "{}", "{} in the snow", "a {}, a {}.", "the {}'s dog"):
        learnt, known = encoder.ids(text.format("sapsan", "sapsan")), encoder.ids(text.format("cat", "cat"))
        assert [i for i in learnt["t2"] if i != encoder.vocabulary_sizes["t2"]] == [
            i for i in known["t2"] if i != tiny.tokenizers["t2"].ids("cat")[0]
        ]
        assert [i for i in learnt["t1"] if i != encoder.vocabulary_sizes["t1"]] == [
            i for i in known["t1"] if i != tiny.tokenizers["t1"].ids("cat")[0]
        ]


@pytest.mark.parametrize("text", ["sapsans run", "a sapsan2", "antisapsan", "sap san", "sapsan_x"])
def test_words_that_only_contain_the_placeholder_are_not_it(text: str) -> None:
    assert all(word is None for _, word in split_at_words(text, {"sapsan": LearntWord(0, 1)}))


@pytest.mark.parametrize("text", ["sapsan", "a Sapsan!", "(SAPSAN)", "sapsan-like", "sapsan's"])
def test_whole_words_are_found_in_any_case(text: str) -> None:
    assert sum(word is not None for _, word in split_at_words(text, {"sapsan": LearntWord(0, 1)})) == 1


def test_several_words_and_vectors_get_consecutive_ids(tiny: Kandinsky) -> None:
    encoder = tiny.encoder({"sapsan": LearntWord(0, 2), "foo": LearntWord(2, 1)})
    assert [i - encoder.vocabulary_sizes["t2"] for i in encoder.ids("foo sapsan")["t2"][1:-1]] == [2, 0, 1]


def test_a_long_prompt_keeps_its_end(tiny: Kandinsky) -> None:
    ids = tiny.encoder({}).ids("cat " * 200)
    assert len(ids["t1"]) == len(ids["t2"]) == 77
    assert ids["t2"][-1] == tiny.tokenizers["t2"].end_id


@given(st.text(max_size=40))
def test_only_lower_case_letters_are_a_placeholder(tiny: Kandinsky, word: str) -> None:
    is_plain = 2 <= len(word) <= 32 and all("a" <= letter <= "z" for letter in word)
    if is_plain and word not in WORDS:
        check_placeholder(word, tiny.tokenizers)
    else:
        with pytest.raises(WorkerError) as refused:
            check_placeholder(word, tiny.tokenizers)
        assert refused.value.code == ("placeholder.known_word" if is_plain else "placeholder.characters")
        assert refused.value.field == "spec.placeholder_token"


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=32).filter(lambda word: word not in WORDS))
def test_any_accepted_placeholder_is_exactly_its_learnt_token(tiny: Kandinsky, word: str) -> None:
    encoder = tiny.encoder({word: LearntWord(0, 1)})
    ids = encoder.ids(f"a photo of a {word}")
    assert ids["t1"][-2] == encoder.vocabulary_sizes["t1"]
    assert ids["t2"][-2] == encoder.vocabulary_sizes["t2"]


def test_a_known_word_names_who_knows_it(tiny: Kandinsky) -> None:
    with pytest.raises(WorkerError, match=r"is a word that t1 \(.*\) and t2 \(.*\) already know$"):
        check_placeholder("cat", tiny.tokenizers)
    with pytest.raises(WorkerError, match=r"is a word that t2 \(.*\) already knows$"):
        check_placeholder("cat", {"t2": tiny.tokenizers["t2"]})
