"""The families' table in libs/domain is that of the descriptions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from murnau_worker.families.registry import descriptions
from murnau_worker.families.table import family_table

GENERATED = Path(__file__).resolve().parents[2] / "libs/domain/src/families/generated.ts"


def committed() -> dict[str, Any]:
    """The table within the file. Its literal has no comments and no escapes, so that YAML reads it."""
    text = GENERATED.read_text("utf-8")
    literal = text[text.index("= ") + 2 : text.rindex(" as const;")]
    return yaml.safe_load(literal)


def test_the_generated_table_is_up_to_date() -> None:
    assert committed() == family_table(descriptions()), "run `npm run generate`"


def test_towers_tasks_and_samplers_are_named() -> None:
    family = family_table(descriptions())["kandinsky-2.1"]
    assert [tower["name"] for tower in family["towers"]] == ["t1", "t2"]
    assert family["tasks"] == ["train", "text2img", "fuse", "inpaint", "img2img"]
    assert family["parameters"]["prior_steps"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 5,
        "description": "steps of the prior within each training step",
    }
    assert "default" not in family["options"]["negative_prior_prompt"], "left out, it is none"
