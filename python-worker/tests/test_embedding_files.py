"""Damaged, odd and foreign embedding files: refused at once, with a code, whatever they are."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from draw_client import code_of, embedding, run
from safetensors.torch import save
from worker_client import running_worker

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.embedding_formats import format_names
from murnau_worker.families.embeddings import read_embedding, write_as
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb


def saved(content: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def archive_of(pickled: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a/data.pkl", pickled)
        archive.writestr("a/version", "3")
    return buffer.getvalue()


def rows(width: int) -> torch.Tensor:
    return torch.zeros(width)


OLD: dict[str, Any] = {"_use_new_zipfile_serialization": False}
FILES = {
    "nothing": b"",
    "an empty pickle": b"\x80\x02.",
    "an archive of an empty pickle": archive_of(b"\x80\x02."),
    "an archive of nothing": archive_of(b""),
    "no rows": saved({"t1": {"w": rows(0)}, "t2": {"w": rows(768)}}),
    "a number for a row": saved({"t1": {"w": 1}, "t2": {"w": 1}}),
    "a number for a word": saved({"t1": {1: rows(8)}, "t2": {"w": rows(8)}}),
    "rows of rows of rows": saved({"t1": {"w": torch.zeros(1, 1, 8)}, "t2": {"w": rows(8)}}),
    "no numbers": saved({"t1": {"w": rows(8) / 0}, "t2": {"w": rows(8)}}),
    "an old pickle of protocol 4": saved({"t1": {"w": rows(1024)}, "t2": {"w": rows(768)}}, pickle_protocol=4, **OLD),
    "a list": saved([rows(8)]),
    "automatic1111": saved({"string_to_token": {"*": 265}, "string_to_param": {"*": torch.zeros(2, 768)}, "name": "x"}),
    "diffusers, a pickle": saved({"<cat-toy>": rows(768)}),
    "diffusers": save({"<cat-toy>": rows(768)}),
    "safetensors of nothing": save({}),
    "metadata alone": save({}, {"placeholder_token": "w"}),
    "no width": save({"t1": torch.zeros(1, 0)}, {"placeholder_token": "w"}),
    "a step that is none": save({"t1": torch.zeros(1, 8)}, {"placeholder_token": "w", "step": "one"}),
    "a header without an end": (2**63).to_bytes(8, "little") + b"{}",
}


def damaged(content: bytes, seed: int) -> Iterator[bytes]:
    """Cut anywhere, and with bytes changed anywhere."""
    random = np.random.default_rng(seed)
    for end in random.integers(0, len(content), 60):
        yield content[:end]
    for _ in range(150):
        changed = bytearray(content)
        for place in random.integers(0, len(changed), int(random.integers(1, 6))):
            changed[place] = int(random.integers(256))
        yield bytes(changed)


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_embedding_is_said_to_be_none(name: str) -> None:
    with pytest.raises(WorkerError) as refused:
        read_embedding(FILES[name])
    assert refused.value.code == "embedding.unreadable"
    assert refused.value.message


@pytest.mark.parametrize("file_format", format_names(only_read=True))
def test_however_a_file_was_damaged_it_is_read_or_refused(file_format: str) -> None:
    content = write_as(embedding("sapsan"), file_format)
    codes: list[str] = []
    for seed, (what, form) in enumerate(((content, None), (content, file_format))):
        for bad in damaged(what, seed):
            try:
                read_embedding(bad, form)
            except WorkerError as error:
                codes.append(error.code)
    assert len(codes) > 100
    assert set(codes) == {"embedding.unreadable"}


def test_over_grpc_too(tiny_folder: Path) -> None:
    async def work() -> set[str]:
        async with running_worker(tiny_folder) as worker:
            requests = [
                pb.ConvertEmbeddingRequest(file=content, to_format="safetensors", from_format=form, model="tiny")
                for content in FILES.values()
                for form in ("", *format_names(only_read=True))
            ]
            return {await code_of(worker.stub.ConvertEmbedding(request)) for request in requests}

    assert run(work()) == {"embedding.unreadable"}


def test_an_error_that_nobody_foresaw_has_a_code(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from murnau_worker.rpc import service

    def crash(*_: object) -> None:
        raise KeyError("sapsan")

    monkeypatch.setattr(service, "read_embedding", crash)
    monkeypatch.setattr(service, "check_placeholder", crash)

    async def work() -> list[str]:
        async with running_worker(tiny_folder) as worker:
            return [
                await code_of(worker.stub.ConvertEmbedding(pb.ConvertEmbeddingRequest(file=b"x", to_format="bin"))),
                await code_of(worker.stub.CheckTokens(pb.CheckTokensRequest(model="tiny", placeholder_token="ab"))),
            ]

    assert run(work()) == ["internal", "internal"]
