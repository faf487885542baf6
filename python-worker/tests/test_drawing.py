"""Parts of drawing, without gRPC: masks, latents, memory, step lists, CLIP's pixels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from draw_client import colours
from flat_spec import flat_options
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from murnau_worker.core.device_memory import is_out_of_memory
from murnau_worker.core.progress import Notice
from murnau_worker.core.turns import in_inference_mode, result_of
from murnau_worker.drawing.draw import draw, sample_latents
from murnau_worker.drawing.events import Picture
from murnau_worker.drawing.inpaint import Inpaint
from murnau_worker.drawing.masks import grown, latent_mask
from murnau_worker.drawing.options import DrawOptions, with_defaults
from murnau_worker.drawing.request import DrawHooks, DrawingTask, DrawRequest, Sketch
from murnau_worker.drawing.text_to_image import TextToImage
from murnau_worker.engine.drawing_session import DrawJob, DrawSession
from murnau_worker.engine.served_models import ServedModels
from murnau_worker.engine.served_models_file import ModelEntry
from murnau_worker.families.family import FamilyModel
from murnau_worker.families.kandinsky21.description import PART_NAMES
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.families.kandinsky21.processes import DECODER_PROCESS, threshold
from murnau_worker.models.clip_picture import ClipNormalisation, clip_pixels
from murnau_worker.sampling.prior_schedule import prior_schedule
from murnau_worker.sampling.samplers import SAMPLERS
from murnau_worker.sampling.tables import ddim_timesteps, respaced_timesteps
from murnau_worker.sessions.events import DrawStarted
from murnau_worker.text.prompt_reader import read_with


def request_for(model: FamilyModel, task: DrawingTask, seeds: tuple[int, ...] = (3,), **options: Any) -> DrawRequest:
    filled = with_defaults(flat_options(**options), model, task.own_size)
    return DrawRequest(task=task, seeds=seeds, options=filled, reader=read_with(model, ()))


def latents_of(model: FamilyModel, request: DrawRequest) -> tuple[Sketch, torch.Tensor]:
    sketching = in_inference_mode(request.task.sketch(model, request))
    sketch = result_of(sketching)
    with torch.inference_mode():
        return sketch, result_of(sample_latents(model, request, sketch, list(range(len(request.seeds)))))


@pytest.mark.parametrize(
    ("asked", "own_size", "wanted"),
    [
        ({}, None, (16, 16)),
        ({"width": 24}, None, (24, 16)),
        ({}, (4000, 4000), (16, 16)),
        ({}, (400, 100), (32, 8)),
        ({}, (9, 9), (16, 16)),
        ({"width": 40}, (400, 100), (40, 10)),
        ({"height": 20}, (400, 100), (80, 20)),
        ({"width": 30, "height": 21}, (400, 100), (30, 21)),
    ],
)
def test_sizes_left_open_keep_a_pictures_proportions_on_the_models_area(
    tiny: Kandinsky, asked: dict[str, Any], own_size: tuple[int, int] | None, wanted: tuple[int, int]
) -> None:
    filled = with_defaults(DrawOptions(**asked), tiny, own_size)
    assert (filled.width, filled.height) == wanted


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
@pytest.mark.parametrize("quirks", [False, True])
def test_kept_latents_are_the_pictures_own(tiny: Kandinsky, sampler: str, quirks: bool) -> None:
    mask_HW = torch.ones(32, 32)
    mask_HW[:, 16:] = 0
    task = Inpaint(("a cat",), colours(), mask_HW)
    request = request_for(tiny, task, sampler=sampler, reference_quirks=quirks)
    sketch, latents_NCHW = latents_of(tiny, request)
    assert sketch.kept is not None
    keeps = sketch.kept.mask_11HW.expand_as(latents_NCHW) == 1
    own = sketch.kept.latents_NCHW.expand_as(latents_NCHW)
    assert torch.equal(latents_NCHW[keeps], own[keeps]) is not quirks
    assert not torch.equal(latents_NCHW[~keeps], own[~keeps])


@given(st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=4, max_size=4))
def test_a_mask_grows_to_the_originals_neighbours(rows: list[list[bool]]) -> None:
    """Cell by cell: the neighbours above, left, above left, below, right and below right."""
    mask = np.array(rows, dtype=np.float32)
    wanted = mask.copy()
    for row, column in zip(*np.nonzero(mask == 0), strict=True):
        for down, right in ((-1, 0), (0, -1), (-1, -1), (1, 0), (0, 1), (1, 1)):
            if 0 <= row + down < 4 and 0 <= column + right < 5:
                wanted[row + down, column + right] = 0
    assert np.array_equal(grown(torch.from_numpy(mask)[None, None])[0, 0].numpy(), wanted)


def test_masks_are_taken_to_latents_by_the_nearest_pixel() -> None:
    mask_HW = torch.ones(30, 50)
    mask_HW[8:16, 24:] = 0
    options = DrawOptions(width=50, height=30)
    cells = latent_mask(mask_HW, options, (4, 4, 8), 8)[0, 0]
    assert cells.shape == (4, 8)
    assert (cells == 0).nonzero().tolist() == [[1, column] for column in range(3, 8)]


class ShortOfMemory:
    """A UNet on a device that holds `most` pictures under guidance."""

    def __init__(self, unet: Any, most: int) -> None:
        self.unet, self.most = unet, most

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unet, name)

    def __call__(self, seen: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if len(seen) > 2 * self.most:
            raise torch.OutOfMemoryError("out of memory")
        return self.unet(seen, *args, **kwargs)


@pytest.mark.parametrize("most", [3, 1, 0])
def test_short_memory_splits_the_batch_and_changes_no_picture(
    tiny: Kandinsky, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    request = replace(request_for(tiny, TextToImage(("a cat",) * 7), tuple(range(7))), batch_size=7)
    whole = [event.pixels_3HW for event in draw(tiny, request) if isinstance(event, Picture)]
    short = ShortOfMemory(tiny.unet, most)
    monkeypatch.setattr(Kandinsky, "unet", property(lambda _: short), raising=False)
    if most == 0:
        with pytest.raises(torch.OutOfMemoryError):
            list(draw(tiny, request))
        return
    events = list(draw(tiny, request))
    pictures = [event for event in events if isinstance(event, Picture)]
    notices = [event.message for event in events if isinstance(event, Notice)]
    assert [event.place for event in pictures] == list(range(7))
    assert max(float((one.pixels_3HW - other).abs().max()) for one, other in zip(pictures, whole, strict=True)) < 1e-4
    assert len(notices) == (2 if most == 3 else 3)  # 7, 4, 2, 1
    assert "not enough memory for 7 pictures at once" in notices[0]


def test_only_a_lack_of_memory_counts_as_one() -> None:
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate"))
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


def test_pictures_are_thresholded_each_by_its_own_percentile_or_as_the_first() -> None:
    clean = torch.stack([torch.full((4, 2, 2), 0.5), torch.full((4, 2, 2), 1.8)])
    alone, as_first = threshold(shares_first=False), threshold(shares_first=True)
    assert (alone.shares_first, as_first.shares_first) == (False, True)
    assert torch.allclose(alone.apply(clean, None)[1], torch.ones(4, 2, 2))
    assert torch.allclose(as_first.apply(clean, None)[1], torch.ones(4, 2, 2))
    first_large = as_first.apply(clean.flip(0), None)
    assert torch.allclose(first_large[1], torch.full((4, 2, 2), 0.5 / 1.8))


@pytest.mark.parametrize(
    ("text", "timesteps", "is_ddim"),
    [
        ("5", (0, 250, 500, 749, 999), False),
        ("1", (0,), False),
        ("2,3", (0, 499, 500, 750, 999), False),
        ("2, 0", (0, 499), False),
        ("ddim4", (1, 251, 501, 751), True),
        ("ddim1", (1,), True),
        ("ddim9", (1, 112, 223, 334, 445, 556, 667, 778, 889), True),  # and 1000, which does not exist
    ],
)
def test_prior_schedules(text: str, timesteps: tuple[int, ...], is_ddim: bool) -> None:
    schedule = prior_schedule(text)
    assert (schedule.tables.timesteps, schedule.is_ddim) == (timesteps, is_ddim)


def test_step_lists_follow_the_original_and_never_leave_the_table() -> None:
    assert (len(ddim_timesteps(7)), len(ddim_timesteps(30)), len(ddim_timesteps(100))) == (8, 31, 100)
    for steps in range(1, 1001):
        assert max(ddim_timesteps(steps)) <= 999
        assert len(respaced_timesteps(steps)) == steps
    assert len(prior_schedule("ddim1000")) == 999
    assert DECODER_PROCESS.ddim(10, start_step=300).timesteps == (1, 101, 201)


def test_clip_sees_the_centred_square() -> None:
    picture = Image.new("RGB", (60, 20), "black")
    picture.paste((255, 255, 255), (20, 0, 40, 20))
    plain = ClipNormalisation(mean=(0.5, 0.5, 0.5), deviation=(0.5, 0.5, 0.5))
    pixels_1CHW = clip_pixels(picture, 20, plain)
    assert pixels_1CHW.shape == (1, 3, 20, 20)
    assert torch.allclose(pixels_1CHW, torch.ones(1, 3, 20, 20))
    white = clip_pixels(Image.new("RGB", (7, 9), "white"), 14, ClipNormalisation())
    assert float(white[0, 0, 0, 0]) == pytest.approx((1 - 0.48145466) / 0.26862954, rel=1e-5)


def test_a_model_of_another_dtype_draws_in_it_and_samples_in_fp32(tiny: Kandinsky, tiny_folder: Path) -> None:
    entry = ModelEntry(path=tiny_folder, dtype="bfloat16", offload="parts")
    model = ServedModels({"tiny": entry}).load("tiny")
    task = TextToImage(("a photo of a cat",))
    _, exact = latents_of(tiny, request_for(tiny, task, sampler="p_sampler"))
    request = request_for(model, task, sampler="p_sampler")
    _, rounded = latents_of(model, request)
    assert rounded.dtype == torch.float32
    assert 0 < float((rounded - exact).abs().mean()) < 0.1 * float(exact.abs().mean())
    (picture,) = [event.pixels_3HW for event in draw(model, request) if isinstance(event, Picture)]
    assert picture.dtype == torch.float32
    assert bool(picture.isfinite().all())
    resident = {part for part in PART_NAMES if model.is_resident(part)}
    assert resident == {"unet", "movq"}


@pytest.mark.parametrize(("dtype", "told"), [("float32", "fp32"), ("bfloat16", "bf16")])
def test_a_drawing_tells_the_numerics_of_its_own_model(tiny_folder: Path, dtype: Any, told: str) -> None:
    models = ServedModels({"tiny": ModelEntry(path=tiny_folder, dtype=dtype)})
    job = DrawJob("tiny", TextToImage(("a cat",)), DrawOptions(num_steps=1), (), (1,))
    events: list[Any] = []
    session = DrawSession(job, models, DrawHooks(), events.append, events.append, lambda: None)
    for _ in session.turns():
        pass
    (started,) = [event for event in events if isinstance(event, DrawStarted)]
    assert f", {told}, " in started.numeric_fingerprint
