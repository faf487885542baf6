"""What a run's rows start from: a word, a phrase spread over several vectors, or another embedding's rows.

Legend: V vocabulary rows, R rows of a run (`num_vectors`), D row width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from murnau_worker.core.batch import Rows
from murnau_worker.core.errors import WorkerError
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.families.embeddings import read_embedding
from murnau_worker.families.family import FamilyModel
from murnau_worker.text.embedding_file import LearntEmbedding, check_fits
from murnau_worker.text.initializer_words import InitializerWords, initializer_problems, tower_words


def words_of(spec: TrainingSpec) -> InitializerWords:
    return InitializerWords(spec.concept.initializer_token, spec.concept.initializers)


def read_initializer(content: bytes | None) -> LearntEmbedding | None:
    """The embedding that a run starts from. Raises WorkerError `embedding.unreadable`."""
    if content is None:
        return None
    try:
        return read_embedding(content, "safetensors")
    except WorkerError as error:
        raise WorkerError(error.code, error.message, field="start.initializer_embedding") from error


def check_initializer_embedding(embedding: LearntEmbedding, model: FamilyModel, num_vectors: int) -> None:
    """Raises WorkerError `embedding.wrong_model` or, for another number of vectors, `spec.invalid`."""
    field = "start.initializer_embedding"
    check_fits(embedding, model.widths, field)
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


def initial_rows(model: FamilyModel, spec: TrainingSpec, embedding: LearntEmbedding | None) -> Rows:
    """Rows [R, D] of each tower, fp32 on the CPU: the embedding's, else the initializer's tokens.

    Raises WorkerError `initializer.not_one_token`, `initializer.too_many_tokens`, `embedding.wrong_model` or
    `spec.invalid`.
    """
    if embedding is not None:
        check_initializer_embedding(embedding, model, spec.concept.num_vectors)
        return {tower: rows_RD.clone() for tower, rows_RD in embedding.rows.items()}
    words, count = words_of(spec), spec.concept.num_vectors
    for problem in initializer_problems(words, count, model.tokenizers):
        raise problem
    return {
        tower: _spread(model.tower(tower).rows.weight, reading.ids, count)
        for tower, reading in tower_words(words, model.tokenizers, "spec.").items()
    }


def _spread(table_VD: torch.Tensor, ids: Sequence[int], count: int) -> torch.Tensor:
    """Vector i starts from token floor(i n / count) of the n: a word is repeated, a phrase keeps its order."""
    chosen = [ids[index * len(ids) // count] for index in range(count)]
    return table_VD[chosen].detach().clone().float().cpu()
