"""The gRPC service: each method reads its request, asks the engine, and writes its answer."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc
import torch

from murnau_worker import __version__
from murnau_worker.core.errors import WorkerError
from murnau_worker.engine.engine import Engine
from murnau_worker.engine.served_models import ServedModel
from murnau_worker.engine.training_session import TrainingSession
from murnau_worker.families.embeddings import read_embedding, writers_by_name
from murnau_worker.rpc.blob_cache import BlobCache
from murnau_worker.rpc.describe_machine import describe_machine
from murnau_worker.rpc.draw_stream import draw_responses
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.read_requests import read_format
from murnau_worker.rpc.status import abort, error_detail
from murnau_worker.rpc.training_calls import TrainingCalls
from murnau_worker.text.embedding_file import check_fits, renamed, write_diffusers
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
        scale_t1, scale_t2 = model.known_scale("t1"), model.known_scale("t2")
        sampling = served.settings
        return pb.Model(
            name=served.name,
            family=served.settings.family,
            fingerprint=served.fingerprint,
            image_size=model.image_size if shape else served.settings.image_size,
            width_t1=shape.widths["t1"] if shape else 0,
            width_t2=shape.widths["t2"] if shape else 0,
            loaded=all(model.is_resident(part) for part in model.description.task("train").parts),
            judge=served.judge_name,
            sampling=pb.SamplingDefaults(
                num_steps=sampling.num_steps,
                guidance_scale=sampling.guidance_scale,
                prior_steps=sampling.prior_steps,
                prior_guidance_scale=sampling.prior_guidance_scale,
            ),
            vocabulary_rms_t1=scale_t1.rms if scale_t1 else 0.0,
            vocabulary_rms_t2=scale_t2.rms if scale_t2 else 0.0,
            parts=[
                pb.ModelPart(name=part, loaded=model.is_resident(part), size_bytes=model.size_bytes(part))
                for part in model.source.parts
            ],
            tasks=model.tasks,
            dtype=served.entry.held_dtype,
        )

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
        try:
            return await asyncio.to_thread(self._convert, request)
        except WorkerError as error:
            await abort(context, error)
            raise

    def _convert(self, request: pb.ConvertEmbeddingRequest) -> pb.ConvertEmbeddingResponse:
        by_name = writers_by_name()
        writers = {
            pb.EMBEDDING_FORMAT_SAFETENSORS: by_name["safetensors"],
            pb.EMBEDDING_FORMAT_REFERENCE_BIN: by_name["reference_bin"],
            pb.EMBEDDING_FORMAT_DIFFUSERS_T1: partial(write_diffusers, tower="t1"),
            pb.EMBEDDING_FORMAT_DIFFUSERS_T2: partial(write_diffusers, tower="t2"),
        }
        writer = writers.get(request.to_format)
        if writer is None:
            raise WorkerError("spec.invalid", "the wanted format is not set", field="to_format")
        embedding = read_embedding(request.file, read_format(request.from_format))
        if request.placeholder_token:
            embedding = renamed(embedding, request.placeholder_token)
        if request.model:
            model = self._engine.models.load(request.model)
            check_placeholder(embedding.placeholder_token, model.tokenizers, "placeholder_token")
            check_fits(embedding, model.widths)
            if not embedding.model_fingerprint:
                embedding = dataclasses.replace(embedding, model_fingerprint=model.fingerprint)
        return pb.ConvertEmbeddingResponse(
            file=writer(embedding),
            placeholder_token=embedding.placeholder_token,
            initializer_token=embedding.initializer_token,
            num_vectors=embedding.num_vectors,
            pooling=pb.POOLING_ARGMAX if embedding.pooling == "argmax" else pb.POOLING_EOT,
            step=embedding.step,
        )

    async def CheckTokens(self, request: pb.CheckTokensRequest, context: Context) -> pb.CheckTokensResponse:
        try:
            return await asyncio.to_thread(self._check_tokens, request)
        except WorkerError as error:
            await abort(context, error)
            raise

    def _check_tokens(self, request: pb.CheckTokensRequest) -> pb.CheckTokensResponse:
        tokenizers = self._engine.models.load(request.model).tokenizers
        problems: list[WorkerError] = []
        if request.placeholder_token:
            try:
                check_placeholder(request.placeholder_token, tokenizers)
            except WorkerError as error:
                problems.append(error)
        words = InitializerWords(
            request.initializer_token, {"t1": request.initializer_t1, "t2": request.initializer_t2}
        )
        problems += initializer_problems(words, request.num_vectors or 1, tokenizers)
        return pb.CheckTokensResponse(problems=map(error_detail, problems))


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
