"""The texts that a run trains with: templates in its languages, or each picture's own caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from murnau_worker.core.batch import Prompt
from murnau_worker.core.draws import Draws
from murnau_worker.core.spec import TemplateLanguage, TemplateSet, TranslatedSet
from murnau_worker.text.prompts import PromptEncoder
from murnau_worker.training.data.templates import PLACEHOLDER, TEMPLATES


@dataclass(frozen=True)
class TrainingPrompts:
    """Ids of captions by picture, or, where there are none, of templates by language and then by template."""

    captions: tuple[Prompt, ...]
    templates: tuple[tuple[Prompt, ...], ...]

    @property
    def first_language(self) -> tuple[Prompt, ...]:
        """The captions, or the templates in the first of the run's languages."""
        return self.captions or self.templates[0]

    def drawn(self, draws: Draws, step: int, sample: int, picture: int) -> Prompt:
        """What a sample of a picture reads."""
        if self.captions:
            return self.captions[picture]
        of_language = self.templates[draws.integer("language", step, sample, len(self.templates))]
        return of_language[draws.integer("template", step, sample, len(of_language))]


def training_prompts(
    encoder: PromptEncoder,
    placeholder: str,
    templates: TemplateSet,
    languages: Sequence[TemplateLanguage],
    captions: Sequence[str],
) -> TrainingPrompts:
    """Encodes every text once. A tower that reads English only has the English template beside any other."""
    if templates == "captions":
        return TrainingPrompts(tuple(encoder.ids(worded(caption, placeholder)) for caption in captions), ())
    return TrainingPrompts((), tuple(_of_language(encoder, placeholder, templates, each) for each in languages))


def _of_language(
    encoder: PromptEncoder, placeholder: str, templates: TranslatedSet, language: TemplateLanguage
) -> tuple[Prompt, ...]:
    pairs = zip(TEMPLATES[language][templates], TEMPLATES["en"][templates], strict=True)
    return tuple(_of_pair(encoder, local.format(placeholder), english.format(placeholder)) for local, english in pairs)


def _of_pair(encoder: PromptEncoder, local: str, english: str) -> Prompt:
    local_ids, english_ids = encoder.ids(local), encoder.ids(english)
    return {
        tower: english_ids[tower] if tokenizer.tower.reads_english_only else local_ids[tower]
        for tower, tokenizer in encoder.tokenizers.items()
    }


def evaluation_text(templates: TemplateSet, captions: Sequence[str], picture: int, template: int) -> str:
    """The text of an evaluated picture: its caption, or the n-th English template, with `{placeholder}` in it."""
    if templates == "captions":
        return captions[picture]
    return TEMPLATES["en"][templates][template].format(PLACEHOLDER)


def worded(text: str, word: str) -> str:
    return text.replace(PLACEHOLDER, word)
