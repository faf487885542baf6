"""Tokenizers of the original's layout: XLM-R's beside its weights, CLIP's from OpenAI's or from transformers' files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, cast

from tokenizers import pre_tokenizers
from transformers import CLIPTokenizer, XLMRobertaTokenizer

from murnau_worker.core.errors import WorkerError

_OPENAI_BPE = "bpe_simple_vocab_16e6.txt.gz"
_XLMR_FILES = ("tokenizer.json", "sentencepiece.bpe.model")
_SPECIAL_TOKENS = ("<|startoftext|>", "<|endoftext|>")


def read_xlmr_tokenizer(folder: Path) -> Any:
    """XLM-R's tokenizer of a folder with `tokenizer.json` or `sentencepiece.bpe.model`."""
    if not any((folder / name).is_file() for name in _XLMR_FILES):
        raise WorkerError(
            "model.unreadable",
            f"prompts can not be read: put XLM-R's {' or '.join(_XLMR_FILES)} into {folder}",
        )
    try:
        return XLMRobertaTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise WorkerError("model.unreadable", f"the tokenizer in {folder} can not be read: {error}") from error


def byte_letters() -> list[str]:
    """The 256 letters that stand for bytes in CLIP's vocabulary, in its order: printable bytes first.

    Source: `bytes_to_unicode` of GPT-2, which CLIP took over.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = [chr(byte) for byte in printable] + [chr(256 + place) for place in range(256 - len(printable))]
    assert sorted(letters) == sorted(pre_tokenizers.ByteLevel.alphabet())
    return letters


def clip_tokenizer(merges: list[tuple[str, str]]) -> CLIPTokenizer:
    """CLIP's tokenizer by its merges: bytes, bytes that end a word, merged pieces, two special tokens.

    Source: openai/CLIP `clip/simple_tokenizer.py`.
    """
    letters = byte_letters()
    tokens = [*letters, *(letter + "</w>" for letter in letters), *("".join(pair) for pair in merges), *_SPECIAL_TOKENS]
    loose: Any = CLIPTokenizer  # it takes pairs, but says that it takes text
    return loose(vocab={token: index for index, token in enumerate(tokens)}, merges=merges)


def _openai_merges(path: Path, vocabulary_size: int) -> list[tuple[str, str]]:
    """The first merges of OpenAI's file, after its heading: as many as the text tower has tokens for."""
    lines = gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()[1:]
    count = vocabulary_size - 2 * 256 - len(_SPECIAL_TOKENS)
    merges = [(pair[0], pair[1]) for pair in (line.split() for line in lines[: max(count, 0)]) if len(pair) == 2]
    if len(merges) != count:
        raise WorkerError(
            "model.unreadable",
            f"{path} holds {len(merges)} usable merges, CLIP's text tower of {vocabulary_size} tokens needs {count}",
        )
    return merges


def read_clip_tokenizer(folders: tuple[Path, ...], vocabulary_size: int) -> Any:
    """CLIP's tokenizer from the first of the folders that has its files.

    Raises WorkerError `model.unreadable` where none has, or where it does not fit the text tower's vocabulary.
    """
    try:
        for folder in folders:
            if (folder / _OPENAI_BPE).is_file():
                return clip_tokenizer(_openai_merges(folder / _OPENAI_BPE, vocabulary_size))
            if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
                vocabulary = cast("dict[str, int]", json.loads((folder / "vocab.json").read_text("utf-8")))
                if len(vocabulary) != vocabulary_size:
                    raise WorkerError(
                        "model.unreadable",
                        f"{folder / 'vocab.json'} holds {len(vocabulary)} tokens, CLIP's text tower {vocabulary_size}",
                    )
                return CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, EOFError, ValueError, RuntimeError, KeyError) as error:
        raise WorkerError("model.unreadable", f"CLIP's tokenizer can not be read: {error}") from error
    raise WorkerError(
        "model.unreadable",
        f"prompts can not be read: put {_OPENAI_BPE} (from OpenAI's CLIP package), or vocab.json and merges.txt, "
        f"into {folders[0]}",
    )
