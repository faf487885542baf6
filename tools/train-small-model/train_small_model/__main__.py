"""``python -m train_small_model STAGE``: see README.md."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch

from . import launch, stages


def main() -> None:
    parser = argparse.ArgumentParser(prog="train_small_model", description=__doc__)
    parser.add_argument("stage", nargs="+", choices=(*stages.STAGES, "all"))
    parser.add_argument("--work-dir", type=Path, default=Path("/var/tmp/murnau-train"))
    parser.add_argument("--repository", type=Path, default=Path(__file__).resolve().parents[3])
    parser.add_argument("--font", type=Path, default=Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"))
    parser.add_argument("--emojibase", type=Path, required=False, help="folder of npm's emojibase-data")
    parser.add_argument("--pictures", type=int, help="size of the rendered set (default: the whole recipe's)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processes", type=int, default=1, help="processes that share each batch of a stage")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 products (processors with avx512_bf16 or AMX)")
    options = parser.parse_args()
    if options.processes > 1:
        os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
        os.environ.setdefault("MASTER_PORT", "29517")
        if "RANK" in os.environ:  # Started one by one, as torchrun does.
            launch.process(int(os.environ["RANK"]), options)
            return
        torch.multiprocessing.spawn(launch.process, (options,), options.processes)
    else:
        launch.work(options)


if __name__ == "__main__":
    main()
