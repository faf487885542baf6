"""The families of models that this worker knows: one line each. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from murnau_worker.families.description import FamilyDescription
from murnau_worker.families.kandinsky20.description import KANDINSKY20
from murnau_worker.families.kandinsky21.description import KANDINSKY21


@dataclass(frozen=True)
class Registration:
    """A family's description, and the module that holds its code as `FAMILY`: imported when a folder is opened."""

    description: FamilyDescription
    module: str


REGISTRATIONS: list[Registration] = [
    Registration(KANDINSKY21, "murnau_worker.families.kandinsky21.family"),
    Registration(KANDINSKY20, "murnau_worker.families.kandinsky20.family"),
]


def descriptions() -> tuple[FamilyDescription, ...]:
    """Of all families, in the order of their registration."""
    return tuple(registration.description for registration in REGISTRATIONS)


def describe(name: str) -> FamilyDescription:
    """Raises KeyError for a family that is not registered."""
    return {description.name: description for description in descriptions()}[name]
