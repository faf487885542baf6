"""Training over real gRPC: order of events, resuming, leases, fencing, cancelling, refusals."""

from __future__ import annotations

import asyncio
import hashlib
import io
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import grpc
import pytest
import torch
from PIL import Image
from worker_client import PICTURES, Stream, detail_of, running_worker, spec_message, start_message, train

from murnau_worker.families.kandinsky21 import losses as objective
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.text.embedding_file import read_canonical
from murnau_worker.training.data.dataset import NamedPicture


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 120))


async def refused(awaitable: Coroutine[Any, Any, Any]) -> tuple[grpc.StatusCode, pb.ErrorDetail]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await awaitable
    return error.value.code(), detail_of(error.value)


def check_order(stream: Stream) -> None:
    """Steps never go back, and a checkpoint is the last event of its step."""
    certified = -1
    latest = 0
    for kind, message in stream.events:
        if kind in ("started", "log"):
            continue
        assert message.step >= latest
        latest = message.step
        if kind == "checkpoint":
            certified = message.step
        elif kind != "finished":
            assert message.step > certified
    assert stream.events[-1][0] == "finished"


def test_a_whole_run(tiny_folder: Path) -> None:
    async def work() -> Stream:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            return await train(worker, start_message(eval_every_steps=4))

    stream = run(work())
    check_order(stream)
    assert stream.events[0][0] == "started"
    assert list(stream.checkpoints) == [2, 4, 6, 8]
    assert stream.of("finished")[0].reason == pb.FINISH_REASON_UNTIL_STEP
    assert [step for step, name in stream.metrics if name == "train_loss"] == list(range(1, 9))
    assert [step for step, name in stream.metrics if name == "eval_loss"] == [4, 8]
    at_end = {name for step, name in stream.metrics if step == 8}
    assert {"image_alignment", "text_alignment", "eval_gain", "norm_t1", "eval_loss_750_999"} <= at_end
    baselines = {"baseline_image_alignment", "baseline_text_alignment", "fuse_image_alignment", "fuse_text_alignment"}
    assert baselines | {"baseline_eval_loss"} <= at_end
    assert {"image_alignment", "text_alignment"} <= {name for step, name in stream.metrics if step == 4}
    kinds = [(sample.step, sample.kind, sample.position) for sample in stream.of("sample")]
    progress, final = pb.SAMPLE_KIND_PROGRESS, pb.SAMPLE_KIND_FINAL
    baseline, fused = pb.SAMPLE_KIND_BASELINE, pb.SAMPLE_KIND_FUSE_BASELINE
    assert kinds == [
        (4, progress, 0), (4, progress, 1), (8, progress, 0), (8, progress, 1),
        (8, final, 0), (8, final, 1), (8, baseline, 0), (8, baseline, 1),
        (8, fused, 0), (8, fused, 1),
    ]  # fmt: skip
    assert {sample.prompt for sample in stream.of("sample")} == {"a photo of a sapsan", "a photo of a train"}
    (judgement,) = stream.of("judgement")
    assert (judgement.step, judgement.baseline_word) == (8, "train")
    assert judgement.judge.startswith("conv-")
    assert judgement.concept in ("cat", "dog")
    assert Image.open(io.BytesIO(stream.of("sample")[0].png)).size == (16, 16)
    embedding = read_canonical(stream.checkpoints[8].embedding)
    assert (embedding.placeholder_token, embedding.initializer_token, embedding.step) == ("sapsan", "train", 8)


def test_killed_and_resumed_anywhere_it_ends_in_the_same_bytes(tiny_folder: Path) -> None:
    """Each segment runs on a worker of its own, killed in the middle of what it was doing."""

    async def undisturbed() -> Stream:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            return await train(worker, start_message(eval_every_steps=4))

    async def killed(state: bytes | None, step: int, epoch: int, at: tuple[str, int] | None) -> Stream:
        def is_there(kind: str, message: Any) -> bool:
            return at is not None and kind == at[0] and message.step == at[1]

        async with running_worker(tiny_folder) as worker:
            await worker.put()
            start = start_message(epoch=epoch, state=state, step=step, eval_every_steps=4)
            return await train(worker, start, until=is_there)

    whole = run(undisturbed())
    stored: dict[tuple[int, str], float] = {}
    pictures: dict[tuple[int, int, int], bytes] = {}
    state, step = None, 0
    for epoch, at in enumerate([("metrics", 3), ("sample", 4), ("checkpoint", 6), ("sample", 8), None], start=1):
        stream = run(killed(state, step, epoch, at))
        newest = max(stream.checkpoints, default=step)
        stored |= {key: value for key, value in stream.metrics.items() if key[0] <= newest}
        pictures |= {
            (sample.step, sample.kind, sample.position): sample.png
            for sample in stream.of("sample")
            if sample.step <= newest
        }
        if newest > step:
            state, step = stream.checkpoints[newest].state, newest
    assert state == whole.checkpoints[8].state
    assert stored == whole.metrics
    assert pictures == {(s.step, s.kind, s.position): s.png for s in whole.of("sample")}


