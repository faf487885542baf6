"""The gRPC service: each method reads its request, asks the engine, and writes its answer."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import torch

from murnau_worker import __version__
from murnau_worker.core.errors import WorkerError
from murnau_worker.engine.engine import Engine
from murnau_worker.engine.served_models import ServedModel
from murnau_worker.engine.training_session import TrainingSession
from murnau_worker.families.embedding_formats import format_names
from murnau_worker.families.embeddings import read_embedding, write_as
from murnau_worker.families.family import FamilyModel
from murnau_worker.models.parts import ModelShape
from murnau_worker.rpc.blob_cache import BlobCache
from murnau_worker.rpc.describe_machine import describe_machine
from murnau_worker.rpc.draw_stream import draw_responses
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.read_spec import check_towers
from murnau_worker.rpc.refusal import invalid
from murnau_worker.rpc.status import error_detail
from murnau_worker.rpc.training_calls import TrainingCalls
from murnau_worker.text.embedding_file import check_fits, renamed
from murnau_worker.text.initializer_words import InitializerWords, initializer_problems
from murnau_worker.text.placeholder import check_placeholder

Context = grpc.aio.ServicerContext[Any, Any]


class WorkerService(TrainingCalls[TrainingSession]):
    """Implements `murnau.worker.v1.WorkerService` on one engine."""

    def __init__(self, engine: Engine, blobs: BlobCache) -> None:
        super().__init__(engine, blobs)
        self._engine = engine

    async def Describe(self, request: pb.DescribeRequest, context: Context) -> pb.DescribeResponse:
        engine = self._engine
        return pb.DescribeResponse(
            worker_version=__version__,
            device=_describe_device(engine),
            models=[self._describe_model(model) for model in engine.models.served.values()],
            slots=engine.slots,
            running=engine.running,
            generating=engine.generating,
            steps_per_second=engine.steps_per_second,
            progress_age_s=engine.device.progress_age_s,
            incarnation=engine.incarnation,
            numeric_fingerprint=engine.device.numeric_fingerprint,
        )

    def _describe_model(self, served: ServedModel) -> pb.Model:
        model = self._engine.models.load(served.name)
        shape = self._engine.models.shape(served.name)
        message = pb.Model(
            name=served.name,
            family=model.description.name,
            fingerprint=served.fingerprint,
            image_size=model.image_size if shape else served.settings.image_size,
            towers=[_describe_tower(model, shape, tower) for tower in model.description.tower_names],
            loaded=all(model.is_resident(part) for part in model.description.task("train").parts),
            judge=served.judge_name,
            parts=[
                pb.ModelPart(name=part, loaded=model.is_resident(part), size_bytes=model.size_bytes(part))
                for part in model.source.parts
            ],
            tasks=model.tasks,
            dtype=served.entry.held_dtype,
        )
        message.drawing_defaults.update(served.settings.drawing_defaults(model.description))
        return message

    async def _draw(self, request: Any, context: Context) -> AsyncIterator[Any]:
        drawing = draw_responses(self._engine, self._blobs, request, context)
        async with contextlib.aclosing(drawing) as responses:  # type: ignore[type-var]
            async for response in responses:
                yield response

    async def TextToImage(
        self, request: pb.TextToImageRequest, context: Context
    ) -> AsyncIterator[pb.TextToImageResponse]:
        async for response in self._draw(request, context):
            yield response

    async def Fuse(self, request: pb.FuseRequest, context: Context) -> AsyncIterator[pb.FuseResponse]:
        async for response in self._draw(request, context):
            yield response

    async def Inpaint(self, request: pb.InpaintRequest, context: Context) -> AsyncIterator[pb.InpaintResponse]:
        async for response in self._draw(request, context):
            yield response

    async def ImageToImage(
        self, request: pb.ImageToImageRequest, context: Context
    ) -> AsyncIterator[pb.ImageToImageResponse]:
        async for response in self._draw(request, context):
            yield response

    async def ConvertEmbedding(
        self, request: pb.ConvertEmbeddingRequest, context: Context
    ) -> pb.ConvertEmbeddingResponse:
        return await asyncio.to_thread(self._convert, request)

    def _convert(self, request: pb.ConvertEmbeddingRequest) -> pb.ConvertEmbeddingResponse:
        _check_format(request.to_format, format_names(), "to_format")
        if request.from_format:
            _check_format(request.from_format, format_names(only_read=True), "from_format")
        embedding = read_embedding(request.file, request.from_format or None)
        if request.placeholder_token:
            embedding = renamed(embedding, request.placeholder_token)
        family = ""
        if request.model:
            model = self._engine.models.load(request.model)
            family = model.description.name
            check_placeholder(embedding.placeholder_token, model.tokenizers, "placeholder_token")
            check_fits(embedding, model.widths)
            if not embedding.model_fingerprint:
                embedding = dataclasses.replace(embedding, model_fingerprint=model.fingerprint)
        return pb.ConvertEmbeddingResponse(
            file=write_as(embedding, request.to_format, family),
            placeholder_token=embedding.placeholder_token,
            initializer_token=embedding.initializer_token,
            num_vectors=embedding.num_vectors,
            pooling=embedding.pooling,
            step=embedding.step,
        )

    async def CheckTokens(self, request: pb.CheckTokensRequest, context: Context) -> pb.CheckTokensResponse:
        return await asyncio.to_thread(self._check_tokens, request)

    def _check_tokens(self, request: pb.CheckTokensRequest) -> pb.CheckTokensResponse:
        model = self._engine.models.load(request.model)
        tokenizers = model.tokenizers
        check_towers(list(request.initializers), "initializer", model.description)
        problems: list[WorkerError] = []
        if request.placeholder_token:
            try:
                check_placeholder(request.placeholder_token, tokenizers)
            except WorkerError as error:
                problems.append(error)
        words = InitializerWords(request.initializer_token, dict(request.initializers))
        problems += initializer_problems(words, request.num_vectors or 1, tokenizers)
        return pb.CheckTokensResponse(problems=map(error_detail, problems))


def _describe_tower(model: FamilyModel, shape: ModelShape | None, tower: str) -> pb.TextTower:
    scale = model.known_scale(tower)
    return pb.TextTower(
        name=tower, width=shape.widths[tower] if shape else 0, vocabulary_rms=scale.rms if scale else 0.0
    )


def _check_format(given: str, known: Sequence[str], field: str) -> None:
    if given not in known:
        raise invalid(field, f'there is no such form of an embedding as "{given}"', given, ", ".join(known))


def _describe_device(engine: Engine) -> pb.Device:
    """The GPU where a model is on one, else the machine."""
    if any(engine.models.load(name).device.type == "cuda" for name in engine.models.served):
        return pb.Device(
            kind="cuda",
            name=torch.cuda.get_device_name(),
            memory_bytes=torch.cuda.get_device_properties(0).total_memory,
            memory_used_bytes=torch.cuda.memory_reserved(),
        )
    return describe_machine(engine.threads)
