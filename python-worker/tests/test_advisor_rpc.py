"""The advisor as a process: starts without torch and soon, answers over gRPC, ends in order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from worker_client import detail_of

from murnau_worker.rpc.advisor_service import SERVICE_NAME
from murnau_worker.rpc.gen.murnau.advisor.v1 import advisor_pb2 as pb
from murnau_worker.rpc.gen.murnau.advisor.v1 import advisor_pb2_grpc

START_CPU_S = 1.0


@dataclass
class Advisor:
    """A running process and a channel to it."""

    process: subprocess.Popen[str]
    channel: grpc.Channel

    @property
    def stub(self) -> Any:
        return advisor_pb2_grpc.AdvisorServiceStub(self.channel)


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def advisor() -> Iterator[Advisor]:
    command = [sys.executable, "-m", "murnau_worker", "advise", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        started = json.loads(process.stderr.readline())
        assert (started["message"], started["part"]) == ("serving", "advisor")
        with grpc.insecure_channel(f"127.0.0.1:{started['port']}") as channel:
            yield Advisor(process, channel)
    finally:
        process.kill()
        process.wait()


def space() -> list[pb.Parameter]:
    return [
        pb.Parameter(name="rate", float_range=pb.FloatRange(min=0.01, max=0.5, log=True)),
        pb.Parameter(name="objective", choice=pb.Choice(values_json=['"joint"', '"split"'])),
        pb.Parameter(
            name="prior_steps",
            int_range=pb.IntRange(min=2, max=20),
            when=[pb.Condition(parameter="objective", values_json=['"split"'])],
        ),
    ]


def history(trials: int) -> list[pb.PastTrial]:
    return [
        pb.PastTrial(
            trial=number,
            parameters_json=json.dumps({"rate": 0.01 + number / 100, "objective": "joint"}),
            state=pb.TRIAL_STATE_FINISHED,
            value=number / 100,
        )
        for number in range(trials)
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_starts_soon_and_without_torch(advisor: Advisor) -> None:
    maps = Path(f"/proc/{advisor.process.pid}/maps").read_text()
    assert "numpy" in maps, "libraries are seen"
    assert "torch" not in maps
    assert cpu_seconds(advisor.process.pid) < START_CPU_S


def test_its_modules_load_no_torch() -> None:
    code = (
        "import sys, murnau_worker.__main__, murnau_worker.rpc.advisor_service\n"
        "print([name for name in ('torch', 'transformers', 'diffusers', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr


def test_answers_health_reflection_and_both_questions(advisor: Advisor) -> None:
    health: Any = health_pb2_grpc.HealthStub(advisor.channel)
    for name in ("", SERVICE_NAME):
        answer = health.Check(health_pb2.HealthCheckRequest(service=name), wait_for_ready=True, timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    asked = [reflection_pb2.ServerReflectionRequest(list_services="")]
    reflection: Any = reflection_pb2_grpc.ServerReflectionStub(advisor.channel)
    [listed] = reflection.ServerReflectionInfo(iter(asked), timeout=10)
    assert SERVICE_NAME in [service.name for service in listed.list_services_response.service]

    request = pb.SuggestRequest(parameters=space(), history=history(20), trial=20, count=3, seed=2**63, maximize=True)
    first, again = (advisor.stub.Suggest(request, timeout=30) for _ in range(2))
    assert first == again
    suggestions = [json.loads(text) for text in first.parameters_json]
    assert len(suggestions) == 3
    for values in suggestions:
        assert ("prior_steps" in values) == (values["objective"] == "split")
    answer = advisor.stub.Importance(
        pb.ImportanceRequest(parameters=space(), history=history(20), maximize=True), timeout=30
    )
    assert [one.name for one in answer.importances] == ["rate", "objective", "prior_steps"]
    assert answer.importances[0].share > 0.9
    few = advisor.stub.Importance(pb.ImportanceRequest(parameters=space(), history=history(4)), timeout=30)
    assert (len(few.importances), few.finished_trials, few.needed_trials) == (0, 4, 10)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"count": 0}, "count"),
        ({"trial": 3}, "trial"),
        ({"parameters": [pb.Parameter(name="x")]}, "parameters[0]"),
        (
            {"parameters": [pb.Parameter(name="x", choice=pb.Choice(values_json=["train"]))]},
            "parameters[0].choice.values_json[0]",
        ),
        (
            {"parameters": [pb.Parameter(name="x", choice=pb.Choice(values_json=["NaN"]))]},
            "parameters[0].choice.values_json[0]",
        ),
        ({"history": [pb.PastTrial(trial=0, parameters_json="{}")]}, "history[0].state"),
        (
            {"history": [pb.PastTrial(trial=0, parameters_json="[]", state=pb.TRIAL_STATE_RUNNING)]},
            "history[0].parameters_json",
        ),
    ],
)
def test_refuses_with_the_field_in_the_metadata(advisor: Advisor, change: dict[str, Any], field: str) -> None:
    values: dict[str, Any] = {"parameters": space(), "history": history(5), "trial": 5, "count": 1, **change}
    with pytest.raises(grpc.RpcError) as error:
        advisor.stub.Suggest(pb.SuggestRequest(**values), wait_for_ready=True, timeout=30)
    refusal: Any = error.value
    assert refusal.code() == grpc.StatusCode.INVALID_ARGUMENT
    detail = detail_of(refusal)
    assert (detail.code, detail.field) == ("spec.invalid", field)
    assert detail.message


def test_ends_in_order_when_told_to(advisor: Advisor) -> None:
    grpc.channel_ready_future(advisor.channel).result(timeout=10)
    advisor.process.send_signal(signal.SIGTERM)
    assert advisor.process.wait(timeout=15) == 0
    assert advisor.process.stderr is not None
    lines = [json.loads(line) for line in advisor.process.stderr.read().splitlines()]
    assert [line["message"] for line in lines] == ["stopping"]
