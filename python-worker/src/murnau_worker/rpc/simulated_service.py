"""The gRPC service on the simulated engine: training is the real calls' code, the rest is small."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import yaml

from murnau_worker import __version__
from murnau_worker.core.errors import WorkerError
from murnau_worker.families.description import FamilyDescription
from murnau_worker.rpc.blob_cache import BlobCache
from murnau_worker.rpc.describe_machine import describe_machine
from murnau_worker.rpc.engine_server import EngineServer, serve_engine
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.training_calls import Context, TrainingCalls
from murnau_worker.rpc.write_responses import write_draw_event
from murnau_worker.sessions.events import DrawnImage, DrawStarted
from murnau_worker.simulated.engine import SimulatedEngine, fingerprint_of
from murnau_worker.simulated.learning import SimulatedState, widths
from murnau_worker.simulated.session import NUMERIC_FINGERPRINT, SimulatedSession


class SimulatedService(TrainingCalls[SimulatedSession]):
    """Implements `murnau.worker.v1.WorkerService` without a model."""

    def __init__(self, engine: SimulatedEngine, blobs: BlobCache) -> None:
        super().__init__(engine, blobs)
        self._engine = engine
        self._generating = 0

    async def Describe(self, request: pb.DescribeRequest, context: Context) -> pb.DescribeResponse:
        sessions = self._engine.sessions
        return pb.DescribeResponse(
            worker_version=__version__,
            device=describe_machine(threads=1),
            models=[_describe_model(name, self._engine.family) for name in self._engine.models],
            slots=sessions.slots,
            running=len(sessions),
            generating=self._generating,
            steps_per_second=sessions.steps_per_second,
            incarnation=self._engine.incarnation,
            numeric_fingerprint=NUMERIC_FINGERPRINT,
        )

    async def _draw(self, options: pb.DrawOptions, response: Any) -> AsyncIterator[Any]:
        """Pictures of one colour, a step's time each."""
        self._engine.sessions.check_open()
        self._engine.check_served(options.model)
        self._generating += 1
        try:
            started = DrawStarted(fingerprint_of(options.model), NUMERIC_FINGERPRINT)
            yield response(event=write_draw_event(started))
            for position in range(options.count):
                await asyncio.sleep(self._engine.step_ms / 1000)
                seed = options.seed + position
                image = DrawnImage(position, seed, SimulatedState.initial(seed).png("drawn", position))
                yield response(event=write_draw_event(image))
        finally:
            self._generating -= 1

    async def TextToImage(
        self, request: pb.TextToImageRequest, context: Context
    ) -> AsyncIterator[pb.TextToImageResponse]:
        async for response in self._draw(request.options, pb.TextToImageResponse):
            yield response

    async def Fuse(self, request: pb.FuseRequest, context: Context) -> AsyncIterator[pb.FuseResponse]:
        async for response in self._draw(request.options, pb.FuseResponse):
            yield response

    async def Inpaint(self, request: pb.InpaintRequest, context: Context) -> AsyncIterator[pb.InpaintResponse]:
        async for response in self._draw(request.options, pb.InpaintResponse):
            yield response

    async def ImageToImage(
        self, request: pb.ImageToImageRequest, context: Context
    ) -> AsyncIterator[pb.ImageToImageResponse]:
        async for response in self._draw(request.options, pb.ImageToImageResponse):
            yield response

    async def ConvertEmbedding(
        self, request: pb.ConvertEmbeddingRequest, context: Context
    ) -> pb.ConvertEmbeddingResponse:
        message = "a simulated worker has no converter; start the worker without --simulate"
        raise WorkerError("embedding.unreadable", message, field="file")

    async def CheckTokens(self, request: pb.CheckTokensRequest, context: Context) -> pb.CheckTokensResponse:
        """It has no tokenizer: every word is new."""
        return pb.CheckTokensResponse()


def _describe_model(name: str, family: FamilyDescription) -> pb.Model:
    message = pb.Model(
        name=name,
        family=family.name,
        fingerprint=fingerprint_of(name),
        image_size=64,
        towers=[
            pb.TextTower(name=tower, width=width, vocabulary_rms=1.0)
            for tower, width in widths(family.tower_names).items()
        ],
        loaded=True,
        parts=[pb.ModelPart(name=part, loaded=True, size_bytes=1) for part in family.part_names],
        tasks=[task.name for task in family.tasks],
        dtype="float32",
    )
    message.drawing_defaults.update({"num_steps": 5, "guidance_scale": 4.0, **family.drawing_defaults})
    return message


def model_names(named: list[tuple[str, Path]], registry: Path | None) -> list[str]:
    """Names of the models that a real worker would serve; their folders are not looked at."""
    names = [name for name, _ in named]
    if registry is not None:
        names += list(yaml.safe_load(registry.read_text())["models"])
    return names


async def serve(engine: SimulatedEngine, listen: str) -> None:
    """Serves until SIGTERM or SIGINT. Raises RuntimeError when the address can not be bound."""
    await serve_engine(EngineServer(engine, SimulatedService, listen), listen, engine.models)
