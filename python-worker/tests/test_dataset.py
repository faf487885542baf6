"""Pictures of a run: aspect buckets, masks, captions, what is refused of them, and the identity of a dataset."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest
import torch
from PIL import Image
from run_tools import encoded, picture, png, step, step_together, tiny_run, tiny_spec

from murnau_worker.core.draws import Draws
from murnau_worker.core.errors import WorkerError
from murnau_worker.core.named_picture import NamedPicture
from murnau_worker.families.kandinsky21.condition import condition_on, predict
from murnau_worker.families.kandinsky21.losses import sampled_images
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.sampling.noising import add_noise, masked_mean
from murnau_worker.training.data.aspect_buckets import bucket_sizes, nearest_size
from murnau_worker.training.data.dataset import LatentSet, dataset_fingerprint
from murnau_worker.training.data.loss_masks import loss_weights, on_cells
from murnau_worker.training.data.samples import bucket_of_step, picture_of, pictures_of_step
from murnau_worker.training.shares import PackGroup

# Two squares, three wide pictures and a tall one.
SHAPES = ((24, 24), (24, 24), (24, 48), (24, 46), (20, 40), (48, 24))


def of_many_shapes() -> list[NamedPicture]:
    return [picture(seed, *shape) for seed, shape in enumerate(SHAPES)]


def left_half(height: int = 24, width: int = 24) -> bytes:
    """A mask that is white on its left half."""
    pixels = np.zeros((height, width), np.uint8)
    pixels[:, : width // 2] = 255
    return png(pixels)


@pytest.mark.parametrize(("image_size", "multiple"), [(16, 4), (64, 32), (512, 64), (768, 64)])
def test_buckets_have_about_the_models_area_and_sides_it_can_take(image_size: int, multiple: int) -> None:
    sizes = bucket_sizes(image_size, multiple)
    assert sizes[0] == (image_size, image_size)
    assert len(set(sizes)) == len(sizes) >= 3
    for width, height in sizes:
        assert width % multiple == height % multiple == 0
        assert 0.7 <= width * height / image_size**2 <= 1.5
        assert (height, width) in sizes


def test_a_picture_goes_to_the_bucket_of_the_nearest_proportions() -> None:
    sizes = bucket_sizes(512, 64)
    assert nearest_size((3000, 3000), sizes) == (512, 512)
    assert nearest_size((4032, 3024), sizes) == (576, 448)
    assert nearest_size((100, 1000), sizes) == min(sizes, key=lambda size: size[0] / size[1])


def test_pictures_of_one_bucket_have_one_shape(tiny: Kandinsky) -> None:
    latents = encoded(tiny, of_many_shapes(), tiny_spec(resize="bucket"))
    assert [bucket.places for bucket in latents.buckets] == [(0, 1), (2, 3, 4), (5,)]
    factor = tiny.latent_factor
    for place in range(len(SHAPES)):
        assert latents.latent(place).shape[-2:] == tuple(side // factor for side in latents.pixels[place].shape[-2:])
    assert latents.pixels_n3HW.shape == (6, 3, *[min(latents.pixels[2].shape[-2:])] * 2)


def test_every_picture_is_shown_as_often_as_any_other_and_a_step_has_one_shape(tiny: Kandinsky) -> None:
    latents, draws = encoded(tiny, of_many_shapes(), tiny_spec(resize="bucket")), Draws(5)
    rounds, batch = 4, 3
    shown: Counter[int] = Counter()
    for number in range(rounds * len(latents)):
        places = pictures_of_step(draws, number, range(batch), batch, latents)
        bucket, _ = bucket_of_step(number, latents)
        assert set(places) <= set(latents.buckets[bucket].places)
        assert places[1:] == pictures_of_step(draws, number, range(1, batch), batch, latents)
        shown.update(places)
    assert shown == dict.fromkeys(range(len(latents)), rounds * batch)


def test_the_pictures_draw_the_order_of_buckets_and_no_runs_seed(tiny: Kandinsky) -> None:
    """So that the trials of a sweep, whatever their seeds, can share a batch at each step."""
    pictures = of_many_shapes()
    runs = [
        tiny_run(tiny, tiny_spec(resize="bucket", packing="packed", seed=seed), pictures=pictures) for seed in range(3)
    ]
    groups: set[PackGroup] = set()
    for number in range(4 * len(pictures)):
        for run in runs:
            run.state.step = number
        (group,) = {run.group for run in runs}
        groups.add(group)
    assert len(groups) == 3
    shown = [run.share(range(2)).batch.tensors["latents"] for run in runs]
    assert not torch.equal(shown[0], shown[1]), "which of the bucket's pictures, and their noise, are a run's own"

    def order(latents: LatentSet) -> list[int]:
        return [bucket_of_step(number, latents)[0] for number in range(60)]

    latents = encoded(tiny, pictures, tiny_spec(resize="bucket"))
    other = encoded(tiny, [*pictures[:-1], picture(77, 24, 12)], tiny_spec(resize="bucket"))
    assert order(latents) == order(encoded(tiny, pictures, tiny_spec(resize="bucket")))
    assert order(latents) != order(other)


def test_pictures_of_one_shape_are_drawn_as_ever(tiny: Kandinsky) -> None:
    latents, draws = encoded(tiny), Draws(5)
    for number in range(7):
        expected = [picture_of(draws, number * 2 + index, 3) for index in range(2)]
        assert pictures_of_step(draws, number, range(2), 2, latents) == expected


def test_a_run_on_buckets_learns_resumes_and_is_evaluated(tiny: Kandinsky) -> None:
    spec = tiny_spec(resize="bucket")
    whole = tiny_run(tiny, spec, pictures=of_many_shapes())
    groups = set()
    state = b""
    for number in range(6):
        groups.add(whole.group)
        step(whole)
        state = whole.state_bytes() if number == 2 else state
    assert len(groups) == 3
    resumed = tiny_run(tiny, spec, state, of_many_shapes())
    for _ in range(3):
        step(resumed)
    assert resumed.state_bytes() == whole.state_bytes()
    metrics = list(whole.evaluate())[-1]
    assert metrics is not None
    assert 0 < metrics["eval_loss"] < 10


def test_a_masked_mean_is_what_hand_computation_gives() -> None:
    error_NCHW = torch.arange(2 * 3 * 2 * 2, dtype=torch.float32).view(2, 3, 2, 2)
    weights_N1HW = torch.tensor([[[1.0, 0.0], [0.5, 0.0]], [[1.0, 1.0], [1.0, 1.0]]])[:, None]
    first = sum(float(error_NCHW[0, c, 0, 0] + 0.5 * error_NCHW[0, c, 1, 0]) for c in range(3)) / (3 * 1.5)
    found = masked_mean(error_NCHW, weights_N1HW)
    assert found.tolist() == pytest.approx([first, float(error_NCHW[1].mean())])


def test_equal_weights_give_exactly_the_plain_mean() -> None:
    error_NCHW = torch.rand(5, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    weights_N1HW = loss_weights(torch.rand(5, 1, 8, 8), floor=1.0)
    assert torch.equal(masked_mean(error_NCHW, weights_N1HW), error_NCHW.mean(dim=(1, 2, 3)))


def test_a_mask_is_scaled_by_area_and_flipped_with_its_picture(tiny: Kandinsky) -> None:
    spec = tiny_spec(loss_mask="file")
    # Ten white columns of 24; a cell is three columns wide.
    pixels = np.zeros((24, 24), np.uint8)
    pixels[:, :10] = 255
    latents = encoded(tiny, [picture(1, mask=png(pixels)), picture(2)], spec)
    expected = torch.tensor([1.0, 1.0, 1.0, 1 / 3, 0, 0, 0, 0]).expand(8, 8)
    mask_HW, flipped_HW = latents.mask(0), latents.mask(0, 1)
    assert mask_HW is not None
    assert flipped_HW is not None
    torch.testing.assert_close(mask_HW, expected)
    assert torch.equal(flipped_HW, mask_HW.flip(-1))
    without = latents.mask(1)
    assert without is not None
    assert bool((without == 1).all())


def test_a_mask_is_cut_as_its_picture_is() -> None:
    wide = Image.fromarray(np.repeat(np.array([[0, 255, 255, 0]], np.uint8), 2, axis=0))
    assert on_cells(wide, (2, 2), "crop").tolist() == [[1, 1], [1, 1]]
    assert on_cells(wide, (2, 2), "squash").tolist() == [[0.5, 0.5], [0.5, 0.5]]


def test_transparency_is_a_mask(tiny: Kandinsky) -> None:
    pixels = np.full((16, 16, 4), 255, np.uint8)
    pixels[:8, :, 3] = 0
    cut_out = NamedPicture("a" * 64, "cut-out.png", png(pixels))
    mask_HW = encoded(tiny, [cut_out, picture(2)], tiny_spec(loss_mask="alpha")).mask(0)
    assert mask_HW is not None
    assert mask_HW[:4].max() == 0
    assert mask_HW[4:].min() == 1


def test_what_is_masked_out_does_not_move_a_loss(tiny: Kandinsky) -> None:
    """The error of the masked run, computed by hand from the unmasked prediction on the same draws."""
    masks = [left_half() for _ in range(3)]
    pictures = [picture(seed, mask=mask) for seed, mask in enumerate(masks)]
    floor = 0.25
    run = tiny_run(tiny, tiny_spec(loss_mask="file", loss_mask_floor=floor), pictures=pictures)
    share = run.share(range(2))
    given = share.batch.tensors
    assert "latents" in given
    assert "cell_weights" in given
    assert sorted(set(given["cell_weights"].flatten().tolist())) == [floor, 1.0]
    with torch.no_grad():
        image_NE = sampled_images(tiny, share.batch, share.rows)
        condition = condition_on(tiny, share.batch, share.rows, image_NE)
        noised = add_noise(tiny.process, given["latents"], given["noise"], given["timesteps"])
        error_NCHW = (predict(tiny.unet, noised, given["timesteps"], condition)[:, :4] - given["noise"]).square()
    weights_NCHW = given["cell_weights"].expand_as(error_NCHW)
    by_hand = [float((e * w).sum() / w.sum()) for e, w in zip(error_NCHW, weights_NCHW, strict=True)]
    assert step(run)["train_loss"] == pytest.approx(sum(by_hand) / 2, rel=1e-5)
    plain, masked, opaque = (
        step(tiny_run(tiny, tiny_spec(**changes), pictures=pictures))["train_loss"]
        for changes in ({}, {"loss_mask": "file"}, {"loss_mask": "file", "loss_mask_floor": 1.0})
    )
    assert masked != plain
    assert opaque == plain


def test_masked_and_unmasked_runs_share_a_batch(tiny: Kandinsky) -> None:
    pictures = [picture(seed, mask=left_half()) for seed in range(3)]
    specs = [tiny_spec(packing="packed"), tiny_spec(packing="packed", loss_mask="file")]
    alone = [step(tiny_run(tiny, spec, pictures=pictures)) for spec in specs]
    together = step_together(*(tiny_run(tiny, spec, pictures=pictures) for spec in specs))
    for one, packed in zip(alone, together, strict=True):
        assert packed == pytest.approx(one, rel=1e-4)


def test_evaluations_know_no_masks(tiny: Kandinsky) -> None:
    pictures = [picture(seed, mask=left_half()) for seed in range(3)]
    runs = [tiny_run(tiny, tiny_spec(loss_mask=mask), pictures=pictures) for mask in ("none", "file")]
    assert runs[0].latents.fingerprint != runs[1].latents.fingerprint
    assert list(runs[0].evaluate())[-1] == list(runs[1].evaluate())[-1]


def test_a_datasets_fingerprint_covers_what_is_learnt_from_and_nothing_else() -> None:
    plain = [picture(1), picture(2)]
    rich = [picture(1, mask=left_half(), caption="a {placeholder}"), picture(2)]
    text = "\n".join(["16 squash", *(one.hash for one in plain)])
    assert dataset_fingerprint(plain, 16, "squash") == hashlib.sha256(text.encode()).hexdigest()
    assert dataset_fingerprint(rich, 16, "squash") == dataset_fingerprint(plain, 16, "squash")
    different = {
        dataset_fingerprint(rich, 16, "squash"),
        dataset_fingerprint(rich, 16, "bucket"),
        dataset_fingerprint(rich, 16, "squash", "file"),
        dataset_fingerprint(plain, 16, "squash", "file"),
        dataset_fingerprint(rich, 16, "squash", "alpha"),
        dataset_fingerprint(rich, 16, "squash", reads_captions=True),
        dataset_fingerprint(plain, 16, "squash", reads_captions=True),
    }
    assert len(different) == 7


def refusal(tiny: Kandinsky, pictures: list[NamedPicture], **changes: str) -> WorkerError:
    with pytest.raises(WorkerError) as refused:
        encoded(tiny, pictures, tiny_spec(**changes))
    return refused.value


def test_every_bad_picture_is_named_at_once(tiny: Kandinsky) -> None:
    half = picture(3).content[:200]
    bad = [NamedPicture("0" * 64, "half.png", half), NamedPicture("1" * 64, "notes.jpg", b"these are notes\n")]
    error = refusal(tiny, [picture(1), bad[0], picture(2), bad[1]])
    assert error.code == "image.unreadable"
    assert error.field == "images[1]"
    assert error.given == "half.png, notes.jpg"
    assert "half.png" in error.message
    assert "notes.jpg" in error.message


def test_masks_that_cannot_be_used_are_refused(tiny: Kandinsky) -> None:
    black, wide = png(np.zeros((24, 24), np.uint8)), left_half(24, 30)
    given = {
        "mask.all_black": picture(7, mask=black),
        "mask.wrong_size": picture(7, mask=wide),
        "image.unreadable": picture(7, mask=b"no mask"),
    }
    for code, one in given.items():
        error = refusal(tiny, [picture(1), one], loss_mask="file")
        assert error.code == code
        assert error.field == "images[1]"
        assert "7.png" in error.message
    for loss_mask in ("file", "alpha"):
        assert refusal(tiny, [picture(1)], loss_mask=loss_mask).code == "mask.missing"


def test_a_mask_that_is_cut_away_is_refused(tiny: Kandinsky) -> None:
    edge = np.zeros((24, 48), np.uint8)
    edge[:, :4] = 255
    error = refusal(tiny, [picture(7, 24, 48, mask=png(edge))], loss_mask="file", resize="crop")
    assert error.code == "mask.all_black"
    assert "7.png" in error.message


def test_a_mask_may_be_smaller_than_its_picture(tiny: Kandinsky) -> None:
    mask_HW = encoded(tiny, [picture(1, mask=left_half(8, 8))], tiny_spec(loss_mask="file")).mask(0)
    assert mask_HW is not None
    assert mask_HW.mean() == 0.5
