"""What a sweep searches: its parameters, what each may be, and which take part under which conditions.

A value of a choice is held as canonical JSON text, so that a word, a number and a pair of words are told apart and
compared alike; `value_of_text` gives it back as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from murnau_worker.core.errors import WorkerError

JsonValue = Any
MAX_PARAMETERS = 200
MAX_CHOICES = 1000


def invalid(field: str, message: str, given: object = "", allowed: str = "") -> WorkerError:
    return WorkerError("spec.invalid", message, field=field, given=str(given), allowed=allowed)


def _plain(value: JsonValue) -> JsonValue:
    """Numbers that are whole become integers: JavaScript writes 1.0 as 1."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_plain(item) for item in value]  # type: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}  # type: ignore[reportUnknownVariableType]
    return value


def canonical_text(value: JsonValue) -> str:
    """The same text for values that are the same in JSON, whatever the order of keys."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def value_of_text(text: str) -> JsonValue:
    return json.loads(text)


@dataclass(frozen=True)
class FloatRange:
    """A number between `min` and `max`, both included; its logarithm is uniform where `log`."""

    min: float
    max: float
    log: bool = False


@dataclass(frozen=True)
class IntRange:
    """A whole number between `min` and `max`, both included; its logarithm is uniform where `log`."""

    min: int
    max: int
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """One of some values, each as canonical JSON text."""

    texts: tuple[str, ...]


Domain = FloatRange | IntRange | Choice


@dataclass(frozen=True)
class Condition:
    """Holds where the choice `parameter` takes part and has one of the values `texts`."""

    parameter: str
    texts: frozenset[str]


@dataclass(frozen=True)
class Parameter:
    """A parameter that takes part where all of `when` hold."""

    name: str
    domain: Domain
    when: tuple[Condition, ...] = ()


def _distribution(domain: Domain) -> BaseDistribution:
    if isinstance(domain, Choice):
        return CategoricalDistribution(domain.texts)
    if isinstance(domain, IntRange):
        return IntDistribution(domain.min, domain.max, log=domain.log)
    return FloatDistribution(domain.min, domain.max, log=domain.log)


class SearchSpace:
    """Checked parameters; `ordered` has each after those its conditions name, else in the order given.

    Raises WorkerError `spec.invalid`.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        _check_names(parameters)
        by_name = {parameter.name: parameter for parameter in parameters}
        for place, parameter in enumerate(parameters):
            _check_domain(parameter.domain, f"parameters[{place}]")
            _check_conditions(parameter, by_name, f"parameters[{place}]")
        self.ordered = _in_order_of_conditions(parameters)
        self.distributions = {parameter.name: _distribution(parameter.domain) for parameter in parameters}

    def takes_part(self, parameter: Parameter, values: Mapping[str, Any]) -> bool:
        """Whether a parameter's conditions hold, given those before it (choices as canonical text)."""
        return all(values.get(condition.parameter) in condition.texts for condition in parameter.when)

    def internal(self, values: Mapping[str, JsonValue], field: str) -> dict[str, Any]:
        """A past trial's values as optuna holds them. Raises WorkerError `spec.invalid` for what the space has not."""
        held: dict[str, Any] = {}
        for name, value in values.items():
            distribution = self.distributions.get(name)
            if distribution is None:
                known = ", ".join(self.distributions)
                raise invalid(f"{field}.{name}", f"{name} is no parameter of this search space", name, known)
            held[name] = _held(distribution, value, f"{field}.{name}")
        return held

    def external(self, values: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Optuna's values as JSON has them."""
        return {
            name: value_of_text(value) if isinstance(self.distributions[name], CategoricalDistribution) else value
            for name, value in values.items()
        }


def _held(distribution: BaseDistribution, value: JsonValue, field: str) -> Any:
    if isinstance(distribution, CategoricalDistribution):
        text = canonical_text(value)
        if text not in distribution.choices:
            raise invalid(field, f"{field} is none of the choices", text, ", ".join(map(str, distribution.choices)))
        return text
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_whole = is_number and float(value).is_integer()
    if not is_number or (isinstance(distribution, IntDistribution) and not is_whole):
        raise invalid(field, f"{field} is no number of this range", value, f"{distribution.low} to {distribution.high}")
    if not distribution.low <= value <= distribution.high:
        raise invalid(field, f"{field} lies outside its range", value, f"{distribution.low} to {distribution.high}")
    return int(value) if isinstance(distribution, IntDistribution) else float(value)


def _check_names(parameters: Sequence[Parameter]) -> None:
    if not 1 <= len(parameters) <= MAX_PARAMETERS:
        message = f"{len(parameters)} parameters were given"
        raise invalid("parameters", message, len(parameters), f"1 to {MAX_PARAMETERS}")
    seen: set[str] = set()
    for place, parameter in enumerate(parameters):
        if not parameter.name or parameter.name in seen:
            what = f'"{parameter.name}" is given twice' if parameter.name else "a parameter has no name"
            raise invalid(f"parameters[{place}].name", what, parameter.name, "another name for each parameter")
        seen.add(parameter.name)


def _check_domain(domain: Domain, field: str) -> None:
    if isinstance(domain, Choice):
        if not 1 <= len(domain.texts) <= MAX_CHOICES:
            count = len(domain.texts)
            raise invalid(f"{field}.choice.values_json", f"{count} choices were given", count, f"1 to {MAX_CHOICES}")
        twice = next((text for text in domain.texts if domain.texts.count(text) > 1), None)
        if twice is not None:
            raise invalid(f"{field}.choice.values_json", "a choice is given twice", twice, "each once")
        return
    kind = "int_range" if isinstance(domain, IntRange) else "float_range"
    span = domain.max - domain.min
    if not 0 < span < float("inf"):
        raise invalid(f"{field}.{kind}.max", "max is not above min", domain.max, f"above {domain.min}")
    if domain.log and domain.min <= 0:
        raise invalid(f"{field}.{kind}.min", "a logarithm needs a positive min", domain.min, "above 0")


def _check_conditions(parameter: Parameter, by_name: Mapping[str, Parameter], field: str) -> None:
    for place, condition in enumerate(parameter.when):
        at = f"{field}.when[{place}]"
        other = by_name.get(condition.parameter)
        if other is None or other is parameter:
            others = ", ".join(name for name in by_name if name != parameter.name)
            raise invalid(f"{at}.parameter", "there is no such other parameter", condition.parameter, others)
        if not isinstance(other.domain, Choice):
            raise invalid(f"{at}.parameter", f"{other.name} is no choice", condition.parameter, "a choice")
        strangers = sorted(condition.texts - set(other.domain.texts))
        if strangers or not condition.texts:
            given = strangers[0] if strangers else ""
            allowed = ", ".join(other.domain.texts)
            raise invalid(f"{at}.values_json", f"no such value of {other.name}", given, allowed)


def _in_order_of_conditions(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    placed: dict[str, Parameter] = {}
    waiting = list(parameters)
    while waiting:
        ready = [one for one in waiting if all(condition.parameter in placed for condition in one.when)]
        if not ready:
            names = ", ".join(parameter.name for parameter in waiting)
            raise invalid("parameters", f"conditions run in a circle: {names}", names, "conditions without a circle")
        # One at a time keeps the order given wherever conditions leave it open.
        placed[ready[0].name] = ready[0]
        waiting.remove(ready[0])
    return tuple(placed.values())
