"""Puts what exists, and what is quickly done, into generated requests: most of them would meet nothing otherwise."""

import base64
import random
from collections.abc import Mapping, Sequence
from typing import Any

MOST_KEPT = 20
"""Ids of each kind that are remembered; the first ones, which were planted, stay."""

REAL = 0.8
"""Share of the values that are real where real ones are known."""

ESSENTIAL = frozenset(
    "placeholder placeholder_token initializer initializer_token dataset dataset_id model name spec parameters pair "
    "task prompt items image mask strength".split()
)
"""Kept where a body with too many keys is thinned out: with each one more, some rule across keys refuses it."""

WITH_A_MODEL = {"task", "placeholder_token", "parameters"}

MOST = {
    "max_steps": 20,
    "steps": 20,
    "count": 2,
    "run_cap": 3,
    "trials": 3,
    "max_concurrent_trials": 8,
    "num_steps": 3,
    "final_count": 2,
    "per_prompt": 2,
    "width": 96,
    "height": 96,
    "segment_max_s": 10,
    "repeat": 2,
}
"""Largest values of what makes work: the API is on trial, not the workers."""

LISTS_OF_KEYS = {
    "dataset": "datasets",
    "dataset_id": "datasets",
    "initializer_embedding": "embeddings",
    "hash": "blobs",
    "mask_hash": "blobs",
    "image": "blobs",
    "mask": "blobs",
}
TEXTS = {
    "placeholder": "oktavo",
    "placeholder_token": "oktavo",
    "initializer": "cat",
    "initializer_token": "cat",
}


class KnownValues:
    def __init__(self, known: Mapping[str, list[str]], files: list[str], model: str, seed: int) -> None:
        self._known = {kind: list(ids) for kind, ids in known.items()}
        self._planted = {kind: len(ids) for kind, ids in known.items()}
        self._files = [base64.b64decode(file) for file in files]
        self._model = model
        self._random = random.Random(seed)

    def note(self, path: str, answer: Any) -> None:
        """Remembers what a request has created."""
        kind = path.removeprefix("/v1/").split("/")[0]
        if not isinstance(answer, dict) or kind not in self._known:
            return
        made = answer.get("hash" if kind == "blobs" else "id")
        if not isinstance(made, str) or made in self._known[kind]:
            return
        self._known[kind].append(made)
        if len(self._known[kind]) > MOST_KEPT:
            del self._known[kind][self._planted[kind]]

    def in_path(self, path: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        kind = path.removeprefix("/v1/").split("/")[0]
        real = self._known.get(kind, [])
        return {
            name: str(self._random.randrange(3))
            if name == "n" and self._is_real()
            else self._random.choice(real)
            if name != "n" and real and self._is_real()
            else value
            for name, value in parameters.items()
        }

    def in_query(self, query: Mapping[str, Any]) -> dict[str, Any]:
        lists = {"sweep_id": "sweeps", "run_id": "runs"}
        real = {name: self._random.choice(self._known[kind]) for name, kind in lists.items()}
        real["model"] = self._model
        return {name: real[name] if name in real and self._is_real() else value for name, value in query.items()}

    def in_body(self, body: Any) -> Any:
        if isinstance(body, list):
            return [self.in_body(item) for item in body[:8]]
        if not isinstance(body, dict):
            return body
        kept = body if len(body) < 6 or not self._is_real() else self._thinned(body)
        # The default is a model that this stack does not serve.
        model = {"model": ""} if WITH_A_MODEL & kept.keys() and self._is_real() else {}
        return {key: self._value(key, value) for key, value in {**model, **kept}.items()}

    def as_file(self, body: Any) -> bytes:
        """A file that the API takes somewhere, one with a byte changed, or anything at all."""
        file = bytearray(self._random.choice(self._files))
        if self._is_real():
            return bytes(file)
        if self._is_real():
            file[self._random.randrange(len(file))] ^= 1 << self._random.randrange(8)
            return bytes(file)
        return body if isinstance(body, bytes) else str(body).encode("utf-8", "replace")

    def one_of(self, values: Sequence[str]) -> str:
        return self._random.choice(values)

    def is_rare(self) -> bool:
        """Once in twenty."""
        return self._random.random() < 0.05

    def _value(self, key: str, value: Any) -> Any:
        if isinstance(value, str) and self._is_real():
            if key == "model":
                return self._model
            if key in TEXTS:
                return TEXTS[key]
            if key in LISTS_OF_KEYS and self._known[LISTS_OF_KEYS[key]]:
                return self._random.choice(self._known[LISTS_OF_KEYS[key]])
        if key == "embedding_ids" and isinstance(value, list) and self._is_real():
            return self._random.sample(self._known["embeddings"], 1)
        most = MOST.get(key)
        if most is not None and isinstance(value, int) and not isinstance(value, bool):
            return min(value, most)
        if key in ("parameters", "max_steps") and isinstance(value, dict):
            return self._search(value)
        return self.in_body(value)

    def _thinned(self, body: dict[str, Any]) -> dict[str, Any]:
        return {
            key: value
            for key, value in body.items()
            if key in ESSENTIAL or self._random.random() < 0.2
        }

    def _search(self, value: dict[str, Any]) -> dict[str, Any]:
        """Steps that are searched are few, too."""
        inner = self.in_body(value)
        for key in ("value", "min", "max"):
            if isinstance(inner.get(key), int) and inner[key] > MOST["max_steps"]:
                inner[key] = MOST["max_steps"]
        if isinstance(inner.get("values"), list):
            inner["values"] = [
                min(item, MOST["max_steps"]) if isinstance(item, int) else item for item in inner["values"]
            ][:3]
        return inner

    def _is_real(self) -> bool:
        return self._random.random() < REAL
