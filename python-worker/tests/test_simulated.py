"""The simulated worker over real gRPC: a real worker's protocol, without torch."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Coroutine
from pathlib import Path
from typing import Any

import grpc
import pytest
from run_tools import tiny_spec
from worker_client import Stream, detail_of, running_worker, start_message, train

from murnau_worker.families.kandinsky21.description import KANDINSKY21
from murnau_worker.rpc.engine_server import EngineServer
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2_grpc
from murnau_worker.rpc.simulated_service import SimulatedService
from murnau_worker.simulated.engine import SimulatedEngine
from murnau_worker.simulated.learning import eval_gain
from murnau_worker.text.embedding_file import read_canonical


@contextlib.asynccontextmanager
async def simulated_worker(*, slots: int = 4, step_ms: float = 0) -> AsyncGenerator[Any]:
    """A server and a stub with the shape of `running_worker`."""
    from worker_client import Worker

    engine = SimulatedEngine(["tiny"], KANDINSKY21, slots=slots, step_ms=step_ms)
    server = EngineServer(engine, SimulatedService, "127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        worker: Any = Worker(server, worker_pb2_grpc.WorkerServiceStub(channel))  # type: ignore[arg-type]
        await worker.put()
        yield worker
        await server.stop(drain_s=0.1)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 60))


def outline(stream: Stream) -> list[tuple[str, int, Any]]:
    """Kinds, steps and samples of a stream, without values and logs."""
    return [
        (kind, message.step, (message.kind, message.position, message.prompt, message.seed) if kind == "sample" else 0)
        for kind, message in stream.events
        if kind not in ("log", "metrics")
    ]


def test_it_sends_what_a_real_worker_sends_in_the_same_order(tiny_folder: Path) -> None:
    async def real() -> Stream:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            return await train(worker, start_message(eval_every_steps=4))

    async def simulated() -> Stream:
        async with simulated_worker() as worker:
            return await train(worker, start_message(eval_every_steps=4))

    expected, stream = run(real()), run(simulated())
    assert outline(stream) == outline(expected)
    assert set(stream.metrics) <= set(expected.metrics)
    assert {(step, name) for step, name in expected.metrics if name in ("train_loss", "eval_loss", "eval_gain")} <= set(
        stream.metrics
    )


def test_a_resumed_run_ends_with_the_same_bytes() -> None:
    async def work() -> None:
        async with simulated_worker() as worker:
            whole = await train(worker, start_message())
            first = await train(worker, start_message(epoch=2, until_step=4))
            state = first.checkpoints[4].state
            rest = await train(worker, start_message(epoch=3, state=state, step=4))
        assert rest.checkpoints[8].embedding == whole.checkpoints[8].embedding
        assert rest.checkpoints[6].state != rest.checkpoints[8].state
        other = read_canonical(whole.checkpoints[8].embedding)
        assert (other.placeholder_token, other.step, other.rows["t1"].shape) == ("sapsan", 8, (1, 64))

    run(work())


def test_it_waits_for_acknowledgements() -> None:
    async def work() -> None:
        async with simulated_worker() as worker:
            call = asyncio.create_task(train(worker, start_message(), acknowledges=False))
            await asyncio.sleep(0.7)
            (session,) = worker.server.engine.sessions._sessions.values()
            assert (session.step, session.phase) == (2, "waiting for acknowledgement")
            call.cancel()

    run(work())


def test_a_silent_client_loses_the_run() -> None:
    async def work() -> None:
        async with simulated_worker() as worker:
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await train(worker, start_message(), acknowledges=False, pings=False)
            assert detail_of(error.value).code == "worker.lost"

    run(work())


def test_a_newer_epoch_ends_the_older_session_and_an_older_one_is_refused() -> None:
    async def work() -> None:
        async with simulated_worker(step_ms=50) as worker:
            older = asyncio.create_task(train(worker, start_message()))
            await asyncio.sleep(0.15)
            newer = await train(worker, start_message(epoch=2))
            assert (await older).of("finished")[0].reason == pb.FINISH_REASON_SUPERSEDED
            assert newer.of("finished")[0].reason == pb.FINISH_REASON_UNTIL_STEP
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await train(worker, start_message(epoch=1))
            assert detail_of(error.value).code == "claim.stale"

    run(work())


def test_draining_ends_a_run_at_a_checkpoint() -> None:
    async def work() -> None:
        async with simulated_worker(step_ms=20) as worker:
            until = asyncio.create_task(
                train(worker, start_message(until_step=500, checkpoint_every_steps=100, max_steps=500))
            )
            await asyncio.sleep(0.3)
            worker.server.engine.drain()
            stream = await until
            assert stream.events[-2][0] == "checkpoint"
            assert stream.of("finished")[0].reason == pb.FINISH_REASON_DRAINING
            assert max(stream.checkpoints) == stream.of("finished")[0].step < 500

    run(work())


def test_slots_and_unknown_models_are_refused() -> None:
    async def work() -> None:
        async with simulated_worker(slots=1, step_ms=200) as worker:
            first = asyncio.create_task(train(worker, start_message()))
            await asyncio.sleep(0.2)
            other = start_message()
            other.run_id = "another"
            for start, code in ((other, "worker.unavailable"), (start_message(model="absent"), "model.not_served")):
                with pytest.raises(grpc.aio.AioRpcError) as error:
                    await train(worker, start)
                assert detail_of(error.value).code == code
            first.cancel()

    run(work())


def test_gains_rank_hyper_parameters() -> None:
    def gain(rate: float, step: int) -> float:
        rates = {"learning_rate_t1": rate, "learning_rate_t2": rate}
        return eval_gain(tiny_spec(**rates, schedule_steps=100, max_steps=100, seed=0), step)

    assert gain(0.03, 100) > gain(0.01, 100) > gain(0.001, 100)
    assert gain(0.03, 100) > gain(0.03, 20) > 0


def test_the_command_serves_without_torch() -> None:
    command = [sys.executable, "-m", "murnau_worker", "serve", "--simulate", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen([*command, "--model", "tiny=/nowhere"], stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        serving = json.loads(process.stderr.readline())
        assert serving["models"] == ["tiny"]
        maps = Path(f"/proc/{process.pid}/maps").read_text()
        assert "libtorch" not in maps
        with grpc.insecure_channel(f"127.0.0.1:{serving['port']}") as channel:
            stub: Any = worker_pb2_grpc.WorkerServiceStub(channel)
            described = stub.Describe(pb.DescribeRequest())
            assert described.numeric_fingerprint == "simulated"
            assert described.models[0].loaded
            options = pb.DrawOptions(model="tiny", count=2, seed=3)
            drawn = list(stub.TextToImage(pb.TextToImageRequest(options=options, prompt="a tram")))
            assert [event.event.WhichOneof("event") for event in drawn] == ["started", "image", "image"]
    finally:
        process.terminate()
        assert process.wait(10) == 0


def test_steps_last_as_long_as_told() -> None:
    async def work() -> None:
        async with simulated_worker(step_ms=50) as worker:
            began = time.monotonic()
            await train(worker, start_message())
            assert 0.4 <= time.monotonic() - began < 3

    run(work())
