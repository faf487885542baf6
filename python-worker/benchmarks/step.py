"""Our training steps, joint and split, against the reference's, done plainly, at a reduced size of the real model.

    npm run -s bench:step [-- --rounds 9]

Both learn the same run (batch 1, the same pictures, prompts and noise) with the same random weights, on one thread, in
interleaved pairs; seconds are of processor time. Each joint pair's gradients are compared. The last line is JSON:
`joint_ratio` is how much longer the reference's step takes than our joint one, `split_ratio` than our split one, both
phases by their shares of a run's steps, and `max_gradient_error` the largest max|a-b| / max|b| of both rows' gradients
over all joint steps.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from diffusers import PriorTransformer, UNet2DConditionModel, VQModel
from diffusers.pipelines.kandinsky.text_encoder import MultilingualCLIP
from pairs import in_pairs
from reduced_model import write_reduced_model
from reference_step import PADDED_LENGTH, ReferenceBatch, ReferenceParts, ReferenceStep
from runs import make_run, open_kandinsky
from transformers import CLIPTextModelWithProjection

from murnau_worker.core.draws import Draws
from murnau_worker.engine.device_thread import set_up_torch
from murnau_worker.engine.prepared_data import DataCache
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.families.kandinsky21.parameters import parameters_of
from murnau_worker.training.data.samples import picture_of
from murnau_worker.training.run import TrainingRun
from murnau_worker.training.shares import StepGradients
from murnau_worker.training.step import gradients as packed_gradients


def reference_parts(folder: Path) -> ReferenceParts:
    """The same weights again, in upstream's classes with upstream's own attention."""
    decoder, prior = folder / "kandinsky-2-1", folder / "kandinsky-2-1-prior"
    return ReferenceParts(
        text_encoder=MultilingualCLIP.from_pretrained(decoder / "text_encoder"),
        clip_text=CLIPTextModelWithProjection.from_pretrained(prior / "text_encoder"),
        prior=_loaded(PriorTransformer, prior / "prior"),
        unet=_loaded(UNet2DConditionModel, decoder / "unet"),
        movq=_loaded(VQModel, decoder / "movq"),
    )


def _loaded(kind: Any, folder: Path) -> Any:
    return kind.from_pretrained(folder)


def padded(ids: tuple[int, ...], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask [1, 77]."""
    missing = PADDED_LENGTH - len(ids)
    return torch.tensor([[*ids, *[pad_id] * missing]]), torch.arange(PADDED_LENGTH)[None] < len(ids)


def reference_batch(run: TrainingRun) -> ReferenceBatch:
    """What the run's next step consists of, for the reference: pixels instead of latents, padded prompts."""
    spec, draws, step = run.spec, Draws(run.spec.seed), run.state.step
    batch = run.share(range(1)).batch
    assert isinstance(run.model, Kandinsky)
    pixels_3HW = run.latents.pixels[picture_of(draws, step, len(run.latents))]
    if draws.uniform("flip", step, 0) < spec.data.flip_probability:
        pixels_3HW = pixels_3HW.flip(-1)
    t1_ids, t1_mask = padded(batch.tokens["t1"][0], run.model.t1.pad_id)
    t2_ids, t2_mask = padded(batch.tokens["t2"][0], 0)
    empty_ids, empty_mask = padded(run.encoder.ids("")["t2"], 0)
    return ReferenceBatch(
        pixels_N3HW=pixels_3HW[None],
        t1_ids_NL=t1_ids,
        t1_mask_NL=t1_mask.long(),
        t2_ids_NL=t2_ids,
        t2_mask_NL=t2_mask,
        empty_ids_NL=empty_ids,
        empty_mask_NL=empty_mask,
        noise=batch.tensors,
    )


class Pair:
    """The same run twice. Each way draws its batch itself; the steps must be taken in pairs."""

    def __init__(self, run: TrainingRun, twin: TrainingRun, reference: ReferenceStep) -> None:
        self._run = run
        self._twin = twin  # tells the reference what the next step is, and never learns
        self._reference = reference
        self._ours: StepGradients | None = None
        self._theirs: tuple[torch.Tensor, torch.Tensor] | None = None
        self.largest_error = 0.0

    def ours(self) -> None:
        [self._ours] = packed_gradients(self._run.model, [self._run.share(range(1))])
        self._run.apply(self._ours)
        self._compare()

    def theirs(self) -> None:
        self._reference.step(reference_batch(self._twin))
        self._twin.state.step += 1
        self._theirs = (self._reference.t1.row_gradient.clone(), self._reference.t2.row_gradient.clone())
        self._compare()

    def _compare(self) -> None:
        if self._ours is None or self._theirs is None:
            return
        for ours, theirs in zip((self._ours.rows["t1"], self._ours.rows["t2"]), self._theirs, strict=True):
            error = float((ours - theirs).abs().max() / theirs.abs().max())
            self.largest_error = max(self.largest_error, error)
        self._ours = self._theirs = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="pairs of steps")
    rounds: int = parser.parse_args().rounds
    set_up_torch(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_reduced_model(folder)
        compare(folder, rounds)


def compare(folder: Path, rounds: int) -> None:
    """Times both ways in pairs on the model in `folder`, whose parts are read when they are first asked for."""
    model, parts = open_kandinsky(folder), reference_parts(folder)
    cache = DataCache()
    run, twin = (make_run(model, cache, "purple-car", packing="exclusive") for _ in range(2))
    t1, t2 = run.settings["t1"], run.settings["t2"]
    reference = ReferenceStep(
        parts,
        rows=(t1.initial_RD, t2.initial_RD),
        rates=(t1.learning_rate, t2.learning_rate),
        decay=run.spec.optimizer.weight_decay,
    )
    for network in (parts.unet, parts.prior, parts.movq):
        print(f"{type(network).__name__}: {sum(weights.numel() for weights in network.parameters()) / 1e6:.1f}M")
    pair = Pair(run, twin, reference)
    joint = compared("joint", pair.ours, pair, rounds)
    split_run = make_run(model, cache, "purple-car", packing="exclusive", objective="split")
    share = parameters_of(split_run.spec).prior_share
    prior = compared("split, prior", step_of(split_run), pair, rounds)
    split_run.state.step = split_run.spec.optimizer.schedule_steps // 2 + 1
    assert split_run.phase == "decoder"
    decoder = compared("split, decoder", step_of(split_run), pair, rounds)
    split = 1 / (share / prior + (1 - share) / decoder)
    result = {"joint_ratio": round(joint, 3), "split_ratio": round(split, 3), "max_gradient_error": pair.largest_error}
    print(json.dumps(result))


def step_of(run: TrainingRun) -> Callable[[], None]:
    """One optimizer step of a run by itself."""

    def take() -> None:
        [gradients] = packed_gradients(run.model, [run.share(range(1))])
        run.apply(gradients)

    return take


def compared(name: str, ours: Callable[[], None], pair: Pair, rounds: int) -> float:
    """How much longer the reference's step takes."""
    result = in_pairs(ours, pair.theirs, rounds, time.process_time)
    print(f"{name}: ours {result.first_s * 1e3:.0f} ms, the reference's {result.second_s * 1e3:.0f} ms")
    return result.ratio


if __name__ == "__main__":
    main()