def test_segments_do_not_change_a_run(tiny_folder: Path) -> None:
    async def work() -> tuple[bytes, bytes]:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            whole = await train(worker, start_message())
            first = await train(worker, start_message(epoch=2, until_step=3))
            state = first.checkpoints[3].state
            second = await train(worker, start_message(epoch=3, state=state, step=3))
            return whole.checkpoints[8].state, second.checkpoints[8].state

    whole, cut = run(work())
    assert whole == cut


def test_it_waits_at_one_checkpoint_interval_past_the_last_acknowledgement(tiny_folder: Path) -> None:
    async def work() -> Stream:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            return await train(
                worker,
                start_message(),
                acknowledges=False,
                until=lambda kind, message: kind == "alive" and message.phase == "waiting for acknowledgement",
            )

    stream = run(work())
    assert max(step for step, _ in stream.metrics) == 2


def test_a_silent_client_loses_the_device_in_three_seconds(tiny_folder: Path) -> None:
    async def work() -> tuple[grpc.StatusCode, pb.ErrorDetail, float, int]:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            began = time.monotonic()
            code, detail = await refused(train(worker, start_message(), acknowledges=False, pings=False))
            described = await worker.stub.Describe(pb.DescribeRequest())
            return code, detail, time.monotonic() - began, described.running

    code, detail, took_s, still_running = run(work())
    assert (code, detail.code) == (grpc.StatusCode.ABORTED, "worker.lost")
    assert 2.9 < took_s < 10
    assert still_running == 0


def test_alive_comes_each_second_while_waiting(tiny_folder: Path) -> None:
    async def work() -> Stream:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            seen: list[float] = []

            def after_three(kind: str, message: Any) -> bool:
                seen.extend([time.monotonic()] if kind == "alive" else [])
                return len(seen) == 4

            return await train(worker, start_message(), acknowledges=False, until=after_three)

    stream = run(work())
    assert all(alive.progress_age_s < 3 for alive in stream.alive)


def test_a_higher_epoch_takes_the_run_over_and_a_lower_one_is_refused(tiny_folder: Path) -> None:
    async def work() -> tuple[Stream, tuple[grpc.StatusCode, pb.ErrorDetail], Stream]:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            # Without pings: the second would be written at the very moment at which the newer one ends this stream.
            older = asyncio.create_task(train(worker, start_message(epoch=4), acknowledges=False, pings=False))
            await asyncio.sleep(1.0)
            newer = asyncio.create_task(train(worker, start_message(epoch=5)))
            first = await older
            lower = await refused(train(worker, start_message(epoch=4)))
            return first, lower, await newer

    older, (code, detail), newer = run(work())
    assert older.of("finished")[0].reason == pb.FINISH_REASON_SUPERSEDED
    assert (code, detail.code) == (grpc.StatusCode.FAILED_PRECONDITION, "claim.stale")
    assert newer.of("finished")[0].reason == pb.FINISH_REASON_UNTIL_STEP


def test_cancelling_frees_the_slot_at_once(tiny_folder: Path) -> None:
    async def work() -> tuple[int, Stream]:
        async with running_worker(tiny_folder, slots=1) as worker:
            await worker.put()
            await train(worker, start_message(max_steps=500, until_step=500), until=lambda kind, _: kind == "metrics")
            running = 1
            for _ in range(100):
                await asyncio.sleep(0.05)
                running = (await worker.stub.Describe(pb.DescribeRequest())).running
                if running == 0:
                    break
            return running, await train(worker, start_message(epoch=2))

    running, again = run(work())
    assert running == 0
    assert again.of("finished")


def test_runs_take_turns_and_do_not_change_each_other(tiny_folder: Path) -> None:
    async def work() -> tuple[bytes, bytes]:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            alone = await train(worker, start_message())
            other = start_message(seed=99)
            other.run_id = "00000001"
            mine = start_message(epoch=2)
            together, _ = await asyncio.gather(train(worker, mine), train(worker, other))
            return alone.checkpoints[8].state, together.checkpoints[8].state

    alone, together = run(work())
    assert alone == together


