"""What a placeholder and an initializer may be, checked against both tokenizers."""

from __future__ import annotations

import difflib
import re

from murnau_worker.errors import WorkerError
from murnau_worker.models.words import WordTokenizers

_PLACEHOLDER = re.compile(r"[a-z]{2,32}")
PLACEHOLDER_ALLOWED = "2 to 32 lower-case letters a to z"


def check_placeholder(word: str, tokenizers: WordTokenizers, field: str = "spec.placeholder_token") -> None:
    """Raises WorkerError `placeholder.characters` or `placeholder.known_word`."""
    if not _PLACEHOLDER.fullmatch(word):
        raise WorkerError(
            "placeholder.characters",
            f'placeholder "{word[:64]}" must be {PLACEHOLDER_ALLOWED}: '
            "CLIP's tokenizer lower-cases words and splits them at digits and punctuation",
            field=field,
            given=word,
            allowed=PLACEHOLDER_ALLOWED,
        )
    towers = [("t1 (XLM-R)", tokenizers.t1), ("t2 (CLIP)", tokenizers.t2)]
    knowing = [name for name, tokenizer in towers if tokenizer.knows(word)]
    if knowing:
        raise WorkerError(
            "placeholder.known_word",
            f'placeholder "{word}" is a word that {" and ".join(knowing)} already knows',
            field=field,
            given=word,
            allowed="a made-up word that is one token in neither tower",
        )


def check_initializer(word: str, tokenizers: WordTokenizers, field: str = "spec.initializer_token") -> None:
    """Raises WorkerError `initializer.not_one_token`, which shows how the word is split and suggests others."""
    splits: list[str] = []
    for name, tokenizer in (("t1 (XLM-R)", tokenizers.t1), ("t2 (CLIP)", tokenizers.t2)):
        pieces = tokenizer.pieces(word)
        if not tokenizer.knows(word):
            splits.append(f"{name} reads it as {' + '.join(pieces) if pieces else 'nothing'}")
    if not splits:
        return
    words = list(tokenizers.common_words)
    lowered = word.lower().strip()
    near = difflib.get_close_matches(lowered, words, n=5, cutoff=0.6)
    inside = [known for known in words if known in re.split(r"\W+", lowered)]
    suggested = list(dict.fromkeys([*inside, *near]))[:5] or words[:: max(1, len(words) // 5)][:5]
    raise WorkerError(
        "initializer.not_one_token",
        f'initializer "{word[:64]}" is not one token in each tower: {"; ".join(splits)}',
        field=field,
        given=word,
        allowed="one token in each tower, such as " + ", ".join(suggested),
    )


def initializer_ids(word: str, tokenizers: WordTokenizers) -> tuple[int, int]:
    """Ids of an initializer in t1 and t2. Raises WorkerError `initializer.not_one_token`."""
    check_initializer(word, tokenizers)
    return tokenizers.t1.ids(word)[0], tokenizers.t2.ids(word)[0]
