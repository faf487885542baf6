"""Text at every door of both services: each string field of each request, by the protos' descriptors."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from worker_client import detail_of

from murnau_worker.families.kandinsky21.description import KANDINSKY21
from murnau_worker.rpc.advisor_service import AdvisorServer
from murnau_worker.rpc.engine_server import LONGEST_TEXT, EngineServer
from murnau_worker.rpc.gen.murnau.advisor.v1 import advisor_pb2, advisor_pb2_grpc
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2_grpc
from murnau_worker.rpc.odd_text import check_text, texts_of, written
from murnau_worker.rpc.simulated_service import SimulatedService
from murnau_worker.simulated.engine import SimulatedEngine

SERVICES = {
    "WorkerService": pb.DESCRIPTOR.services_by_name["WorkerService"],
    "AdvisorService": advisor_pb2.DESCRIPTOR.services_by_name["AdvisorService"],
}
METHODS = [(service, method) for service, described in SERVICES.items() for method in described.methods_by_name]

# Each with whether it is refused.
TEXTS: dict[str, tuple[str, bool]] = {
    "NUL": ("a\x00b", True),
    "escape": ("a\x1b[31m", True),
    "carriage return": ("a\r\nb", True),
    "delete": ("a\x7f", True),
    "C1": ("a\x9b", True),
    "1 MB": ("a" * 1_000_000, True),
    "newline and tab": ("a\n\tb", False),
    "decomposed": ("e\u0301", False),
    "right to left": ("\u202eabc \u05d0\u05d1", False),
    "emoji": ("\U0001f682", False),
}

Fill = Callable[[Message, str], None]
Place = tuple[tuple[str, ...], Fill]


def places(descriptor: Descriptor, above: tuple[str, ...] = ()) -> Iterator[Place]:
    """Every place of a text in a message: its path, and what puts a text there."""
    for field in descriptor.fields:
        inner = field.message_type
        if inner is not None and inner.full_name in above:
            continue
        if inner is not None and inner.GetOptions().map_entry:
            yield from _map_places(field, inner)
        elif inner is not None:
            for path, fill in places(inner, (*above, descriptor.full_name)):
                yield (field.name, *path), _inside(field, fill)
        elif field.type == FieldDescriptor.TYPE_STRING:
            yield (field.name,), _text(field)


def _map_places(field: FieldDescriptor, entry: Descriptor) -> Iterator[Place]:
    value = entry.fields_by_name["value"]
    if value.type == FieldDescriptor.TYPE_STRING:
        yield (field.name, "value"), lambda message, text: getattr(message, field.name).update({"t1": text})
        yield (field.name, "key"), lambda message, text: getattr(message, field.name).update({text: "a"})
    elif value.message_type is None:
        yield (field.name, "key"), lambda message, text: getattr(message, field.name).update({text: 1})
    else:  # the only one of a message's values is a Struct's
        assert value.message_type.full_name == "google.protobuf.Value"
        yield (field.name, "key"), lambda message, text: getattr(message, field.name)[text].SetInParent()
        yield (
            (field.name, "value"),
            lambda message, text: setattr(getattr(message, field.name)["name"], "string_value", text),
        )
        yield (
            (field.name, "list"),
            lambda message, text: getattr(message, field.name)["name"].list_value.values.add(string_value=text),
        )


def _inside(field: FieldDescriptor, fill: Fill) -> Fill:
    def put(message: Message, text: str) -> None:
        own = getattr(message, field.name)
        fill(own.add() if field.is_repeated else own, text)

    return put


def _text(field: FieldDescriptor) -> Fill:
    def put(message: Message, text: str) -> None:
        if field.is_repeated:
            getattr(message, field.name).append(text)
        else:
            setattr(message, field.name, text)

    return put


def request_places(service: str, method: str) -> list[tuple[str, Any, Fill]]:
    kind = SERVICES[service].methods_by_name[method].input_type
    return [(".".join(path), GetMessageClass(kind), fill) for path, fill in places(kind)]


async def call(stub: Any, service: str, method: str, request: Any) -> None:
    described = SERVICES[service].methods_by_name[method]
    answer = getattr(stub, method)(iter([request]) if described.client_streaming else request)
    if described.server_streaming:
        _ = [one async for one in answer]
    else:
        await answer


@contextlib.asynccontextmanager
async def stubs() -> AsyncGenerator[dict[str, Any]]:
    engine = SimulatedEngine(["tiny"], KANDINSKY21, slots=4, step_ms=0)
    worker, advisor = EngineServer(engine, SimulatedService, "127.0.0.1:0"), AdvisorServer("127.0.0.1:0")
    await worker.start()
    await advisor.start()
    async with (
        grpc.aio.insecure_channel(f"127.0.0.1:{worker.port}") as to_worker,
        grpc.aio.insecure_channel(f"127.0.0.1:{advisor.port}") as to_advisor,
    ):
        yield {
            "WorkerService": worker_pb2_grpc.WorkerServiceStub(to_worker),
            "AdvisorService": advisor_pb2_grpc.AdvisorServiceStub(to_advisor),
        }
    await worker.stop(0)
    await advisor.stop(0)


@pytest.mark.parametrize(("service", "method"), METHODS)
def test_odd_text_is_refused_by_its_field_and_other_text_is_not(service: str, method: str) -> None:
    async def work() -> None:
        async with stubs() as of_service:
            for place, kind, fill in request_places(service, method):
                for name, (text, is_refused) in TEXTS.items():
                    request = kind()
                    fill(request, text)
                    try:
                        await call(of_service[service], service, method, request)
                        refusal = ""
                    except grpc.aio.AioRpcError as error:
                        detail = detail_of(error)
                        is_of_text = "control character" in detail.message or "characters" in detail.allowed
                        refusal = detail.field if is_of_text and detail.code == "spec.invalid" else ""
                        assert detail.code != "internal", (place, name, detail.message)
                        assert "\x00" not in detail.given + detail.message
                        if refusal:
                            assert detail.given
                            assert len(detail.given) <= 200
                    assert bool(refusal) == is_refused, (place, name)

    asyncio.run(asyncio.wait_for(work(), 120))


def test_every_string_of_the_protos_has_a_place() -> None:
    found = {
        f"{service}.{method}": [place for place, _, _ in request_places(service, method)] for service, method in METHODS
    }
    assert {name for name, all_places in found.items() if not all_places} == {"WorkerService.Describe"}
    assert "start.spec.objective.parameters.fields.value" in found["WorkerService.Train"]
    assert {"start.images.caption", "start.spec.concept.initializers.key"} <= set(found["WorkerService.Train"])
    for service, method in METHODS:
        for place, kind, fill in request_places(service, method):
            request = kind()
            fill(request, "sought")
            assert "sought" in [text for _, text in texts_of(request)], place


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (("start", "spec", "concept", "placeholder_token"), "spec.placeholder_token"),
        (("start", "spec", "concept", "initializers", "t1"), "spec.initializer_t1"),
        (("start", "spec", "objective", "parameters", "pooling"), "spec.pooling"),
        (("start", "spec", "samples", "prompts[1]"), "spec.samples.prompts[1]"),
        (("start", "images[0]", "caption"), "start.images[0].caption"),
        (("options", "family_options", "negative_prior_prompt"), "options.negative_prior_prompt"),
        (("items[2]", "text"), "items[2].text"),
    ],
)
def test_fields_are_named_as_people_write_them(path: tuple[str, ...], field: str) -> None:
    assert written(path) == field


def test_a_values_place_is_its_name() -> None:
    request = pb.TextToImageRequest()
    request.options.family_options.update({"deep": {"er": ["fine", "b\x00"]}})
    with pytest.raises(Exception, match=r"options\.deep\.er\[1\] must not have \\u0000"):
        check_text(request, LONGEST_TEXT)


def test_text_that_is_no_utf8_is_refused_with_a_code() -> None:
    async def work() -> str:
        engine = SimulatedEngine(["tiny"], KANDINSKY21, slots=4, step_ms=0)
        server = EngineServer(engine, SimulatedService, "127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            raw = channel.unary_unary("/murnau.worker.v1.WorkerService/CheckTokens")
            good = pb.CheckTokensRequest(placeholder_token="ab").SerializeToString()
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await raw(good.replace(b"ab", b"\xed\xa0"))  # half of a surrogate pair
        await server.stop(0)
        return detail_of(error.value).code

    assert asyncio.run(asyncio.wait_for(work(), 30)) == "spec.invalid"
