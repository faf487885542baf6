"""Nothing knows a width: checkpoints of other widths, depths, head counts and precision load and do every task."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from draw_client import colours
from flat_spec import flat_options
from original_checkpoint import OriginalShape, write_original_checkpoint

from murnau_worker.core.batch import Batch
from murnau_worker.drawing.draw import draw
from murnau_worker.drawing.events import Picture
from murnau_worker.drawing.fuse import Fuse, FuseItem
from murnau_worker.drawing.image_to_image import ImageToImage
from murnau_worker.drawing.inpaint import Inpaint
from murnau_worker.drawing.options import with_defaults
from murnau_worker.drawing.request import DrawingTask, DrawRequest
from murnau_worker.drawing.text_to_image import TextToImage
from murnau_worker.engine.served_models import ServedModels
from murnau_worker.sampling.samplers import SAMPLERS
from murnau_worker.text.prompt_reader import read_with
from murnau_worker.training.shares import Share
from murnau_worker.training.step import gradients
from murnau_worker.verify.golden_hooks import PROMPT, golden_tokenizers

SHAPES = {
    "wide": OriginalShape(),
    "deep": OriginalShape(
        joint=24,
        xlmr_width=36,
        xlmr_layers=2,
        xlmr_heads=3,
        clip_width=24,
        clip_heads=3,
        vision_width=64,
        prior_width=32,
        prior_layers=3,
        prior_heads=1,
        unet_channels=(32, 32, 64, 64),
        unet_attends=(False, False, True, True),
        unet_resnets=1,
        unet_head_width=16,
        movq_channels=(32, 32, 32, 64),
        movq_resnets=1,
        dtype=torch.float32,
    ),
}


def ids() -> dict[str, torch.Tensor]:
    """The prompt's ids in both towers, and the empty prompt's."""
    t1, t2 = torch.ones(2, 77, dtype=torch.long), torch.zeros(2, 77, dtype=torch.long)
    t1[0, :4], t1[1, :2] = torch.tensor([0, 17, 30, 2]), torch.tensor([0, 2])
    t2[0, :5], t2[1, :2] = torch.tensor([298, 5, 6, 7, 299]), torch.tensor([298, 299])
    return {"sample.t1_ids": t1, "sample.t1_mask": t1 != 1, "sample.t2_ids": t2, "sample.t2_mask": t2 != 0}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_task_of_a_checkpoint_of_other_widths(tmp_path: Path, name: str) -> None:
    write_original_checkpoint(tmp_path, SHAPES[name])
    model = ServedModels({"other": tmp_path}).load("other")
    mask_HW = torch.ones(40, 56)
    mask_HW[:, 20:] = 0
    picture = colours(1, 56, 40)
    tasks: list[DrawingTask] = [
        TextToImage((PROMPT,)),
        Fuse((FuseItem(PROMPT, 0.5), FuseItem(picture, 0.5))),
        Inpaint((PROMPT,), picture, mask_HW),
        ImageToImage((PROMPT,), picture, 0.5),
    ]
    reader = read_with(model, (), golden_tokenizers(ids(), model.description.towers))
    for task in tasks:
        for sampler in SAMPLERS:
            asked = flat_options(num_steps=2, prior_steps="2", sampler=sampler, width=56, height=40)
            request = DrawRequest(task, (1,), with_defaults(asked, model, task.own_size), reader)
            pictures = [event.pixels_3HW for event in draw(model, request) if isinstance(event, Picture)]
            assert [tuple(pixels.shape) for pixels in pictures] == [(3, 40, 56)]
            assert bool(pictures[0].isfinite().all())


def test_training_on_a_checkpoint_of_other_widths(tmp_path: Path) -> None:
    shape = SHAPES["wide"]
    write_original_checkpoint(tmp_path, shape)
    model = ServedModels({"other": tmp_path}).load("other")
    assert (model.widths["t1"], model.widths["t2"], model.latent_factor) == (shape.xlmr_width, shape.clip_width, 2)
    prompt = {"t1": (0, shape.vocabulary, 2), "t2": (3, shape.vocabulary, 4)}  # the learnt word between two others
    tensors = {
        "latents": torch.randn(1, 4, 8, 8),
        "noise": torch.randn(1, 4, 8, 8),
        "timesteps": torch.tensor([500]),
        "prior_init": torch.randn(1, shape.joint),
        "prior_steps": torch.randn(1, 5, shape.joint),
    }
    rows = {"t1": torch.randn(1, shape.xlmr_width), "t2": torch.randn(1, shape.clip_width)}
    (found,) = gradients(model, [Share("joint", rows, 1.0, Batch.of([prompt], "eot", tensors))])
    assert set(found.rows) == {"t1", "t2"}
    for gradient_RD in found.rows.values():
        assert float(gradient_RD.abs().max()) > 0
