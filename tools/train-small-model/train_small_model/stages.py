"""The stages by name, each a function of the folders it works in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from pathlib import Path

from .config import Config
from .glyphs import GlyphSet, load_glyphs

ADOPTED_TOWERS = "adopted-towers"  # A file of the work folder: its text towers are the shipped ones.


@dataclass(frozen=True)
class Place:
    """Where a stage reads and writes."""

    work: Path
    repository: Path
    font: Path
    emojibase: Path
    config: Config = field(default_factory=Config)

    @cached_property
    def glyphs(self) -> GlyphSet:
        return load_glyphs(self.font, self.emojibase)

    @property
    def private_rows(self) -> int:
        """Rows past the vocabularies, one a private glyph; none where the towers were adopted, which ship without."""
        return 0 if (self.work / ADOPTED_TOWERS).exists() else len(self.glyphs.of("private"))


DEFAULT_ORDER = (
    "data",
    "clip",
    "xlmr",
    "movq",
    "judge",
    "embeddings",
    "latents",
    "prior",
    "samples",
    "unet",
    "inpaint",
    "examples",
    "export",
    "export-inpaint",
    "gate",
    "languages",
    "captions",
    "invert",
    "inpaint-eval",
)


def _stage(module: str) -> Callable[[Place], None]:
    """Imports a stage's module only when it runs."""

    def run(place: Place) -> None:
        import_module(f".{module}", __package__).run(place)

    return run


def _function(module: str, function: str) -> Callable[[Place], None]:
    def run(place: Place) -> None:
        getattr(import_module(f".{module}", __package__), function)(place)

    return run


NAMED = {
    "adopt-all": _function("adopt", "run_all"),
    "embeddings": _function("prior", "image_embeddings"),
    "latents": _function("unet", "cache_latents"),
    "samples": _function("unet", "cache_prior"),
    "export-inpaint": _function("export", "run_inpaint"),
    "inpaint-eval": _stage("inpaint_evaluate"),
    "gate": _function("evaluate", "run_gate"),
    "languages": _function("evaluate", "run_languages"),
    "captions": _function("evaluate", "run_captions"),
}
STAGES = {name: NAMED.get(name) or _stage(name) for name in (*DEFAULT_ORDER, "adopt", "adopt-all")}
