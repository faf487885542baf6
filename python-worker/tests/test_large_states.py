"""States of many evaluations: over gRPC's usual 4 MiB, in both directions."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import pytest
from draw_client import run
from worker_client import Stream, detail_of, running_worker, start_message, train

from murnau_worker.core.safetensors_bytes import read_safetensors, write_safetensors
from murnau_worker.sessions.segment import LARGEST_STATE_BYTES

EVALUATIONS = 85_000


def with_evaluations(state: bytes, count: int) -> bytes:
    tensors, metadata = read_safetensors(state)
    header = json.loads(metadata["murnau_state"])
    header["evaluations"] = [
        {"step": step, "eval_loss": 0.123456789 + step, "eval_gain": -0.123456789 - step} for step in range(count)
    ]
    return write_safetensors(tensors, {"murnau_state": json.dumps(header, separators=(",", ":"))})


def test_a_state_of_6_mib_is_read_and_written_again(tiny_folder: Path) -> None:
    async def work() -> tuple[bytes, Stream]:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            first = await train(worker, start_message(until_step=4))
            large = with_evaluations(first.checkpoints[4].state, EVALUATIONS)
            return large, await train(worker, start_message(epoch=2, state=large, step=4))

    large, stream = run(work())
    assert 6 * 1024**2 < len(large) < 8 * 1024**2
    last = stream.checkpoints[8].state
    assert len(last) > len(large)
    header = json.loads(read_safetensors(last)[1]["murnau_state"])
    assert len(header["evaluations"]) == EVALUATIONS + 1


def test_a_state_above_the_limit_is_refused_by_its_field(tiny_folder: Path) -> None:
    async def work() -> tuple[str, str, str]:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await train(worker, start_message(state=bytes(LARGEST_STATE_BYTES + 1), step=4))
            detail = detail_of(error.value)
            return detail.code, detail.field, detail.allowed

    assert run(work()) == ("spec.invalid", "start.state", "at most 96 MiB")
