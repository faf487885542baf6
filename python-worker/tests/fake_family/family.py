"""Pebble's registration."""

from __future__ import annotations

from fake_family.description import PEBBLE
from fake_family.model import Pebble
from fake_family.source import is_pebble, read_pebble
from murnau_worker.families.family import Family, Layout

FAMILY = Family(
    description=PEBBLE,
    layouts=(Layout("pebble", is_pebble, read_pebble, "pebble.safetensors"),),
    open=Pebble,
)
