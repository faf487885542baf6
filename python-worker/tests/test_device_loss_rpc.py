"""A worker process whose device is lost: its health says so, it ends, and its runs are told nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from draw_client import run
from fake_family.source import write_pebble
from grpc_health.v1 import health_pb2, health_pb2_grpc
from test_families import spec_message, start
from worker_client import Worker, train

from murnau_worker.engine.device_thread import EXIT_CODE
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2_grpc

SCRIPT = Path(__file__).with_name("lost_device_worker.py")


def test_a_lost_device_ends_the_process_and_its_streams_without_a_word(tmp_path: Path) -> None:
    write_pebble(tmp_path)
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(tmp_path), "127.0.0.1:0"], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    lines: list[dict[str, Any]] = []
    while not lines or lines[-1]["message"] != "serving":
        lines.append(json.loads(process.stderr.readline()))

    async def work() -> list[int]:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{lines[-1]['port']}") as channel:
            worker: Any = Worker(None, worker_pb2_grpc.WorkerServiceStub(channel))  # type: ignore[arg-type]
            await worker.put()
            health: Any = health_pb2_grpc.HealthStub(channel)
            seen: list[int] = []

            async def watch() -> None:
                with contextlib.suppress(grpc.aio.AioRpcError):
                    async for answer in health.Watch(health_pb2.HealthCheckRequest()):
                        seen.append(answer.status)

            watching = asyncio.create_task(watch())
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await train(worker, start(spec_message()))
            assert error.value.code() == grpc.StatusCode.UNAVAILABLE, "not blamed: the client takes it for worker.lost"
            assert not [key for key, _ in error.value.trailing_metadata() or () if key == "murnau-error-bin"]
            await watching
            return seen

    serving, refusing = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
    assert run(work()) == [serving, refusing]
    assert process.wait(10) == EXIT_CODE
    last = [json.loads(line) for line in process.stderr.read().splitlines()]
    assert "critical" in [line["level"] for line in last]
