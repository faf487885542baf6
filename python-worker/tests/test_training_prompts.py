"""What runs read: templates of several languages side by side with the English ones, and captions."""

from __future__ import annotations

from typing import get_args

import pytest
from run_tools import picture, step, tiny_run, tiny_spec

from murnau_worker.core.batch import Prompt
from murnau_worker.core.draws import Draws
from murnau_worker.core.spec import TemplateLanguage, TranslatedSet
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.text.prompts import LearntWord
from murnau_worker.training.data.prompts import training_prompts
from murnau_worker.training.data.templates import TEMPLATES

LANGUAGES: tuple[TemplateLanguage, ...] = get_args(TemplateLanguage)
SETS: tuple[TranslatedSet, ...] = get_args(TranslatedSet)


@pytest.mark.parametrize("language", LANGUAGES)
def test_templates_of_a_language_are_those_of_english_one_by_one(language: TemplateLanguage) -> None:
    assert [len(TEMPLATES[language][which]) for which in SETS] == [27, 19]
    for which in SETS:
        english, local = TEMPLATES["en"][which], TEMPLATES[language][which]
        assert all(text.count("{}") == 1 and text.strip() == text for text in local)
        # The same in English is the same here, and what differs there differs here.
        pairs = set(zip(english, local, strict=True))
        assert len(pairs) == len(set(english)) == len(set(local))


def test_t1_reads_the_language_and_t2_english(tiny: Kandinsky) -> None:
    encoder = tiny.encoder({"sapsan": LearntWord(0, 1)})
    prompts = training_prompts(encoder, "sapsan", "object", ("de", "fr"), ())
    read = [prompts.drawn(Draws(5), number, 0, 0) for number in range(200)]
    for local, english in ((prompts.templates[0][3], "the photo of a sapsan"),):
        assert local["t1"] == encoder.ids("das Foto von einem sapsan")["t1"]
        assert local["t2"] == encoder.ids(english)["t2"]
    english_t2 = {encoder.ids(text.format("sapsan"))["t2"] for text in TEMPLATES["en"]["object"]}
    assert {prompt["t2"] for prompt in read} <= english_t2
    german = {prompt["t1"] for prompt in prompts.templates[0]}
    share = sum(prompt["t1"] in german for prompt in read) / len(read)
    assert 0.35 < share < 0.65


def test_another_language_changes_training_and_leaves_evaluation_alone(tiny: Kandinsky) -> None:
    english, russian = tiny_run(tiny, tiny_spec()), tiny_run(tiny, tiny_spec(template_languages=("ru",)))
    assert list(english.evaluate())[-1] == list(russian.evaluate())[-1]
    assert step(english)["train_loss"] != step(russian)["train_loss"]


def test_each_picture_is_read_with_its_own_caption(tiny: Kandinsky) -> None:
    captions = ["a red {placeholder} on snow", "the {placeholder}", "{placeholder} and a {cat}"]
    pictures = [picture(seed, caption=caption) for seed, caption in enumerate(captions)]
    run = tiny_run(tiny, tiny_spec(templates="captions"), pictures=pictures)
    expected = [run.encoder.ids(text.replace("{placeholder}", "sapsan")) for text in captions]
    seen: list[Prompt] = []
    for _ in range(3):
        seen += [prompt for prompt in run.share(range(2)).batch.prompts if prompt not in seen]
        step(run)
    assert sorted(map(str, seen)) == sorted(map(str, expected))
    metrics = list(run.evaluate())[-1]
    assert metrics is not None
    other = tiny_run(tiny, tiny_spec(), pictures=pictures)
    assert list(other.evaluate())[-1] != metrics
