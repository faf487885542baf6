"""The words that a run's rows start from, as the text towers read them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.spec import LARGEST_NUM_VECTORS
from murnau_worker.text.tokenizers import PieceTokenizer, WordTokenizers

_SUGGESTIONS = 5


@dataclass(frozen=True)
class InitializerWords:
    """`both` towers' word or phrase; `t1` and `t2` stand in one tower instead (empty: `both` does)."""

    both: str
    t1: str = ""
    t2: str = ""


@dataclass(frozen=True)
class TowerWords:
    """How one tower reads the text that it starts from."""

    tower: str
    field: str
    text: str
    tokenizer: PieceTokenizer

    @property
    def ids(self) -> list[int]:
        return self.tokenizer.ids(self.text)

    @property
    def pieces(self) -> str:
        return " + ".join(self.tokenizer.pieces(self.text)) or "nothing"

    def is_known(self, num_vectors: int) -> bool:
        """One vector takes a whole word; several take any text that the tower has tokens for."""
        if num_vectors == 1:
            return self.tokenizer.knows(self.text)
        return bool(self.ids) and self.tokenizer.unknown_id not in self.ids


def tower_words(words: InitializerWords, tokenizers: WordTokenizers, prefix: str) -> tuple[TowerWords, TowerWords]:
    def reading(tower: str, field: str, own: str, tokenizer: PieceTokenizer) -> TowerWords:
        return TowerWords(tower, f"{prefix}{field if own else 'initializer_token'}", own or words.both, tokenizer)

    return (
        reading("t1 (XLM-R)", "initializer_t1", words.t1, tokenizers.t1),
        reading("t2 (CLIP)", "initializer_t2", words.t2, tokenizers.t2),
    )


def initializer_problems(
    words: InitializerWords, num_vectors: int, tokenizers: WordTokenizers, prefix: str = "spec."
) -> list[WorkerError]:
    """What is wrong with them, one problem for each field: `initializer.not_one_token` or `.too_many_tokens`.

    A tower that no words are given for is not looked at.
    """
    readings = [reading for reading in tower_words(words, tokenizers, prefix) if reading.text]
    problems: list[WorkerError] = []
    for field in dict.fromkeys(reading.field for reading in readings):
        of_field = [reading for reading in readings if reading.field == field]
        unknown = [reading for reading in of_field if not reading.is_known(num_vectors)]
        long = [reading for reading in of_field if len(reading.ids) > num_vectors]
        if unknown:
            problems.append(_not_known(of_field, unknown, num_vectors, tokenizers))
        elif long:
            problems.append(_too_long(long, num_vectors, tokenizers))
    return problems


def _not_known(
    of_field: Sequence[TowerWords], unknown: Sequence[TowerWords], num_vectors: int, tokenizers: WordTokenizers
) -> WorkerError:
    text, field = of_field[0].text, of_field[0].field
    where = "each tower" if len(of_field) > 1 else of_field[0].tower
    wanted = f"one token in {where}"
    splits = "; ".join(f"{reading.tower} reads it as {reading.pieces}" for reading in unknown)
    what = f"not {wanted}" if num_vectors == 1 else f"no text that {where} knows"
    return WorkerError(
        "initializer.not_one_token",
        f'initializer "{text[:64]}" is {what}: {splits}',
        field=field,
        given=text,
        allowed=f"{wanted}, such as " + ", ".join(_suggestions(text, tokenizers)),
    )


def _too_long(long: Sequence[TowerWords], num_vectors: int, tokenizers: WordTokenizers) -> WorkerError:
    text, field = long[0].text, long[0].field
    most = max(len(reading.ids) for reading in long)
    counts = " and ".join(f"{len(reading.ids)} tokens in {reading.tower}" for reading in long)
    suggested = ", ".join(_suggestions(text, tokenizers))
    raise_it = f"set num_vectors to {most} or more, or " if most <= LARGEST_NUM_VECTORS else ""
    return WorkerError(
        "initializer.too_many_tokens",
        f'initializer "{text[:64]}" is {counts}, more than the {num_vectors} vectors: {raise_it}use one of {suggested}',
        field=field,
        given=text,
        allowed=f"at most {num_vectors} tokens in each tower, such as {suggested}",
    )


def _suggestions(text: str, tokenizers: WordTokenizers) -> list[str]:
    """Words that are one token in each tower: those inside the text, those near it, else any."""
    words = list(tokenizers.common_words)
    lowered = text.lower().strip()
    near = difflib.get_close_matches(lowered, words, n=_SUGGESTIONS, cutoff=0.6)
    inside = [known for known in words if known in re.split(r"\W+", lowered)]
    found = list(dict.fromkeys([*inside, *near]))[:_SUGGESTIONS]
    return found or words[:: max(1, len(words) // _SUGGESTIONS)][:_SUGGESTIONS]
