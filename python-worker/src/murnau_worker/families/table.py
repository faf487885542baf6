"""What every family is, as data for other languages: `python -m murnau_worker.families.table` prints it as JSON.

`npm run generate` writes it into libs/domain. Loads no torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from murnau_worker.families.description import FamilyDescription
from murnau_worker.families.registry import descriptions

# Of a value's JSON Schema, in the order in which they are written.
_SCHEMA_KEYS = (
    "type",
    "enum",
    "format",
    "timesteps",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "default",
    "description",
)


def value_schemas(model: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """JSON Schema of each field by its name; a field that may be left out has no default there."""
    return {name: _plain(schema) for name, schema in model.model_json_schema().get("properties", {}).items()}


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Without the null of a value that may be left out."""
    given = [branch for branch in schema.get("anyOf", ()) if branch.get("type") != "null"]
    merged = {**schema, **(given[0] if given else {})}
    return {key: merged[key] for key in _SCHEMA_KEYS if key in merged and not (given and key == "default")}


def family_table(families: Sequence[FamilyDescription]) -> dict[str, dict[str, Any]]:
    """By a family's name."""
    return {family.name: _family(family) for family in families}


def _family(description: FamilyDescription) -> dict[str, Any]:
    return {
        "title": description.title,
        "towers": [
            {
                "name": tower.name,
                "title": tower.title,
                "role": tower.role,
                "reads_english_only": tower.reads_english_only,
            }
            for tower in description.towers
        ],
        "parts": [
            {"name": part.name, "title": part.title, "is_optional": part.is_optional} for part in description.parts
        ],
        "tasks": [task.name for task in description.tasks],
        "objectives": [{"name": objective.name, "help": objective.help} for objective in description.objectives],
        "parameters": value_schemas(description.parameters),
        "samplers": list(description.samplers),
        "options": value_schemas(description.options),
        "embedding_formats": [
            {
                "name": form.name,
                "suffix": form.suffix,
                "reads": form.is_read,
                "pipeline": form.pipeline,
                "help": form.help,
            }
            for form in description.embedding_formats
        ],
    }


def main() -> None:
    print(json.dumps(family_table(descriptions()), ensure_ascii=False))


if __name__ == "__main__":
    main()
