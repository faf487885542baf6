"""Entry point: `python -m murnau_worker serve | advise | convert-embedding`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from murnau_worker.errors import WorkerError
from murnau_worker.logs import configure_logging, get_logger


def _named_folder(text: str) -> tuple[str, Path]:
    name, separator, folder = text.partition("=")
    if not separator or not name or not folder:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=DIR")
    return name, Path(folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="murnau_worker", description="GPU worker of murnau")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve models over gRPC")
    serve.add_argument("--listen", default="127.0.0.1:7840", help="HOST:PORT; port 0 takes a free one")
    serve.add_argument("--model", type=_named_folder, action="append", required=True, metavar="NAME=DIR")
    serve.add_argument("--threads", type=int, default=1, help="threads of the device thread's kernels")
    serve.add_argument("--slots", type=int, default=4, help="training streams taken at once")
    advise = commands.add_parser("advise", help="suggest trials of sweeps over gRPC; needs no model and no GPU")
    advise.add_argument("--listen", default="127.0.0.1:7835", help="HOST:PORT; port 0 takes a free one")
    convert = commands.add_parser("convert-embedding", help="convert a learnt embedding between formats")
    convert.add_argument("input", type=Path)
    convert.add_argument("output", type=Path, help="a name ending in .safetensors or .bin")
    convert.add_argument("--placeholder", default="", help="new placeholder (default: the file's)")
    return parser


def _quiet_libraries() -> None:
    """Before torch is imported: nothing but our JSON goes to stderr, and waiting threads sleep instead of spinning.

    Spinning threads of a kernel make a step ten times slower where another process wants the same cores.
    """
    for name, value in (
        ("OMP_WAIT_POLICY", "PASSIVE"),
        ("HF_HUB_DISABLE_PROGRESS_BARS", "1"),
        ("HF_HUB_OFFLINE", "1"),
        ("TRANSFORMERS_VERBOSITY", "error"),
        ("DIFFUSERS_VERBOSITY", "error"),
        ("TOKENIZERS_PARALLELISM", "false"),
    ):
        os.environ.setdefault(name, value)


def _serve(arguments: argparse.Namespace) -> None:
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()

    from murnau_worker.engine.engine import Engine
    from murnau_worker.rpc.server import serve

    engine = Engine(dict(arguments.model), threads=arguments.threads, slots=arguments.slots)
    asyncio.run(serve(engine, arguments.listen))


def _advise(arguments: argparse.Namespace) -> None:
    from murnau_worker.rpc.advisor_service import serve

    asyncio.run(serve(arguments.listen))


def _convert(arguments: argparse.Namespace) -> None:
    from murnau_worker.checkpoints.embedding_file import read_embedding, renamed, write_embedding, write_reference_bin

    writers = {".safetensors": write_embedding, ".bin": write_reference_bin}
    writer = writers.get(arguments.output.suffix)
    if writer is None:
        raise WorkerError("spec.invalid", f"{arguments.output} ends neither in .safetensors nor in .bin")
    embedding = read_embedding(arguments.input.read_bytes())
    if arguments.placeholder:
        embedding = renamed(embedding, arguments.placeholder)
    arguments.output.write_bytes(writer(embedding))


_COMMANDS = {"serve": _serve, "advise": _advise, "convert-embedding": _convert}


def main(arguments: list[str] | None = None) -> int:
    parsed = _parser().parse_args(arguments)
    configure_logging(parsed.log_level, part="advisor" if parsed.command == "advise" else "worker")
    _quiet_libraries()
    try:
        _COMMANDS[parsed.command](parsed)
    except (WorkerError, OSError, RuntimeError) as error:
        code = error.code if isinstance(error, WorkerError) else "internal"
        get_logger().error(str(error), extra={"code": code})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
