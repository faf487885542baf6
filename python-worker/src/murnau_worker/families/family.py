"""A family of models: how its folders are recognised, opened and converted, and what drawings give its models."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from murnau_worker.core.picture_noise import PictureNoise
from murnau_worker.families.description import FamilyDescription
from murnau_worker.models.model_parts import PartPlan
from murnau_worker.models.parts import PartSource
from murnau_worker.text.embedding_file import LearntEmbedding
from murnau_worker.text.prompt_reader import PromptReader


@dataclass(frozen=True)
class Layout:
    """A form of model folders: how one is told from others, and how it is opened."""

    name: str
    is_here: Callable[[Path], bool]
    read: Callable[[Path], PartSource]
    what_it_looks_like: str


@dataclass(frozen=True)
class ConvertedFolders:
    """Where a conversion writes parts and tokenizers. `write_settings`: what lies beside them, by the parts there."""

    parts: Mapping[str, str]
    tokenizers: Mapping[str, str]
    write_settings: Callable[[Path, Collection[str]], None]


@dataclass(frozen=True)
class EmbeddingFile:
    """A form of learnt embeddings beside safetensors, by the name and the file's suffix that people write."""

    name: str
    suffix: str
    is_here: Callable[[bytes], bool]
    read: Callable[[bytes], LearntEmbedding]
    write: Callable[[LearntEmbedding], bytes]


@dataclass(frozen=True)
class Family:
    """A family with its code.

    `left_out_of_fingerprint`: files and folders, as POSIX paths, that training does not read. `open`: makes a model
    of a source, its settings and its fingerprint. `embedding_files`: its own forms of learnt embeddings.
    """

    description: FamilyDescription
    layouts: tuple[Layout, ...]
    left_out_of_fingerprint: tuple[str, ...]
    open: Callable[..., Any]
    converted: ConvertedFolders
    embedding_files: tuple[EmbeddingFile, ...] = ()


def part_plan(description: FamilyDescription) -> PartPlan:
    """A family's parts as a model keeps them."""
    return PartPlan(
        names=description.part_names,
        of_task=description.parts_of_task,
        of_phase=description.parts_of_phase,
        titles={part.name: part.title for part in description.parts},
        condition_side=frozenset(part.name for part in description.parts if part.side == "condition"),
        encoder=description.encoder,
        with_rows=frozenset(description.row_parts),
    )


@dataclass(frozen=True)
class PromptedPictures:
    """Pictures to be drawn: the task, who reads their prompts, their noise, and the drawing's options."""

    task: str
    reader: PromptReader
    noise: PictureNoise
    options: Any
