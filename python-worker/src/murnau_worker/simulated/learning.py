"""What a simulated run learns: bytes that follow from the seed and every step, and gains that follow from the spec."""

from __future__ import annotations

import hashlib
import io
import json
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.spec import TrainingSpec

_BEST_RATE = 0.03
_LARGEST_GAIN = 0.6
_PICTURE_PX = 16


@dataclass(frozen=True)
class SimulatedState:
    """`value`: a hash over the seed and every step up to `step`, so a lost, doubled or reordered step shows."""

    step: int
    value: str

    @classmethod
    def initial(cls, seed: int) -> SimulatedState:
        return cls(0, _hash(f"seed {seed}"))

    @classmethod
    def read(cls, content: bytes) -> SimulatedState:
        """Raises WorkerError `checkpoint.corrupt`."""
        try:
            fields = json.loads(content)
            return cls(int(fields["step"]), str(fields["value"]))
        except (ValueError, KeyError, TypeError) as error:
            raise WorkerError("checkpoint.corrupt", f"the state is none of a simulated run: {error}") from error

    def after_a_step(self) -> SimulatedState:
        return SimulatedState(self.step + 1, _hash(f"{self.value} {self.step + 1}"))

    def to_bytes(self) -> bytes:
        return json.dumps({"step": self.step, "value": self.value}).encode()

    def embedding_bytes(self, spec: TrainingSpec, towers: Sequence[str], model_fingerprint: str) -> bytes:
        """A canonical embedding file whose rows are drawn from `value`."""
        concept = spec.concept
        metadata = {
            "format": "murnau.embedding.v1",
            "placeholder_token": concept.placeholder_token,
            "initializer_token": concept.initializer_token,
            "model_fingerprint": model_fingerprint,
            "pooling": spec.pooling,
            "spec": spec.model_dump_json(),
            "step": str(self.step),
        }
        rows = {name: (concept.num_vectors, width) for name, width in widths(towers).items()}
        return _safetensors(
            {name: (shape, _floats(f"{self.value} {name}", shape)) for name, shape in rows.items()}, metadata
        )

    def png(self, kind: str, position: int) -> bytes:
        """A small picture of one colour."""
        red, green, blue = hashlib.sha256(f"{self.value} {kind} {position}".encode()).digest()[:3]
        buffer = io.BytesIO()
        Image.new("RGB", (_PICTURE_PX, _PICTURE_PX), (red, green, blue)).save(buffer, "PNG")
        return buffer.getvalue()


def widths(towers: Sequence[str]) -> dict[str, int]:
    """Of a token's row, by text tower: each another."""
    return {tower: max(8, 64 - 16 * place) for place, tower in enumerate(towers)}


def eval_gain(spec: TrainingSpec, step: int) -> float:
    """Rises with the steps to a height that is the larger the nearer all learning rates are to 0.03.

    A seed moves it by up to 0.02, so that trials differ where their rates do not.
    """
    distance = sum(math.log10(rate / _BEST_RATE) ** 2 for rate in spec.optimizer.learning_rates.values())
    share = 1 - math.exp(-step / max(1.0, spec.optimizer.schedule_steps / 3))
    luck = int(_hash(f"luck {spec.seed}")[:8], 16) / 0xFFFFFFFF
    return (_LARGEST_GAIN * math.exp(-distance / 2) + 0.02 * luck) * share


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _floats(key: str, shape: tuple[int, int]) -> bytes:
    """Values in -1..1 as little-endian float32."""
    levels = hashlib.shake_256(key.encode()).digest(shape[0] * shape[1])
    return struct.pack(f"<{len(levels)}f", *(level / 127.5 - 1.0 for level in levels))


def _safetensors(tensors: Mapping[str, tuple[tuple[int, int], bytes]], metadata: Mapping[str, str]) -> bytes:
    header: dict[str, object] = {"__metadata__": dict(metadata)}
    content = b""
    for name, (shape, values) in tensors.items():
        header[name] = {
            "dtype": "F32",
            "shape": list(shape),
            "data_offsets": [len(content), len(content) + len(values)],
        }
        content += values
    text = json.dumps(header, sort_keys=True).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + content
