"""Encoded pictures and evaluations of the last few datasets: what a run's next segment would compute again."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from murnau_worker.core.named_picture import NamedPicture
from murnau_worker.core.recently_used import Recent
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.engine.judged_pictures import JudgedPictures
from murnau_worker.families.family import FamilyModel
from murnau_worker.training.data.dataset import LatentSet, dataset_fingerprint, encode_pictures
from murnau_worker.training.data.image_embeddings import ImageEmbeddings
from murnau_worker.training.evaluation import Evaluator

_KEPT_DATASETS = 16
_KEPT_BASELINES = 16


@dataclass(frozen=True)
class PreparedData:
    latents: LatentSet
    images: ImageEmbeddings
    evaluator: Evaluator


class DataCache:
    """What the last few datasets gave, on the device thread only. It is deterministic, so a hit changes nothing.

    `baselines`: their pictures depend on the dataset and on what is asked, not on what a run learnt, so the trials of a
    sweep share them.
    """

    def __init__(self) -> None:
        self.baselines: Recent[Hashable, JudgedPictures] = Recent(_KEPT_BASELINES)
        self._datasets: Recent[tuple[str, str, str, str], PreparedData] = Recent(_KEPT_DATASETS)

    def prepare(
        self, model: FamilyModel, pictures: Sequence[NamedPicture], spec: TrainingSpec
    ) -> Iterator[PreparedData | None]:
        """Yields None after each encoded picture and the prepared data at the end. Raises as `encode_pictures`."""
        resize, mask, templates = spec.data.resize, spec.objective.loss_mask, spec.data.templates
        reads_captions = templates == "captions"
        fingerprint = dataset_fingerprint(pictures, model.image_size, resize, mask, reads_captions=reads_captions)
        key = (model.name, model.fingerprint, fingerprint, templates)
        found = self._datasets.find(key)
        if found is None:
            for latents in encode_pictures(model, pictures, resize, mask, reads_captions=reads_captions):
                yield None
                if latents is not None:
                    evaluator = Evaluator(model, latents, templates)
                    found = PreparedData(latents, ImageEmbeddings(model, latents), evaluator)
            assert found is not None
            self._datasets.keep(key, found)
        yield found
