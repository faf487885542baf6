"""The families of models that this worker knows: one line each. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from murnau_worker.families.description import FamilyDescription
from murnau_worker.families.kandinsky21.description import KANDINSKY21


@dataclass(frozen=True)
class Registration:
    """A family's description, and the module that holds its code as `FAMILY`: imported when a folder is opened."""

    description: FamilyDescription
    module: str


REGISTRATIONS: list[Registration] = [
    Registration(KANDINSKY21, "murnau_worker.families.kandinsky21.family"),
]


def describe(name: str) -> FamilyDescription:
    """Raises KeyError for a family that is not registered."""
    return {registration.description.name: registration.description for registration in REGISTRATIONS}[name]
