"""From the advisor's generated request types to its own. Generated types go no further than this package."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from murnau_worker.advisor.history import ForbiddenPoint, PastTrial, TrialState
from murnau_worker.advisor.search_space import (
    Choice,
    Condition,
    Domain,
    FloatRange,
    IntRange,
    JsonValue,
    Parameter,
    SearchSpace,
    canonical_text,
    invalid,
)
from murnau_worker.rpc.gen.murnau.advisor.v1 import advisor_pb2 as pb

_LONGEST_HISTORY = 10_000

STATES: Mapping[int, TrialState] = {
    pb.TRIAL_STATE_RUNNING: "running",
    pb.TRIAL_STATE_FINISHED: "finished",
    pb.TRIAL_STATE_PRUNED: "pruned",
    pb.TRIAL_STATE_FAILED: "failed",
}


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _json(text: str, field: str) -> JsonValue:
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise invalid(field, f"{field} is not JSON: {error}", text, "JSON text") from error


def _texts(values_json: Sequence[str], field: str) -> tuple[str, ...]:
    return tuple(canonical_text(_json(text, f"{field}[{place}]")) for place, text in enumerate(values_json))


def _domain(message: pb.Parameter, field: str) -> Domain:
    kind = message.WhichOneof("domain")
    if kind == "float_range":
        range_ = message.float_range
        return FloatRange(range_.min, range_.max, range_.log)
    if kind == "int_range":
        range_ = message.int_range
        return IntRange(range_.min, range_.max, range_.log)
    if kind == "choice":
        return Choice(_texts(message.choice.values_json, f"{field}.choice.values_json"))
    raise invalid(field, f"{message.name} may be nothing", message.name, "float_range, int_range or choice")


def read_space(messages: Sequence[pb.Parameter]) -> SearchSpace:
    """Raises WorkerError `spec.invalid`, naming the field, what was given and what is allowed."""
    parameters: list[Parameter] = []
    for place, message in enumerate(messages):
        field = f"parameters[{place}]"
        conditions = tuple(
            Condition(one.parameter, frozenset(_texts(one.values_json, f"{field}.when[{index}].values_json")))
            for index, one in enumerate(message.when)
        )
        parameters.append(Parameter(message.name, _domain(message, field), conditions))
    return SearchSpace(parameters)


def _parameters(text: str, field: str) -> dict[str, JsonValue]:
    parameters: Any = _json(text, f"{field}.parameters_json")
    if not isinstance(parameters, dict):
        raise invalid(f"{field}.parameters_json", "the parameters are no object", text, "an object")
    return parameters  # type: ignore[reportUnknownVariableType]


def _past_trial(message: pb.PastTrial, field: str) -> PastTrial:
    state = STATES.get(message.state)
    if state is None:
        allowed = ", ".join(STATES.values())
        raise invalid(f"{field}.state", "the state is not set to a known value", message.state, allowed)
    return PastTrial(
        number=message.trial,
        parameters=_parameters(message.parameters_json, field),
        state=state,
        value=message.value if message.HasField("value") else None,
        intermediate={one.step: one.value for one in message.intermediate},
    )


def read_history(messages: Sequence[pb.PastTrial]) -> list[PastTrial]:
    """Raises WorkerError `spec.invalid`."""
    if len(messages) > _LONGEST_HISTORY:
        given = len(messages)
        raise invalid("history", f"{given} past trials were given", given, f"at most {_LONGEST_HISTORY}")
    return [_past_trial(message, f"history[{place}]") for place, message in enumerate(messages)]


def read_forbidden(messages: Sequence[pb.ForbiddenPoint]) -> list[ForbiddenPoint]:
    """Raises WorkerError `spec.invalid`."""
    if len(messages) > _LONGEST_HISTORY:
        given = len(messages)
        raise invalid("forbidden", f"{given} forbidden points were given", given, f"at most {_LONGEST_HISTORY}")
    return [
        ForbiddenPoint(message.trial, _parameters(message.parameters_json, f"forbidden[{place}]"))
        for place, message in enumerate(messages)
    ]
