"""A real server on the tiny model, and a client that keeps a Train stream as a dispatcher does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from flat_spec import in_sections
from run_tools import picture

from murnau_worker.engine.engine import Engine
from murnau_worker.rpc.engine_server import MESSAGE_BYTES
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2_grpc
from murnau_worker.rpc.server import WorkerServer
from murnau_worker.training.data.dataset import NamedPicture

PICTURES = (picture(1), picture(2), picture(3))


@dataclass
class Worker:
    """A running server and a stub on it."""

    server: WorkerServer
    stub: Any

    async def put(self, pictures: Sequence[NamedPicture] = PICTURES) -> None:
        async def chunks() -> AsyncIterator[pb.PutBlobsRequest]:
            for one in pictures:
                yield pb.PutBlobsRequest(hash=one.hash, chunk=one.content, last=True)
            for one in masked:
                yield pb.PutBlobsRequest(hash=one.mask_hash, chunk=one.mask, last=True)

        masked = [one for one in pictures if one.mask is not None]
        assert (await self.stub.PutBlobs(chunks())).received == len(pictures) + len(masked)


@contextlib.asynccontextmanager
async def running_worker(folder: Path, *, slots: int = 4, name: str = "tiny") -> AsyncGenerator[Worker]:
    server = WorkerServer(Engine({name: folder}, threads=1, slots=slots), "127.0.0.1:0")
    await server.start()
    limits = [(f"grpc.max_{way}_message_length", MESSAGE_BYTES) for way in ("send", "receive")]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", options=limits) as channel:
        yield Worker(server, worker_pb2_grpc.WorkerServiceStub(channel))
        await server.stop(drain_s=0.1)


def spec_message(**changes: Any) -> pb.TrainingSpec:
    values: dict[str, Any] = {
        "model": "tiny",
        "placeholder_token": "sapsan",
        "initializer_token": "train",
        "objective": "joint",
        "learning_rate_t1": 0.1,
        "learning_rate_t2": 0.1,
        "schedule_steps": 8,
        "batch_size": 2,
        "max_steps": 8,
        "seed": 5,
        "ema_decay": 0.9,
        "packing": pb.PACKING_EXCLUSIVE,
        "checkpoint_every_steps": 2,
        "samples": pb.SampleSpec(
            every_steps=4, prompts=["a photo of a {placeholder}"], per_prompt=2, seed=7, final_count=2, final_seed=1007
        ),
    }
    return pb.TrainingSpec(**in_sections({**values, **changes}))


def start_message(
    *,
    epoch: int = 1,
    state: bytes | None = None,
    step: int = 0,
    until_step: int = 8,
    pictures: Sequence[NamedPicture] = PICTURES,
    **changes: Any,
) -> pb.TrainStart:
    return pb.TrainStart(
        run_id="7f3a91c2",
        epoch=epoch,
        spec=spec_message(**changes),
        images=[
            pb.TrainingImage(hash=one.hash, name=one.name, mask_hash=one.mask_hash, caption=one.caption)
            for one in pictures
        ],
        state=state,
        until_step=until_step,
        acknowledged_step=step,
    )


@dataclass
class Stream:
    """What a stream brought. `events` holds (kind, message) without `alive`."""

    events: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])
    alive: list[Any] = field(default_factory=list[Any])

    def of(self, kind: str) -> list[Any]:
        return [message for name, message in self.events if name == kind]

    @property
    def checkpoints(self) -> dict[int, Any]:
        return {message.step: message for message in self.of("checkpoint")}

    @property
    def metrics(self) -> dict[tuple[int, str], float]:
        values: dict[tuple[int, str], float] = {}
        for message in self.of("metrics"):
            for name, value in message.values.items():
                assert (message.step, name) not in values, "a metric came twice"
                values[message.step, name] = value
        return values


async def train(
    worker: Worker,
    start: pb.TrainStart,
    *,
    acknowledges: bool = True,
    pings: bool = True,
    until: Callable[[str, Any], bool] = lambda kind, message: False,
) -> Stream:
    """Opens a stream and reads it to its end, or cancels it after the first event that `until` says."""
    stream = Stream()
    call = worker.stub.Train()
    await call.write(pb.TrainRequest(start=start))

    async def ping() -> None:
        while pings:
            await asyncio.sleep(0.5)
            with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
                await call.write(pb.TrainRequest(ping=pb.Ping()))

    pinging = asyncio.create_task(ping())
    try:
        async for response in call:
            kind: str = response.WhichOneof("event")
            message = getattr(response, kind)
            if kind == "alive":
                stream.alive.append(message)
            else:
                stream.events.append((kind, message))
            if until(kind, message):
                call.cancel()
                break
            if kind == "checkpoint" and acknowledges:
                with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):  # the stream may be over
                    await call.write(pb.TrainRequest(acknowledged=pb.CheckpointAcknowledged(step=message.step)))
    finally:
        pinging.cancel()
    return stream


def detail_of(error: grpc.aio.AioRpcError) -> pb.ErrorDetail:
    """The ErrorDetail of a failed call."""
    for key, value in error.trailing_metadata() or ():
        if key == "murnau-error-bin" and isinstance(value, bytes):
            return pb.ErrorDetail.FromString(value)
    raise AssertionError(f"no detail in {error}")
