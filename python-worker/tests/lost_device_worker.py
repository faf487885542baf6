"""A worker on a Pebble whose device is lost at its first step: `python tests/lost_device_worker.py FOLDER PORT`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from fake_family.description import PEBBLE
from fake_family.model import Pebble

from murnau_worker.core.logs import configure_logging
from murnau_worker.engine.engine import Engine
from murnau_worker.families.registry import REGISTRATIONS, Registration
from murnau_worker.rpc.server import serve


def lost(*_: Any) -> Any:
    raise RuntimeError("CUDA error: an illegal memory access was encountered")


def main() -> None:
    configure_logging("info")
    REGISTRATIONS.append(Registration(PEBBLE, "fake_family.family"))
    pebble: Any = Pebble
    pebble.losses = lost
    folder, listen = sys.argv[1:]
    asyncio.run(serve(Engine({"pebble": Path(folder)}, threads=1, slots=2), listen))


if __name__ == "__main__":
    main()
