"""The texts that a run trains with: templates in its languages, or each picture's own caption."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from murnau_worker.core.batch import PromptIds
from murnau_worker.core.draws import Draws
from murnau_worker.core.spec import TemplateLanguage, TemplateSet, TranslatedSet
from murnau_worker.text.prompts import PromptEncoder
from murnau_worker.training.data.templates import PLACEHOLDER, TEMPLATES


@dataclass(frozen=True)
class TrainingPrompts:
    """Ids of captions by picture, or, where there are none, of templates by language and then by template."""

    captions: tuple[PromptIds, ...]
    templates: tuple[tuple[PromptIds, ...], ...]

    @property
    def of_t2(self) -> tuple[PromptIds, ...]:
        """The texts that CLIP may read, whatever XLM-R reads beside them."""
        return self.captions or self.templates[0]

    def drawn(self, draws: Draws, step: int, sample: int, picture: int) -> PromptIds:
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
    """Encodes every text once. XLM-R (t1) reads the template of the language, CLIP (t2) always the English one."""
    if templates == "captions":
        return TrainingPrompts(tuple(encoder.ids(worded(caption, placeholder)) for caption in captions), ())
    return TrainingPrompts((), tuple(_of_language(encoder, placeholder, templates, each) for each in languages))


def _of_language(
    encoder: PromptEncoder, placeholder: str, templates: TranslatedSet, language: TemplateLanguage
) -> tuple[PromptIds, ...]:
    pairs = zip(TEMPLATES[language][templates], TEMPLATES["en"][templates], strict=True)
    return tuple(
        PromptIds(t1=encoder.ids(local.format(placeholder)).t1, t2=encoder.ids(english.format(placeholder)).t2)
        for local, english in pairs
    )


def evaluation_text(templates: TemplateSet, captions: Sequence[str], picture: int, template: int) -> str:
    """The text of an evaluated picture: its caption, or the n-th English template, with `{placeholder}` in it."""
    if templates == "captions":
        return captions[picture]
    return TEMPLATES["en"][templates][template].format(PLACEHOLDER)


def worded(text: str, word: str) -> str:
    return text.replace(PLACEHOLDER, word)
