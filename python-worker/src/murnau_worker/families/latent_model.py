"""What models of every family of latent diffusion have in common, over their parts in memory."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import torch

from murnau_worker.families.description import FamilyDescription
from murnau_worker.families.family import part_plan
from murnau_worker.families.settings import ModelSettings
from murnau_worker.models.checkpointing import Checkpointing
from murnau_worker.models.model_parts import ModelParts, Offload
from murnau_worker.models.part_store import PartStore
from murnau_worker.models.parts import ModelShape, PartSource
from murnau_worker.models.xlmr_text import PADDED_LENGTH
from murnau_worker.text.prompts import LearntWord, PromptEncoder
from murnau_worker.text.tokenizers import PieceTokenizer, Tokenizers

_CPU = torch.device("cpu")


class LatentModel(ModelParts):
    """Only the device thread touches the parts; `tokenizers`, `shape` and widths are for any thread."""

    description: FamilyDescription

    def __init__(
        self,
        source: PartSource,
        settings: ModelSettings,
        fingerprint: str,
        *,
        name: str = "",
        store: PartStore | None = None,
        device: torch.device = _CPU,
        dtype: torch.dtype = torch.float32,
        offload: Offload = "none",
        checkpointing: Checkpointing = "auto",
    ) -> None:
        plan = part_plan(self.description)
        super().__init__(plan, source, name, store or PartStore(), device, dtype, offload, checkpointing)
        self.settings = settings
        self.fingerprint = fingerprint
        self._shape: ModelShape | None = None
        self._tokenizers: Tokenizers | None = None
        self._reading_tokenizers = threading.Lock()

    @property
    def tokenizers(self) -> Tokenizers:
        """Raises WorkerError `model.unreadable` where the folder has none, and says which file to put where."""
        with self._reading_tokenizers:
            if self._tokenizers is None:
                contexts = self.shape.contexts
                self._tokenizers = {
                    tower.name: PieceTokenizer(
                        self.source.read_tokenizer(tower.name),
                        tower=tower,
                        context_length=contexts.get(tower.name, PADDED_LENGTH),
                    )
                    for tower in self.description.towers
                }
            return self._tokenizers

    def encoder(self, words: Mapping[str, LearntWord], tokenizers: Tokenizers | None = None) -> PromptEncoder:
        """Encodes prompts that may hold the given learnt words, by the model's tokenizers or others."""
        sizes = {tower.name: self.vocabulary_size(tower.name) for tower in self.description.towers}
        return PromptEncoder(tokenizers or self.tokenizers, words, sizes)

    @property
    def shape(self) -> ModelShape:
        """Widths as the files show them. Raises WorkerError `model.unreadable`."""
        if self._shape is None:
            self._shape = self.source.read_shape()
        return self._shape

    @property
    def latent_factor(self) -> int:
        """Pixels per latent cell."""
        return self.shape.latent_factor

    @property
    def latent_multiple(self) -> int:
        """What the sides of latents are multiples of, in cells."""
        return self.shape.latent_multiple

    @property
    def image_size(self) -> int:
        """Side of the pictures the model was trained for, in pixels."""
        return self.settings.image_size or self.shape.sample_size * self.latent_factor

    @property
    def widths(self) -> Mapping[str, int]:
        """Of a token's row, by text tower."""
        return self.shape.widths
