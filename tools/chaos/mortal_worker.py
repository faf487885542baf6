"""The worker, with work on which it fails each time: what a damaged picture or a mistake in its code would do to it.

`mortal_worker.py ARGUMENTS OF murnau_worker`. A run over a picture of the first name ends the process as a library
that crashes while it decodes would, and a drawing of the second text throws what nobody expected.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

from murnau_worker.__main__ import main
from murnau_worker.rpc import read_requests

KILLING_PICTURE = "kills-its-worker.png"
FAILING_TEXT = "fails always"

_read_pictures = read_requests.read_pictures


def _read_or_die(images: Any, *others: Any) -> Any:
    if any(image.name == KILLING_PICTURE for image in images):
        os.kill(os.getpid(), signal.SIGKILL)
    return _read_pictures(images, *others)


def _failing(service: type[Any]) -> None:
    draw = service.TextToImage

    async def text_to_image(self: Any, request: Any, context: Any) -> AsyncIterator[Any]:
        if FAILING_TEXT in request.prompt:
            raise RuntimeError("a mistake in the code")
        async for response in draw(self, request, context):
            yield response

    service.TextToImage = text_to_image


if __name__ == "__main__":
    read_requests.read_pictures = _read_or_die
    if "--simulate" in sys.argv:
        from murnau_worker.rpc.simulated_service import SimulatedService

        _failing(SimulatedService)
    elif "serve" in sys.argv:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the worker does, before torch is imported
        from murnau_worker.rpc.service import WorkerService

        _failing(WorkerService)
    sys.exit(main())
