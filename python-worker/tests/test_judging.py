"""How a run is judged and what it publishes: the plateau rule, the best rows, baselines, and a run that diverges."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import grpc
import pytest
import torch
from run_tools import encoded, step, tiny_run, tiny_spec
from worker_client import Stream, detail_of, running_worker, start_message, train

from murnau_worker.engine import run_pictures
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.text.embedding_file import read_canonical
from murnau_worker.training import run as run_module
from murnau_worker.training.evaluation import EvalLosses, Evaluator
from murnau_worker.training.plateau import has_settled
from murnau_worker.training.state import Evaluation


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 120))


def curve(count: int, loss: Callable[[int], float], *, gain: float = 0.3, every: int = 25) -> list[Evaluation]:
    steps = [number * every for number in range(1, count + 1)]
    return [Evaluation(step=at, eval_loss=loss(at), eval_gain=gain) for at in steps]


def settling(at: int) -> float:
    return 0.1 + math.exp(-at / 80)


def test_a_loss_that_falls_and_then_stays_has_settled() -> None:
    assert has_settled(curve(24, settling))
    assert not has_settled(curve(8, settling)), "nothing lies before the window yet"
    assert not has_settled(curve(16, lambda at: 1 - at / 1000))
    assert not has_settled([])


def test_what_has_learnt_nothing_or_was_evaluated_too_seldom_has_not_settled() -> None:
    assert not has_settled(curve(24, settling, gain=0.0))
    assert not has_settled(curve(24, settling, gain=-1.0))
    assert not has_settled(curve(12, settling, every=50))


@pytest.mark.parametrize("factor", [0.5, 1024.0])
def test_the_unit_of_the_loss_does_not_matter(factor: float) -> None:
    for count in range(9, 30):
        wavy = curve(count, lambda at: settling(at) + 0.05 * math.sin(at))
        scaled = [one.model_copy(update={"eval_loss": one.eval_loss * factor}) for one in wavy]
        assert has_settled(wavy) == has_settled(scaled)


def test_quarters_divide_the_evaluation() -> None:
    losses = EvalLosses(torch.arange(8, dtype=torch.float64), torch.tensor([0, 249, 250, 499, 500, 749, 750, 999]))
    assert losses.by_quarter() == {
        "eval_loss_0_249": 0.5,
        "eval_loss_250_499": 2.5,
        "eval_loss_500_749": 4.5,
        "eval_loss_750_999": 6.5,
    }


def test_quarters_of_a_real_evaluation_have_its_mean(tiny: Kandinsky) -> None:
    *_, metrics = tiny_run(tiny, tiny_spec()).evaluate()
    assert metrics is not None
    quarters = [value for name, value in metrics.items() if name.startswith("eval_loss_")]
    assert len(quarters) == 4
    assert sum(quarters) / 4 == pytest.approx(metrics["eval_loss"])


def test_the_best_rows_are_kept_published_and_resumed(tiny: Kandinsky) -> None:
    """Rates so high that the loss rises again: the best step lies behind the last."""
    rates = {"learning_rate_t1": 20.0, "learning_rate_t2": 20.0, "schedule": "constant", "ema_decay": 0.0}
    spec = tiny_spec(publish="best", **rates)
    whole = tiny_run(tiny, spec)
    kept: dict[int, torch.Tensor] = {}
    state = b""
    for number in range(1, 4):
        step(whole)
        list(whole.evaluate())
        kept[number] = whole.averaged_rows["t1"].clone()
        if number == 2:
            state = whole.state_bytes()
    best = min(whole.state.evaluations, key=lambda one: one.eval_loss).step
    assert best < 3
    resumed = tiny_run(tiny, spec, state)
    step(resumed)
    list(resumed.evaluate())
    for file in (whole.embedding_bytes(), resumed.embedding_bytes()):
        embedding = read_canonical(file)
        assert (embedding.step, embedding.published) == (best, "best")
        assert torch.equal(embedding.rows["t1"], kept[best])
    assert resumed.state_bytes() == whole.state_bytes()


def test_each_publication_names_itself(tiny: Kandinsky) -> None:
    for published in ("averaged", "last", "best"):
        one = tiny_run(tiny, tiny_spec(publish=published))
        step(one)
        embedding = read_canonical(one.embedding_bytes())
        # Nothing was evaluated, so there is no best yet.
        assert embedding.published == ("averaged" if published == "best" else published)
        expected = one.state.rows["t1"] if published == "last" else one.averaged_rows["t1"]
        assert torch.equal(embedding.rows["t1"], expected)


def test_a_word_is_evaluated_once_for_a_dataset(tiny: Kandinsky) -> None:
    evaluator = Evaluator(tiny, encoded(tiny), "object")
    encoder = tiny_run(tiny, tiny_spec()).encoder
    first = list(evaluator.word_loss(encoder, "cat"))
    assert len(first) > 8, "eight chunks and the result"
    assert list(evaluator.word_loss(encoder, "cat")) == first[-1:]
    assert list(evaluator.word_loss(encoder, "dog"))[-1] != first[-1]


def test_a_settled_run_ends_early_with_its_final_pictures(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "has_settled", lambda evaluations: len(evaluations) >= 2)

    async def work() -> tuple[Stream, Stream]:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            first = await train(worker, start_message(eval_every_steps=2, stop_at_plateau=True))
            state = first.checkpoints[4].state
            # Whoever heard that it ended did not live to say so: the next to ask hears it at once.
            again = start_message(epoch=2, state=state, step=4, eval_every_steps=2, stop_at_plateau=True)
            return first, await train(worker, again)

    first, again = run(work())
    assert first.metrics[4, "plateau"] == 1.0
    assert (4, "baseline_image_alignment") in first.metrics
    assert len([sample for sample in first.of("sample") if sample.kind == pb.SAMPLE_KIND_FINAL]) == 2
    assert first.events[-2][0] == "checkpoint"
    for stream in (first, again):
        (finished,) = stream.of("finished")
        assert (finished.step, finished.reason) == (4, pb.FINISH_REASON_PLATEAU)
    assert [kind for kind, _ in again.events] == ["started", "finished"]


def test_runs_of_one_dataset_share_their_baselines(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    original = run_pictures.draw

    def counting(model: Any, request: Any) -> Any:
        drawn.append(request.task.name)
        return original(model, request)

    monkeypatch.setattr(run_pictures, "draw", counting)

    async def work() -> tuple[Stream, Stream]:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            first = await train(worker, start_message(max_steps=1, until_step=1))
            other = start_message(max_steps=1, until_step=1, seed=6)
            other.run_id = "00000001"
            return first, await train(worker, other)

    def pictures(stream: Stream, kind: int) -> list[bytes]:
        return [sample.png for sample in stream.of("sample") if sample.kind == kind]

    first, second = run(work())
    # Learnt word, then both baselines, each also on the background; the second run draws its own word only.
    assert drawn == ["text2img"] * 4 + ["fuse"] * 2 + ["text2img"] * 2
    for kind in (pb.SAMPLE_KIND_BASELINE, pb.SAMPLE_KIND_FUSE_BASELINE):
        assert pictures(first, kind) == pictures(second, kind) != []
    name = "fuse_image_alignment"
    assert first.metrics[1, name] == second.metrics[1, name]


def test_a_diverged_run_ends_with_its_step_and_its_last_good_checkpoint(tiny_folder: Path) -> None:
    """Weight decay of 1 at a rate of 100 multiplies the rows by -99 each step, until they are no numbers any more."""
    rates: dict[str, Any] = {
        "learning_rate_t1": 100.0,
        "learning_rate_t2": 100.0,
        "learning_rate_unit": pb.LEARNING_RATE_UNIT_ABSOLUTE,
        "weight_decay": 1.0,
        "schedule_steps": 100,
        "max_steps": 100,
        "samples": pb.SampleSpec(),
    }
    heard: list[tuple[str, Any]] = []

    async def work() -> pb.ErrorDetail:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await train(
                    worker,
                    start_message(until_step=100, **rates),
                    until=lambda kind, message: heard.append((kind, message)) or False,  # type: ignore[func-returns-value]
                )
            return detail_of(error.value)

    detail = run(work())
    last_step = max(message.step for kind, message in heard if kind == "metrics")
    assert detail.code == "run.diverged"
    assert detail.message.endswith(f"at step {last_step + 1}")
    kept = [message for kind, message in heard if kind == "checkpoint"][-1]
    assert kept.step >= last_step - 1
    assert bool(read_canonical(kept.embedding).rows["t1"].isfinite().all())
