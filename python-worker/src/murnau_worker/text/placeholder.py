"""What a placeholder may be, checked against the tokenizers."""

from __future__ import annotations

import re

from murnau_worker.core.errors import WorkerError
from murnau_worker.text.tokenizers import Tokenizers

_PLACEHOLDER = re.compile(r"[a-z]{2,32}")
PLACEHOLDER_ALLOWED = "2 to 32 lower-case letters a to z"


def check_placeholder(word: str, tokenizers: Tokenizers, field: str = "spec.placeholder_token") -> None:
    """Raises WorkerError `placeholder.characters` or `placeholder.known_word`."""
    if not _PLACEHOLDER.fullmatch(word):
        raise WorkerError(
            "placeholder.characters",
            f'placeholder "{word[:64]}" must be {PLACEHOLDER_ALLOWED}: '
            "tokenizers lower-case words and split them at digits and punctuation",
            field=field,
            given=word,
            allowed=PLACEHOLDER_ALLOWED,
        )
    knowing = [tokenizer.tower.label for tokenizer in tokenizers.values() if tokenizer.knows(word)]
    if knowing:
        know = "knows" if len(knowing) == 1 else "know"
        raise WorkerError(
            "placeholder.known_word",
            f'placeholder "{word}" is a word that {" and ".join(knowing)} already {know}',
            field=field,
            given=word,
            allowed="a made-up word that is one token in no tower",
        )
