"""What each training process does (apart from ``__main__``, which child processes cannot import)."""

from __future__ import annotations

import argparse
from dataclasses import replace

import torch

from . import stages
from .common import use_bfloat16
from .config import Config


def process(rank: int, options: argparse.Namespace) -> None:
    torch.distributed.init_process_group("gloo", rank=rank, world_size=options.processes)
    work(options)


def work(options: argparse.Namespace) -> None:
    """Runs the stages asked for, in this process."""
    torch.set_num_threads(options.threads)
    use_bfloat16(options.bf16)
    emojibase = options.emojibase or options.work_dir / "node_modules" / "emojibase-data"
    config = Config()
    if options.pictures is not None:
        config = replace(config, data=config.data.scaled(options.pictures))
    place = stages.Place(options.work_dir, options.repository, options.font, emojibase, config)
    names = stages.DEFAULT_ORDER if "all" in options.stage else options.stage
    for name in names:
        stages.STAGES[name](place)
