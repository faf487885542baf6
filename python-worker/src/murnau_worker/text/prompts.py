"""From prompts with learnt words to token ids. Placeholders exist for one request only, never in a tokenizer."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from murnau_worker.core.batch import Prompt
from murnau_worker.text.tokenizers import PieceTokenizer, Tokenizers
from murnau_worker.text.towers import Tower

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

    tower: Tower
    read: int
    tokens: int
    last_words: str


@dataclass(frozen=True)
class PromptEncoder:
    """Encodes prompts of one request. `words`: its placeholders with their learnt rows.

    `vocabulary_sizes`: by tower; ids from there on are learnt rows.
    """

    tokenizers: Tokenizers
    words: Mapping[str, LearntWord]
    vocabulary_sizes: Mapping[str, int]

    def ids(self, prompt: str) -> Prompt:
        parts = split_at_words(prompt, self.words)
        return {tower: of.with_ends(self._all_ids(tower, parts)) for tower, of in self.tokenizers.items()}

    def readings(self, prompt: str, towers: Collection[str] | None = None) -> tuple[TowerReading, ...]:
        """How much of a prompt each tower, or each of some, reads."""
        parts = split_at_words(prompt, self.words)
        return tuple(
            _reading(self._all_ids(tower, parts), tokenizer)
            for tower, tokenizer in self.tokenizers.items()
            if towers is None or tower in towers
        )

    def _all_ids(self, tower: str, parts: Sequence[tuple[str, LearntWord | None]]) -> list[int]:
        """Ids without start and end, however many."""
        tokenizer, vocabulary_size = self.tokenizers[tower], self.vocabulary_sizes[tower]
        ids: list[int] = []
        after_learnt = False
        for place, (text, word) in enumerate(parts):
            if word is None:
                continues = after_learnt and not text[0].isspace()
                ids += tokenizer.ids(text, continues_word=continues, precedes_word=place < len(parts) - 1)
            else:
                ids += [vocabulary_size + word.first + index for index in range(word.count)]
            after_learnt = word is not None
        return ids


def _reading(ids: Sequence[int], tokenizer: PieceTokenizer) -> TowerReading:
    kept = ids[: tokenizer.longest_text]
    ends = tokenizer.context_length - tokenizer.longest_text
    last = tokenizer.text_of(kept[-_SHOWN_TOKENS:]) if len(kept) < len(ids) else ""
    return TowerReading(tokenizer.tower, len(kept) + ends, len(ids) + ends, last)


class PromptModel(Protocol):
    """A model as far as prompts for it can be read: the widths of its rows by tower, and the encoder of its towers."""

    @property
    def widths(self) -> Mapping[str, int]: ...

    def encoder(self, words: Mapping[str, LearntWord], tokenizers: Tokenizers | None = None) -> PromptEncoder: ...
