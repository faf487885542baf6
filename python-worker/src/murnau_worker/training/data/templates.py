"""Prompt templates of training: those of textual inversion (Gal et al. 2022), which the reference script uses, and
their translations, template by template.
"""

from __future__ import annotations

from murnau_worker.core.spec import TemplateLanguage, TranslatedSet
from murnau_worker.training.data import templates_de, templates_en, templates_fr, templates_ru

PLACEHOLDER = "{placeholder}"  # where a caption or a sample's prompt has the learnt word

TEMPLATES: dict[TemplateLanguage, dict[TranslatedSet, tuple[str, ...]]] = {
    "en": {"object": templates_en.OBJECT, "style": templates_en.STYLE},
    "de": {"object": templates_de.OBJECT, "style": templates_de.STYLE},
    "fr": {"object": templates_fr.OBJECT, "style": templates_fr.STYLE},
    "ru": {"object": templates_ru.OBJECT, "style": templates_ru.STYLE},
}
