"""The two tokenizers as the worker uses them: ids of plain text, and whether a word is one token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_WORD_START = "\u2581"  # SentencePiece's mark of a word's beginning
_WORD_END = "</w>"  # CLIP's mark of a word's end


class PieceTokenizer:
    """Wraps a transformers tokenizer; text goes in without learnt words, which the caller splices in as ids."""

    def __init__(self, tokenizer: Any, *, context_length: int) -> None:
        self._tokenizer = tokenizer
        self.context_length = context_length
        start, *_, end = tokenizer("").input_ids
        self.start_id: int = start
        self.end_id: int = end

    @cached_property
    def vocabulary(self) -> dict[str, int]:
        return dict(self._tokenizer.get_vocab())

    @property
    def unknown_id(self) -> int | None:
        """What stands for text that the tokenizer has no token for; None where it has one for everything."""
        unknown: int | None = self._tokenizer.unk_token_id
        return unknown

    def ids(self, text: str, *, continues_word: bool = False) -> list[int]:
        """Ids of a text without start and end.

        `continues_word`: the text follows a learnt word without a space (", in snow"), so that its first piece must not
        begin a word where the tokenizer marks beginnings.
        """
        text = text.strip()
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


@dataclass(frozen=True)
class WordTokenizers:
    """t1: XLM-R's, for the decoder; t2: CLIP's, for the prior."""

    t1: PieceTokenizer
    t2: PieceTokenizer

    @cached_property
    def common_words(self) -> tuple[str, ...]:
        """Words that are one token in each tower: what an initializer may be."""
        return tuple(sorted(word for word in self.t1.words & self.t2.words if len(word) > 2))
