"""A request's texts as the towers read them: learnt words, their pooling, and what was too long.

Legend: R learnt rows, D row width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch

from murnau_worker.core.batch import LearntPair
from murnau_worker.core.errors import WorkerError
from murnau_worker.core.spec import Pooling
from murnau_worker.text.embedding_file import LearntEmbedding, check_fits
from murnau_worker.text.prompts import LearntWord, PromptEncoder, PromptModel, TowerReading, split_at_words
from murnau_worker.text.tokenizers import WordTokenizers

_TOWER_NAMES = {"t1": "the decoder's text tower", "t2": "the prior's"}


@dataclass(frozen=True)
class PromptReader:
    """Encodes the prompts of one request. `poolings`: what each learnt word was trained with."""

    encoder: PromptEncoder
    rows: LearntPair | None
    poolings: Mapping[str, Pooling]

    def _poolings_in(self, prompt: str) -> dict[str, Pooling]:
        parts = split_at_words(prompt, self.encoder.words)
        words = [text.lower() for text, word in parts if word is not None]
        return {word: self.poolings[word] for word in words}

    def pooling_of(self, prompt: str) -> Pooling:
        """`argmax` if all learnt words of the prompt were trained so; a mix is read at the end of text."""
        return "argmax" if set(self._poolings_in(prompt).values()) == {"argmax"} else "eot"

    def notices(self, both_towers: Iterable[str], prior_only: Iterable[str]) -> list[str]:
        """What a person should know of how the texts are read, each text once."""
        readings = {prompt: self.encoder.readings(prompt) for prompt in both_towers}
        readings |= {text: self.encoder.readings(text)[1:] for text in prior_only if text not in readings}
        found = [_mixed(self._poolings_in(text)) for text in readings]
        found += [_cut(text, towers) for text, towers in readings.items()]
        return [message for message in found if message]


def _mixed(poolings: Mapping[str, Pooling]) -> str:
    if len(set(poolings.values())) < 2:
        return ""
    named = ", ".join(f"{word}: {pooling}" for word, pooling in sorted(poolings.items()))
    return f"the prompt mixes learnt words of different poolings ({named}); it is read at the end of text"


def _cut(text: str, towers: Sequence[TowerReading]) -> str:
    cut = [
        f'{_TOWER_NAMES[tower.name]} read {tower.read} of {tower.tokens} tokens, up to "…{tower.last_words}"'
        for tower in towers
        if tower.read < tower.tokens
    ]
    return f'"{text[:40]}…" is longer than the model reads: {"; ".join(cut)}' if cut else ""


def read_with(
    model: PromptModel, embeddings: Sequence[LearntEmbedding], tokenizers: WordTokenizers | None = None
) -> PromptReader:
    """A reader of prompts that may hold the given learnt words.

    Raises WorkerError `embedding.wrong_model` or `embedding.placeholder_clash`.
    """
    words: dict[str, LearntWord] = {}
    first = 0
    for embedding in embeddings:
        check_fits(embedding, model.width_t1, model.width_t2)
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
    rows = None
    if embeddings:
        t1_RD = torch.cat([embedding.t1_RD for embedding in embeddings])
        rows = LearntPair(t1_RD, torch.cat([embedding.t2_RD for embedding in embeddings]))
    poolings: dict[str, Pooling] = {embedding.placeholder_token: embedding.pooling for embedding in embeddings}
    return PromptReader(model.encoder(words, tokenizers), rows, poolings)
