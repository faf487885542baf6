"""A request's texts as the towers read them: learnt words, their pooling, and what was too long.

Legend: R learnt rows, D row width.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

from murnau_worker.core.batch import Batch, Rows
from murnau_worker.core.errors import WorkerError
from murnau_worker.text.embedding_file import LearntEmbedding, check_fits
from murnau_worker.text.prompts import LearntWord, PromptEncoder, PromptModel, TowerReading, split_at_words
from murnau_worker.text.tokenizers import Tokenizers


@dataclass(frozen=True)
class PromptReader:
    """Encodes the prompts of one request. `rows`: none where no word is learnt.

    `poolings`: what each learnt word was trained with.
    """

    encoder: PromptEncoder
    rows: Rows
    poolings: Mapping[str, str]

    def batch(self, texts: Sequence[str]) -> Batch:
        """The texts as the towers read them."""
        return Batch.of([self.encoder.ids(text) for text in texts], [self._pooling_of(text) for text in texts])

    def _poolings_in(self, prompt: str) -> dict[str, str]:
        parts = split_at_words(prompt, self.encoder.words)
        words = [text.lower() for text, word in parts if word is not None]
        return {word: self.poolings[word] for word in words}

    def _pooling_of(self, prompt: str) -> str:
        """That of all learnt words of the prompt; of none or of several the usual one, at the end of text."""
        poolings = set(self._poolings_in(prompt).values())
        return poolings.pop() if len(poolings) == 1 else ""

    def notices(self, texts: Iterable[tuple[str, Collection[str]]]) -> list[str]:
        """What a person should know of how some towers read some texts, each text once."""
        readings: dict[str, tuple[TowerReading, ...]] = {}
        for text, towers in texts:
            if text not in readings:
                readings[text] = self.encoder.readings(text, towers)
        found = [_mixed(self._poolings_in(text)) for text in readings]
        found += [_cut(text, towers) for text, towers in readings.items()]
        return [message for message in found if message]


def _mixed(poolings: Mapping[str, str]) -> str:
    if len(set(poolings.values())) < 2:
        return ""
    named = ", ".join(f"{word}: {pooling}" for word, pooling in sorted(poolings.items()))
    return f"the prompt mixes learnt words of different poolings ({named}); it is read at the end of text"


def _cut(text: str, readings: Sequence[TowerReading]) -> str:
    cut = [
        f'{reading.tower.role} read {reading.read} of {reading.tokens} tokens, up to "…{reading.last_words}"'
        for reading in readings
        if reading.read < reading.tokens
    ]
    return f'"{text[:40]}…" is longer than the model reads: {"; ".join(cut)}' if cut else ""


def read_with(
    model: PromptModel, embeddings: Sequence[LearntEmbedding], tokenizers: Tokenizers | None = None
) -> PromptReader:
    """A reader of prompts that may hold the given learnt words.

    Raises WorkerError `embedding.wrong_model` or `embedding.placeholder_clash`.
    """
    words: dict[str, LearntWord] = {}
    first = 0
    for embedding in embeddings:
        check_fits(embedding, model.widths)
        if embedding.placeholder_token in words:
            raise WorkerError(
                "embedding.placeholder_clash",
                f'two of the embeddings have the placeholder "{embedding.placeholder_token}"',
                field="options.embeddings",
                given=embedding.placeholder_token,
                allowed="different placeholders",
            )
        words[embedding.placeholder_token] = LearntWord(first, embedding.num_vectors)
        first += embedding.num_vectors
    towers = embeddings[0].rows if embeddings else {}
    rows = {tower: torch.cat([embedding.rows[tower] for embedding in embeddings]) for tower in towers}
    poolings = {embedding.placeholder_token: embedding.pooling for embedding in embeddings}
    return PromptReader(model.encoder(words, tokenizers), rows, poolings)
