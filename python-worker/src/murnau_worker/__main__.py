"""Entry point: `python -m murnau_worker serve | advise | convert-embedding | convert-model | verify-model`."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import sys
from pathlib import Path

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.logs import configure_logging, get_logger


def _named_folder(text: str) -> tuple[str, Path]:
    name, separator, folder = text.partition("=")
    if not separator or not name or not folder:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=DIR")
    return name, Path(folder)


def _default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "murnau"


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of samples, 1 or more")
    return int(text)


def _milliseconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 60_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of milliseconds, 0 to 60000")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="murnau_worker", description="GPU worker of murnau")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve models over gRPC")
    serve.add_argument("--listen", default="127.0.0.1:7840", help="HOST:PORT; port 0 takes a free one")
    serve.add_argument("--model", type=_named_folder, action="append", default=[], metavar="NAME=DIR")
    serve.add_argument("--registry", type=Path, metavar="FILE", help="YAML of models, each with how it is held")
    serve.add_argument("--memory-limit-mb", type=int, default=0, metavar="N", help="of loaded parts; 0: none")
    serve.add_argument("--cache-dir", type=Path, default=_default_cache(), help="digests of large files are kept here")
    serve.add_argument("--threads", type=int, default=1, help="threads of the device thread's kernels")
    serve.add_argument("--slots", type=int, default=4, help="training streams taken at once")
    serve.add_argument(
        "--max-samples",
        type=_count,
        default=0,
        metavar="N",
        help="samples trained together at most (default: measured)",
    )
    serve.add_argument("--simulate", action="store_true", help="train nothing: the whole protocol without a model")
    serve.add_argument(
        "--simulate-step-ms", type=_milliseconds, default=20.0, metavar="MS", help="how long a simulated step lasts"
    )
    advise = commands.add_parser("advise", help="suggest trials of sweeps over gRPC; needs no model and no GPU")
    advise.add_argument("--listen", default="127.0.0.1:7835", help="HOST:PORT; port 0 takes a free one")
    convert = commands.add_parser("convert-embedding", help="convert a learnt embedding between formats")
    convert.add_argument("input", type=Path)
    convert.add_argument("output", type=Path, help="its suffix says the form: .safetensors, or a family's own")
    convert.add_argument("--placeholder", default="", help="new placeholder (default: the file's)")
    model = commands.add_parser("convert-model", help="write a model as diffusers' folders of safetensors")
    model.add_argument("source", type=Path)
    model.add_argument("target", type=Path, help="a folder that is not there yet, or empty")
    model.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], help="default: each part as its file is")
    verify = commands.add_parser("verify-model", help="compare what this code computes with a folder of goldens")
    verify.add_argument("folder", type=Path, metavar="DIR")
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


def _simulate(arguments: argparse.Namespace) -> bool:
    from murnau_worker.families.registry import descriptions
    from murnau_worker.rpc.simulated_service import model_names, serve
    from murnau_worker.simulated.engine import SimulatedEngine

    async def work() -> None:
        models = model_names(arguments.model, arguments.registry)
        family, *_ = descriptions()
        engine = SimulatedEngine(models, family, slots=arguments.slots, step_ms=arguments.simulate_step_ms)
        await serve(engine, arguments.listen)

    asyncio.run(work())
    return True


def _serve(arguments: argparse.Namespace) -> bool:
    if arguments.simulate:
        return _simulate(arguments)
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()

    from murnau_worker.engine.engine import Engine
    from murnau_worker.engine.served_models_file import collect_models
    from murnau_worker.rpc.server import serve

    engine = Engine(
        collect_models(arguments.registry, arguments.model),
        threads=arguments.threads,
        slots=arguments.slots,
        memory_limit_bytes=arguments.memory_limit_mb * 1024 * 1024,
        cache=arguments.cache_dir,
        max_samples=arguments.max_samples,
    )
    asyncio.run(serve(engine, arguments.listen))
    return True


def _advise(arguments: argparse.Namespace) -> bool:
    from murnau_worker.rpc.advisor_service import serve

    asyncio.run(serve(arguments.listen))
    return True


def _convert(arguments: argparse.Namespace) -> bool:
    from murnau_worker.families.embedding_formats import format_of_file, format_suffixes
    from murnau_worker.families.embeddings import read_embedding, write_as
    from murnau_worker.text.embedding_file import renamed

    form = format_of_file(arguments.output)
    if form is None:
        raise WorkerError("spec.invalid", f"{arguments.output} ends in none of {', '.join(format_suffixes())}")
    embedding = read_embedding(arguments.input.read_bytes())
    if arguments.placeholder:
        embedding = renamed(embedding, arguments.placeholder)
    arguments.output.write_bytes(write_as(embedding, form))
    return True


def _convert_model(arguments: argparse.Namespace) -> bool:
    from murnau_worker.engine.served_models_file import TORCH_DTYPES
    from murnau_worker.families.conversion import convert_model

    dtype = TORCH_DTYPES[arguments.dtype] if arguments.dtype else None
    result = convert_model(arguments.source, arguments.target, dtype)
    print(json.dumps(dataclasses.asdict(result)))
    return True


def _verify(arguments: argparse.Namespace) -> bool:
    from murnau_worker.verify.compare import verify_model

    return verify_model(arguments.folder)


_COMMANDS = {  # each says whether all is well
    "serve": _serve,
    "advise": _advise,
    "convert-embedding": _convert,
    "convert-model": _convert_model,
    "verify-model": _verify,
}


def main(arguments: list[str] | None = None) -> int:
    parsed = _parser().parse_args(arguments)
    configure_logging(parsed.log_level, part="advisor" if parsed.command == "advise" else "worker")
    _quiet_libraries()
    try:
        return 0 if _COMMANDS[parsed.command](parsed) else 1
    except (WorkerError, OSError, RuntimeError) as error:
        code = error.code if isinstance(error, WorkerError) else "internal"
        get_logger().error(str(error), extra={"code": code})
        return 1


if __name__ == "__main__":
    sys.exit(main())
