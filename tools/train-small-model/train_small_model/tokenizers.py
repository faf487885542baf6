"""The two small tokenizers: CLIP's byte-level BPE and XLM-R's SentencePiece unigram."""

from __future__ import annotations

import io
import json
import math
from collections import Counter
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer, XLMRobertaTokenizer

from .captions import PRIVATE_MARK

START, END = "<|startoftext|>", "<|endoftext|>"
# CLIP's splitting rule: contractions, runs of letters, single digits, runs of other signs.
CLIP_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def train_clip_tokenizer(lines: list[str], vocab_size: int, folder: Path) -> CLIPTokenizer:
    """Learns a lower-casing byte-level BPE with ``</w>`` word ends and saves it as ``vocab.json`` + ``merges.txt``."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>", continuing_subword_prefix=""))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(CLIP_PATTERN), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - 2 - len(alphabet),
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        min_frequency=2,
        show_progress=False,
    )
    tokenizer.train_from_iterator(lines, trainer)
    learnt = json.loads(tokenizer.to_str())["model"]
    # CLIP's order: bytes, bytes ending a word, merges, then the two special tokens with the highest ids.
    merges = [tuple(pair) if isinstance(pair, list) else tuple(pair.split(" ")) for pair in learnt["merges"]]
    pieces = alphabet + [letter + "</w>" for letter in alphabet] + ["".join(pair) for pair in merges]
    pieces = list(dict.fromkeys(pieces)) + [START, END]
    folder.mkdir(parents=True, exist_ok=True)
    vocab = {piece: index for index, piece in enumerate(pieces)}
    (folder / "vocab.json").write_text(json.dumps(vocab, ensure_ascii=False), "utf-8")
    rows = "\n".join(" ".join(pair) for pair in merges)
    (folder / "merges.txt").write_text(f"#version: 0.2\n{rows}\n", "utf-8")
    made = CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=77)
    made.save_pretrained(folder)
    return CLIPTokenizer.from_pretrained(folder)


def train_xlmr_tokenizer(lines: list[str], vocab_size: int, folder: Path) -> XLMRobertaTokenizer:
    """Learns a unigram model; ids follow XLM-R: ``<s>``, ``<pad>``, ``</s>``, ``<unk>``, …, ``<mask>``."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type="unigram",
        vocab_size=vocab_size - 2,
        character_coverage=1.0,
        hard_vocab_limit=False,
        minloglevel=2,
        num_threads=1,
    )
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    _add_whole_words(proto, lines, vocab_size - 2)
    folder.mkdir(parents=True, exist_ok=True)
    proto.normalizer_spec.precompiled_charsmap = b""  # 200 kB that folds exotic letters; plain identity is enough here.
    proto.normalizer_spec.name = "identity"
    (folder / "sentencepiece.bpe.model").write_bytes(proto.SerializeToString())
    pieces = [(piece.piece, piece.score) for piece in proto.pieces][3:]
    vocab = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces, ("<mask>", 0.0)]
    made = XLMRobertaTokenizer(vocab=vocab, model_max_length=77)
    made.save_pretrained(folder)
    return XLMRobertaTokenizer.from_pretrained(folder)


def _add_whole_words(proto: sentencepiece_model_pb2.ModelProto, lines: list[str], limit: int) -> None:
    """Makes each frequent word a piece of its own, since an initializer token must be a single piece."""
    counts = Counter(word for line in lines for word in line.split())
    total = sum(counts.values())
    known = {piece.piece for piece in proto.pieces}
    for word, count in counts.most_common():
        if len(proto.pieces) >= limit or count < 6:
            return
        if "\u2581" + word not in known:
            proto.pieces.add(piece="\u2581" + word, score=math.log(count / total))


def open_tokenizer(work: Path, tower: str) -> CLIPTokenizer | XLMRobertaTokenizer:
    """The tokenizer of the ``clip`` or the ``xlmr`` tower."""
    kind = CLIPTokenizer if tower == "clip" else XLMRobertaTokenizer
    return kind.from_pretrained(work / f"tokenizer-{tower}")


def encode(tokenizer: CLIPTokenizer | XLMRobertaTokenizer, text: str, private_id: int | None = None) -> list[int]:
    """Ids with start and end; PRIVATE_MARK in ``text`` becomes ``private_id``, a row past the vocabulary."""
    if PRIVATE_MARK not in text:
        return tokenizer(text)["input_ids"]
    assert private_id is not None
    left, right = text.split(PRIVATE_MARK)
    start, end = tokenizer("")["input_ids"]
    middle = [tokenizer(part, add_special_tokens=False)["input_ids"] if part.strip() else [] for part in (left, right)]
    return [start, *middle[0], private_id, *middle[1], end]
