"""What a run's rows start from: a word, a phrase spread over several vectors, or another embedding's rows.

Legend: V vocabulary rows, R rows of a run (`num_vectors`), D row width.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from murnau_worker.checkpoints.embedding_file import LearntEmbedding, check_fits, read_embedding
from murnau_worker.core.errors import WorkerError
from murnau_worker.core.spec import LARGEST_NUM_VECTORS, TrainingSpec
from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.models.words import PieceTokenizer, WordTokenizers
from murnau_worker.textual_inversion.objective import LearntPair

_SUGGESTIONS = 5


@dataclass(frozen=True)
class InitializerWords:
    """`both` towers' word or phrase; `t1` and `t2` stand in one tower instead (empty: `both` does)."""

    both: str
    t1: str = ""
    t2: str = ""


def words_of(spec: TrainingSpec) -> InitializerWords:
    return InitializerWords(spec.initializer_token, spec.initializer_t1, spec.initializer_t2)


def read_initializer(content: bytes | None) -> LearntEmbedding | None:
    """The embedding that a run starts from. Raises WorkerError `embedding.unreadable`."""
    if content is None:
        return None
    try:
        return read_embedding(content, "safetensors")
    except WorkerError as error:
        raise WorkerError(error.code, error.message, field="start.initializer_embedding") from error


@dataclass(frozen=True)
class _Reading:
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


def _readings(words: InitializerWords, tokenizers: WordTokenizers, prefix: str) -> tuple[_Reading, _Reading]:
    def reading(tower: str, field: str, own: str, tokenizer: PieceTokenizer) -> _Reading:
        return _Reading(tower, f"{prefix}{field if own else 'initializer_token'}", own or words.both, tokenizer)

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
    readings = [reading for reading in _readings(words, tokenizers, prefix) if reading.text]
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
    of_field: Sequence[_Reading], unknown: Sequence[_Reading], num_vectors: int, tokenizers: WordTokenizers
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


def _too_long(long: Sequence[_Reading], num_vectors: int, tokenizers: WordTokenizers) -> WorkerError:
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


def check_initializer_embedding(embedding: LearntEmbedding, model: Kandinsky, num_vectors: int) -> None:
    """Raises WorkerError `embedding.wrong_model` or, for another number of vectors, `spec.invalid`."""
    field = "start.initializer_embedding"
    check_fits(embedding, model.width_t1, model.width_t2, field)
    if embedding.model_fingerprint and embedding.model_fingerprint != model.fingerprint:
        raise WorkerError(
            "embedding.wrong_model",
            f'the embedding of "{embedding.placeholder_token}" was learnt on another model',
            field=field,
            given=embedding.model_fingerprint[:12],
            allowed=model.fingerprint[:12],
        )
    if embedding.num_vectors != num_vectors:
        raise WorkerError(
            "spec.invalid",
            f'the embedding of "{embedding.placeholder_token}" that the run starts from has {embedding.num_vectors} '
            f"vectors, the run {num_vectors}: they must be as many",
            field="spec.num_vectors",
            given=str(num_vectors),
            allowed=str(embedding.num_vectors),
        )


def initial_rows(model: Kandinsky, spec: TrainingSpec, embedding: LearntEmbedding | None) -> LearntPair:
    """Rows [R, D] of each tower, fp32 on the CPU: the embedding's, else the initializer's tokens.

    Raises WorkerError `initializer.not_one_token`, `initializer.too_many_tokens`, `embedding.wrong_model` or
    `spec.invalid`.
    """
    if embedding is not None:
        check_initializer_embedding(embedding, model, spec.num_vectors)
        return LearntPair(embedding.t1_RD.clone(), embedding.t2_RD.clone())
    words, count = words_of(spec), spec.num_vectors
    for problem in initializer_problems(words, count, model.tokenizers):
        raise problem
    t1, t2 = _readings(words, model.tokenizers, "spec.")
    return LearntPair(
        _spread(model.t1.rows.weight, t1.ids, count),
        _spread(model.t2.rows.weight, t2.ids, count),
    )


def _spread(table_VD: torch.Tensor, ids: Sequence[int], count: int) -> torch.Tensor:
    """Vector i starts from token floor(i n / count) of the n: a word is repeated, a phrase keeps its order."""
    chosen = [ids[index * len(ids) // count] for index in range(count)]
    return table_VD[chosen].detach().clone().float().cpu()
