"""Values that only a family has, out of a Struct: checked against the family's description. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from google.protobuf.struct_pb2 import Struct, Value
from pydantic import BaseModel, ValidationError

from murnau_worker.families.table import value_schemas
from murnau_worker.rpc.refusal import invalid

ValuesT = TypeVar("ValuesT", bound=BaseModel)


def read_family_values(message: Struct, kind: type[ValuesT], family: str, prefix: str) -> ValuesT:
    """The values as the family has them. `prefix`: of the fields' names.

    Raises WorkerError `spec.invalid` for a name that the family does not know, or a value that it does not take.
    """
    values = {name: _plain(value) for name, value in message.fields.items()}
    for name, value in values.items():
        if name not in kind.model_fields:
            known = ", ".join(kind.model_fields) or "none"
            raise invalid(f"{prefix}{name}", f'{family} has no "{name}"', value, known)
    try:
        return kind.model_validate(values, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        field = f"{prefix}{name}"
        allowed = first.get("ctx", {}).get("allowed") or allowed_by(value_schemas(kind)[name])
        raise invalid(field, f"{field}: {first['msg']}", values.get(name, ""), str(allowed)) from error


def _plain(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "number_value":
            # A Struct's numbers are doubles: one without a fraction may be meant as a whole number.
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_plain(one) for one in value.list_value.values]
        case "struct_value":
            return {name: _plain(one) for name, one in value.struct_value.fields.items()}
        case _:
            return None


def allowed_by(schema: Mapping[str, Any]) -> str:
    """What a value's JSON Schema allows, for a person."""
    match schema:
        case {"enum": words}:
            return ", ".join(map(str, words))
        case {"type": "boolean"}:
            return "true or false"
        case {"minLength": least, "maxLength": most}:
            return f"a text of {least} to {most} characters"
        case {"exclusiveMinimum": least, "exclusiveMaximum": most}:
            return f"above {least:g} and below {most:g}"
        case {"minimum": least, "maximum": most}:
            return f"{least:g} to {most:g}" if schema["type"] == "number" else f"{least} to {most}"
        case _:
            return str(schema.get("type", ""))
