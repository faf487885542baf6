"""The text towers' tokenizers as the worker uses them: ids of plain text, and whether a word is one token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from murnau_worker.text.towers import Tower

_WORD_START = "\u2581"  # SentencePiece's mark of a word's beginning
_WORD_END = "</w>"  # the mark of a word's end in byte-pair vocabularies


class PieceTokenizer:
    """Wraps a transformers tokenizer; text goes in without learnt words, which the caller splices in as ids."""

    def __init__(self, tokenizer: Any, *, tower: Tower, context_length: int) -> None:
        """`context_length`: tokens that the tower reads, start and end included."""
        self._tokenizer = tokenizer
        self.tower = tower
        self.context_length = context_length
        *start, end = tokenizer("").input_ids
        self.start_ids: tuple[int, ...] = tuple(start)  # none or one
        self.end_id: int = end

    def with_ends(self, ids: Sequence[int]) -> tuple[int, ...]:
        """Ids between start and end, as many as fit into the context."""
        return (*self.start_ids, *ids[: self.longest_text], self.end_id)

    @property
    def longest_text(self) -> int:
        """Tokens that the tower reads, without start and end."""
        return self.context_length - len(self.start_ids) - 1

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        return dict(self._tokenizer.get_vocab())

    @property
    def unknown_id(self) -> int | None:
        """What stands for text that the tokenizer has no token for; None where it has one for everything."""
        unknown: int | None = self._tokenizer.unk_token_id
        return unknown

    def ids(self, text: str, *, continues_word: bool = False, precedes_word: bool = False) -> list[int]:
        """Ids of a text without start and end.

        `continues_word`: the text follows a learnt word without a space (", in snow"), so that its first piece must not
        begin a word where the tokenizer marks beginnings. `precedes_word`: a learnt word follows, so that a space at
        the end only parts the two.
        """
        text = text.rstrip() if precedes_word else text
        if not text:
            return []
        ids: list[int] = list(self._tokenizer(text, add_special_tokens=False).input_ids)
        if continues_word and ids:
            first: str = self._tokenizer.convert_ids_to_tokens(ids[0])
            if first == _WORD_START:
                return ids[1:]
            bare = first.removeprefix(_WORD_START)
            if bare != first and bare in self.vocabulary:
                return [self.vocabulary[bare], *ids[1:]]
        return ids

    def pieces(self, text: str) -> list[str]:
        """The pieces a text is split into, for messages, without the marks of word ends."""
        tokens: list[str] = self._tokenizer.convert_ids_to_tokens(self.ids(text))
        return [token.removeprefix(_WORD_START).removesuffix(_WORD_END) for token in tokens]

    def text_of(self, ids: Sequence[int]) -> str:
        """The text of some ids, for messages; learnt words, which no tokenizer knows, are left out."""
        known = [index for index in ids if index < len(self.vocabulary)]
        return str(self._tokenizer.decode(known)).strip()

    def knows(self, word: str) -> bool:
        """Whether the word is exactly one token."""
        return len(self.ids(word)) == 1 and self.pieces(word) == [word.lower()]

    @cached_property
    def words(self) -> frozenset[str]:
        """Words of letters a-z that are one token."""
        marked = (token for token in self.vocabulary if token.startswith(_WORD_START) or token.endswith(_WORD_END))
        bare = (token.removeprefix(_WORD_START).removesuffix(_WORD_END) for token in marked)
        return frozenset(word for word in bare if word.isascii() and word.isalpha() and word.islower())


Tokenizers = Mapping[str, PieceTokenizer]  # by tower


def common_words(tokenizers: Tokenizers) -> tuple[str, ...]:
    """Words that are one token in each tower: what an initializer may be."""
    shared = frozenset[str].intersection(*(tokenizer.words for tokenizer in tokenizers.values()))
    return tuple(sorted(word for word in shared if len(word) > 2))
