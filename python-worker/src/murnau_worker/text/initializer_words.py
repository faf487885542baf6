"""The words that a run's rows start from, as the text towers read them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.spec import LARGEST_NUM_VECTORS
from murnau_worker.text.tokenizers import PieceTokenizer, Tokenizers, common_words

_SUGGESTIONS = 5


@dataclass(frozen=True)
class InitializerWords:
    """`shared`: every tower's word or phrase, but for towers that have one of their own in `by_tower` (empty: none)."""

    shared: str
    by_tower: Mapping[str, str] = dataclass_field(default_factory=dict[str, str])


@dataclass(frozen=True)
class TowerWords:
    """How one tower reads the text that it starts from."""

    field: str
    text: str
    tokenizer: PieceTokenizer

    @property
    def tower(self) -> str:
        """For messages."""
        return self.tokenizer.tower.label

    @property
    def ids(self) -> list[int]:
        return self.tokenizer.ids(self.text)

    @property
    def pieces(self) -> str:
        # A mark that is a token by itself leaves nothing: it begins letters that begin no known word.
        return " + ".join(piece or '" "' for piece in self.tokenizer.pieces(self.text)) or "nothing"

    def is_known(self, num_vectors: int) -> bool:
        """One vector takes a whole word; several take any text that the tower has tokens for."""
        if num_vectors == 1:
            return self.tokenizer.knows(self.text)
        return bool(self.ids) and self.tokenizer.unknown_id not in self.ids


def tower_words(words: InitializerWords, tokenizers: Tokenizers, prefix: str) -> dict[str, TowerWords]:
    """What each tower starts from. `prefix`: of the fields' names."""
    found: dict[str, TowerWords] = {}
    for tower, tokenizer in tokenizers.items():
        own = words.by_tower.get(tower, "")
        field_name = f"initializer_{tower}" if own else "initializer_token"
        found[tower] = TowerWords(f"{prefix}{field_name}", (own or words.shared).strip(), tokenizer)
    return found


def initializer_problems(
    words: InitializerWords, num_vectors: int, tokenizers: Tokenizers, prefix: str = "spec."
) -> list[WorkerError]:
    """What is wrong with them, one problem for each field: `initializer.not_one_token` or `.too_many_tokens`.

    A tower that no words are given for is not looked at.
    """
    readings = [reading for reading in tower_words(words, tokenizers, prefix).values() if reading.text]
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
    of_field: Sequence[TowerWords], unknown: Sequence[TowerWords], num_vectors: int, tokenizers: Tokenizers
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


def _too_long(long: Sequence[TowerWords], num_vectors: int, tokenizers: Tokenizers) -> WorkerError:
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


def _suggestions(text: str, tokenizers: Tokenizers) -> list[str]:
    """Words that are one token in each tower: those inside the text, those near it, else any."""
    words = list(common_words(tokenizers))
    lowered = text.lower().strip()
    near = difflib.get_close_matches(lowered, words, n=_SUGGESTIONS, cutoff=0.6)
    inside = [known for known in words if known in re.split(r"\W+", lowered)]
    found = list(dict.fromkeys([*inside, *near]))[:_SUGGESTIONS]
    return found or words[:: max(1, len(words) // _SUGGESTIONS)][:_SUGGESTIONS]
