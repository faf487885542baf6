"""Nothing knows a width of Kandinsky 2.0: checkpoints of others load, convert and do every task."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from draw_client import colours
from original_checkpoint20 import Original20Shape, write_original20_checkpoint
from small20 import load

from murnau_worker.core.batch import Batch
from murnau_worker.drawing.draw import draw
from murnau_worker.drawing.events import Picture
from murnau_worker.drawing.image_to_image import ImageToImage
from murnau_worker.drawing.inpaint import Inpaint
from murnau_worker.drawing.options import DrawOptions, with_defaults
from murnau_worker.drawing.request import DrawingTask, DrawRequest
from murnau_worker.drawing.text_to_image import TextToImage
from murnau_worker.families.conversion import convert_model
from murnau_worker.sampling.samplers import SAMPLERS
from murnau_worker.text.prompt_reader import read_with
from murnau_worker.training.shares import Share
from murnau_worker.training.step import gradients

SHAPES = {
    "wide": Original20Shape(),
    "deep": Original20Shape(
        joint=16,
        xlmr_width=36,
        xlmr_layers=2,
        xlmr_heads=2,
        mt5_width=64,
        mt5_layers=1,
        mt5_heads=1,
        mt5_head_width=24,
        unet_channels=(32, 32, 64, 64),
        unet_attends=(False, False, True, True),
        unet_resnets=1,
        unet_head_width=16,
        context=40,
        vae_channels=(32, 32, 64),
        vae_resnets=1,
        dtype=torch.float16,
    ),
}
PROMPT = "a red cat"


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_every_task_of_a_checkpoint_of_other_widths(tmp_path: Path, name: str) -> None:
    shape = SHAPES[name]
    write_original20_checkpoint(tmp_path / "original", shape)
    convert_model(tmp_path / "original", tmp_path / "converted")
    mask_HW = torch.ones(40, 56)
    mask_HW[:, 20:] = 0
    picture = colours(1, 56, 40)
    tasks: list[DrawingTask] = [
        TextToImage((PROMPT,)),
        Inpaint((PROMPT,), picture, mask_HW),
        ImageToImage((PROMPT,), picture, 0.5),
    ]
    for folder in ("original", "converted"):
        model = load(tmp_path / folder)
        assert model.vae.config.scaling_factor == shape.scale
        assert model.latent_factor == 2 ** (len(shape.vae_channels) - 1)
        assert model.latent_multiple * model.latent_factor % 64 == 0
        reader = read_with(model, ())
        for task in tasks:
            for sampler in SAMPLERS:
                asked = DrawOptions(num_steps=2, sampler=sampler, width=56, height=40)
                request = DrawRequest(task, (1,), with_defaults(asked, model, task.own_size), reader)
                pictures = [event.pixels_3HW for event in draw(model, request) if isinstance(event, Picture)]
                assert [tuple(pixels.shape) for pixels in pictures] == [(3, 40, 56)]
                assert bool(pictures[0].isfinite().all())


def test_training_on_a_checkpoint_of_other_widths(tmp_path: Path) -> None:
    shape = SHAPES["wide"]
    write_original20_checkpoint(tmp_path, shape)
    model = load(tmp_path)
    assert model.widths == {"t1": shape.xlmr_width, "t2": shape.mt5_width}
    prompt = {"t1": (0, shape.vocabulary, 2), "t2": (336, 1)}  # the learnt word alone
    tensors = {
        "latents": torch.randn(1, 4, 8, 8),
        "noise": torch.randn(1, 4, 8, 8),
        "timesteps": torch.tensor([500]),
    }
    rows = {tower: torch.randn(1, width) for tower, width in model.widths.items()}
    (found,) = gradients(model, [Share("joint", rows, 1.0, Batch.of([prompt], "", tensors))])
    assert set(found.rows) == {"t1", "t2"}
    for gradient_RD in found.rows.values():
        assert float(gradient_RD.abs().max()) > 0
