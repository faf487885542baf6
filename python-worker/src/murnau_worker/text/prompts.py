"""From prompts with learnt words to token ids. Placeholders exist for one request only, never in a tokenizer.

Legend: N prompts, L tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from murnau_worker.core.batch import PromptBatch, PromptIds, collate
from murnau_worker.text.tokenizers import PieceTokenizer, WordTokenizers

_SHOWN_TOKENS = 6  # of what was read last, where a prompt is cut


@dataclass(frozen=True)
class LearntWord:
    """Where a placeholder's rows lie among the request's learnt rows: `count` consecutive ones from `first`."""

    first: int
    count: int


def split_at_words(text: str, words: Mapping[str, LearntWord]) -> list[tuple[str, LearntWord | None]]:
    """Splits a text at learnt words: whole words only, in any case ("sapsans" and "sapsan2" hold no "sapsan")."""
    if not words:
        return [(text, None)]
    pattern = re.compile(
        r"(?<!\w)(" + "|".join(sorted(map(re.escape, words), key=len, reverse=True)) + r")(?!\w)", re.I
    )
    parts: list[tuple[str, LearntWord | None]] = []
    end = 0
    for match in pattern.finditer(text):
        parts.append((text[end : match.start()], None))
        parts.append((match.group(), words[match.group().lower()]))
        end = match.end()
    parts.append((text[end:], None))
    return [part for part in parts if part[0]]


@dataclass(frozen=True)
class TowerReading:
    """How much of a prompt a tower reads: tokens with start and end, and the last words before the cut."""

    name: Literal["t1", "t2"]
    read: int
    tokens: int
    last_words: str


def _all_ids(
    parts: Sequence[tuple[str, LearntWord | None]], tokenizer: PieceTokenizer, vocabulary_size: int
) -> list[int]:
    """Ids without start and end, however many."""
    ids: list[int] = []
    after_learnt = False
    for text, word in parts:
        if word is None:
            ids += tokenizer.ids(text, continues_word=after_learnt and not text[0].isspace())
        else:
            ids += [vocabulary_size + word.first + index for index in range(word.count)]
        after_learnt = word is not None
    return ids


def _within_context(ids: Sequence[int], tokenizer: PieceTokenizer) -> tuple[int, ...]:
    return (tokenizer.start_id, *ids[: tokenizer.context_length - 2], tokenizer.end_id)


@dataclass(frozen=True)
class PromptEncoder:
    """Encodes prompts of one request. `words` maps its placeholders to its learnt rows."""

    tokenizers: WordTokenizers
    words: Mapping[str, LearntWord]
    t1_vocabulary: int
    t2_vocabulary: int
    t1_pad_id: int

    def ids(self, prompt: str) -> PromptIds:
        parts = split_at_words(prompt, self.words)
        t1, t2 = self.tokenizers.t1, self.tokenizers.t2
        return PromptIds(
            t1=_within_context(_all_ids(parts, t1, self.t1_vocabulary), t1),
            t2=_within_context(_all_ids(parts, t2, self.t2_vocabulary), t2),
        )

    def readings(self, prompt: str) -> tuple[TowerReading, TowerReading]:
        """How much of a prompt each tower reads, t1 first."""
        parts = split_at_words(prompt, self.words)
        return (
            _reading("t1", _all_ids(parts, self.tokenizers.t1, self.t1_vocabulary), self.tokenizers.t1),
            _reading("t2", _all_ids(parts, self.tokenizers.t2, self.t2_vocabulary), self.tokenizers.t2),
        )

    def batch(self, prompts: Sequence[str]) -> PromptBatch:
        return collate([self.ids(prompt) for prompt in prompts], self.t1_pad_id)


def _reading(name: Literal["t1", "t2"], ids: Sequence[int], tokenizer: PieceTokenizer) -> TowerReading:
    kept = ids[: tokenizer.context_length - 2]
    last = tokenizer.text_of(kept[-_SHOWN_TOKENS:]) if len(kept) < len(ids) else ""
    return TowerReading(name, len(kept) + 2, len(ids) + 2, last)


class PromptModel(Protocol):
    """A model as far as prompts for it can be read: the widths of its rows, and the encoder of its towers."""

    @property
    def width_t1(self) -> int: ...

    @property
    def width_t2(self) -> int: ...

    def encoder(self, words: Mapping[str, LearntWord], tokenizers: WordTokenizers | None = None) -> PromptEncoder: ...
