"""What the UNet is given: texts through both towers, joined.

Legend: N pictures, T tokens of both texts together, C width of the context, E width of the time's embedding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from murnau_worker.core.batch import Batch, Rows
from murnau_worker.families.kandinsky20.networks import Networks


@dataclass(frozen=True)
class JoinedTexts:
    """Of N pictures, in fp32: [N, T, C], [N, E]. Implements Condition."""

    context_NTC: torch.Tensor
    vector_NE: torch.Tensor

    def cat(self, other: JoinedTexts) -> JoinedTexts:
        return JoinedTexts(
            torch.cat([self.context_NTC, other.context_NTC]), torch.cat([self.vector_NE, other.vector_NE])
        )

    def of(self, places: list[int]) -> JoinedTexts:
        return JoinedTexts(self.context_NTC[places], self.vector_NE[places])

    def to(self, dtype: torch.dtype) -> JoinedTexts:
        return JoinedTexts(self.context_NTC.to(dtype), self.vector_NE.to(dtype))


def predict(unet: Any, seen_NCHW: torch.Tensor, timesteps_N: torch.Tensor, condition: JoinedTexts) -> torch.Tensor:
    """The UNet's output in fp32, computed in its own dtype: noise, then the variance's interpolation."""
    condition = condition.to(unet.dtype)
    output: torch.Tensor = unet(
        seen_NCHW.to(unet.dtype),
        timesteps_N,
        encoder_hidden_states=condition.context_NTC,
        class_labels=condition.vector_NE,
        return_dict=False,
    )[0]
    return output.float()


def join(
    networks: Networks, task: str, first_NLD: torch.Tensor, pooled_NE: torch.Tensor, second_NMF: torch.Tensor
) -> JoinedTexts:
    """Joins what the towers made of N texts, in the joining's own dtype."""
    module = networks.text_join(task)
    given = (states.to(module.dtype) for states in (first_NLD, pooled_NE, second_NMF))
    context_NTC, vector_NE = module(*given)
    return JoinedTexts(context_NTC.float(), vector_NE.float())


def read(networks: Networks, task: str, batch: Batch, rows: Rows) -> JoinedTexts:
    """What the UNet of a task is given for N prompts, which each tower reads together."""
    first_ids_NL, _ = batch.padded("t1", networks.t1.pad_id)
    first = networks.t1.encode(first_ids_NL, rows.get("t1"))
    second_ids_NL, second_mask_NL = batch.padded("t2", networks.t2.pad_id)
    second_NMF = networks.t2.encode(second_ids_NL, second_mask_NL, rows.get("t2"))
    return join(networks, task, first.context_BPD, first.pooled_BE, second_NMF)


def read_each(networks: Networks, task: str, batch: Batch, rows: Rows) -> JoinedTexts:
    """As `read`, each prompt alone, equal ones once: no picture depends on its neighbours."""
    prompts = [tuple(sorted(prompt.items())) for prompt in batch.prompts]
    places = list(dict.fromkeys(prompts))
    alone = [read(networks, task, batch.part(at, at + 1), rows) for at in map(prompts.index, places)]
    together = JoinedTexts(torch.cat([one.context_NTC for one in alone]), torch.cat([one.vector_NE for one in alone]))
    return together.of([places.index(prompt) for prompt in prompts])