def test_a_run_too_large_for_the_device_fails_and_its_neighbours_go_on(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def predict(unet: Any, noised_NCHW: torch.Tensor, *rest: Any) -> torch.Tensor:
        if len(noised_NCHW) == 3:
            raise torch.OutOfMemoryError("injected")
        return objective_predict(unet, noised_NCHW, *rest)

    objective_predict = objective.predict
    monkeypatch.setattr(objective, "predict", predict)

    async def work() -> tuple[grpc.StatusCode, pb.ErrorDetail, Stream]:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            too_large = start_message(batch_size=3)
            too_large.run_id = "00000001"
            (code, detail), stream = await asyncio.gather(
                refused(train(worker, too_large)), train(worker, start_message(packing=pb.PACKING_PACKED))
            )
            return code, detail, stream

    code, detail, stream = run(work())
    assert (code, detail.code) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "device.out_of_memory")
    assert stream.of("finished")[0].reason == pb.FINISH_REASON_UNTIL_STEP


def test_draining_ends_runs_at_a_checkpoint(tiny_folder: Path) -> None:
    async def work() -> Stream:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            began = asyncio.Event()

            def on_first_metric(kind: str, message: Any) -> bool:
                if kind == "metrics":
                    began.set()
                return False

            start = start_message(max_steps=500, until_step=500, samples=pb.SampleSpec())
            training = asyncio.create_task(train(worker, start, until=on_first_metric))
            await began.wait()
            await worker.server.stop(drain_s=5)
            return await training

    stream = run(work())
    finished = stream.of("finished")[0]
    assert finished.reason == pb.FINISH_REASON_DRAINING
    assert finished.step in stream.checkpoints


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"model": "nope"}, "model.not_served", "spec.model"),
        ({"placeholder_token": "Sapsan2"}, "placeholder.characters", "spec.placeholder_token"),
        ({"placeholder_token": "cat"}, "placeholder.known_word", "spec.placeholder_token"),
        ({"initializer_token": "red train"}, "initializer.not_one_token", "spec.initializer_token"),
        ({"learning_rate_t1": 0.0}, "spec.invalid", "spec.learning_rate_t1"),
        ({"learning_rate_t2": float("nan")}, "spec.invalid", "spec.learning_rate_t2"),
        ({"batch_size": 0}, "spec.invalid", "spec.batch_size"),
        ({"objective": ""}, "spec.invalid", "spec.objective"),
        ({"checkpoint_every_steps": 0}, "spec.invalid", "spec.checkpoint.every_steps"),
        ({"samples": pb.SampleSpec(every_steps=1, prompts=["a photo"])}, "spec.invalid", "spec.samples"),
    ],
)
def test_bad_specs_are_refused_with_code_and_field(
    tiny_folder: Path, changes: dict[str, Any], code: str, field: str
) -> None:
    async def work() -> pb.ErrorDetail:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            return (await refused(train(worker, start_message(**changes))))[1]

    detail = run(work())
    assert (detail.code, detail.field) == (code, field)
    assert detail.message


def test_bad_pictures_and_states_are_refused(tiny_folder: Path) -> None:
    notes = NamedPicture(
        "b0d0ce5dd6fc2d8a6d9e0a3c6a0d9c8d1e6e1f3b5f1d5cf3b6c9d5d1a0f2e3c4", "notes.jpg", b"these are notes\n"
    )

    async def work() -> list[str]:
        text = NamedPicture(hashlib.sha256(notes.content).hexdigest(), notes.name, notes.content)
        async with running_worker(tiny_folder) as worker:
            missing = await refused(train(worker, start_message()))
            await worker.put([*PICTURES, text])
            unreadable = await refused(train(worker, start_message(pictures=[*PICTURES, text])))
            corrupt = await refused(train(worker, start_message(epoch=2, state=b"no state", step=4)))
            ahead = await refused(train(worker, start_message(epoch=3, until_step=9)))
            return [missing[1].code, unreadable[1].code, unreadable[1].given, corrupt[1].code, ahead[1].code]

    assert run(work()) == ["blob.not_found", "image.unreadable", "notes.jpg", "checkpoint.corrupt", "spec.invalid"]


def test_a_stream_that_does_not_start_is_refused(tiny_folder: Path) -> None:
    async def work() -> pb.ErrorDetail:
        async with running_worker(tiny_folder) as worker:
            call = worker.stub.Train()
            await call.write(pb.TrainRequest(ping=pb.Ping()))

            async def read() -> None:
                async for _ in call:
                    pass

            return (await refused(read()))[1]

    assert run(work()).field == "start"


def test_spec_message_is_a_valid_spec() -> None:
    assert spec_message().model == "tiny"
