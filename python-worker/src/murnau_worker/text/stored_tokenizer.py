"""Unigram tokenizers as they are stored: transformers' `tokenizer.json`, or a SentencePiece model.

Newer classes of transformers build their own rules over the stored vocabulary and drop white space at a text's end; the
originals keep it as a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from murnau_worker.core.errors import WorkerError

_WHOLE = "tokenizer.json"
_SPACE = "\u2581"
_END = "</s>"
_UNKNOWN = "<unk>"


@dataclass(frozen=True)
class StoredForm:
    """`model_file`: of SentencePiece. `starts`: a text has a start token. `first_pieces`: what the vocabulary begins
    with in place of as many of the model's own pieces, less `shift`.
    """

    name: str
    model_file: str
    starts: bool
    first_pieces: tuple[str, ...]
    shift: int


# fairseq's order of special tokens has one more than the model's.
XLM_ROBERTA = StoredForm("XLM-R", "sentencepiece.bpe.model", True, ("<s>", "<pad>", _END, _UNKNOWN), shift=1)
T5 = StoredForm("T5", "spiece.model", False, ("<pad>", _END, _UNKNOWN), shift=0)


@dataclass(frozen=True)
class _Ids:
    input_ids: list[int]


class StoredTokenizer:
    """A tokenizer of the form in which transformers' are asked."""

    def __init__(self, tokenizer: Tokenizer, special: Sequence[str]) -> None:
        # A file may say how its texts were padded and cut when it was saved.
        tokenizer.no_padding()
        tokenizer.no_truncation()
        tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
        self._tokenizer = tokenizer
        self.unk_token_id: int | None = tokenizer.token_to_id(_UNKNOWN)

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> _Ids:
        return _Ids(self._tokenizer.encode(text, add_special_tokens=add_special_tokens).ids)

    def get_vocab(self) -> dict[str, int]:
        return self._tokenizer.get_vocab()

    def convert_ids_to_tokens(self, ids: int | Sequence[int]) -> Any:
        if isinstance(ids, int):
            return self._tokenizer.id_to_token(ids)
        return [self._tokenizer.id_to_token(index) for index in ids]

    def decode(self, ids: Sequence[int]) -> str:
        return self._tokenizer.decode(list(ids))

    def save_pretrained(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._tokenizer.save(str(folder / _WHOLE))


def read_stored_tokenizer(folder: Path, form: StoredForm) -> StoredTokenizer:
    """Raises WorkerError `model.unreadable`, and says which file to put where."""
    whole, model = folder / _WHOLE, folder / form.model_file
    if not whole.is_file() and not model.is_file():
        wanted = f"{form.name}'s {_WHOLE} or {form.model_file}"
        raise WorkerError("model.unreadable", f"prompts can not be read: put {wanted} into {folder}")
    try:
        tokenizer = Tokenizer.from_file(str(whole)) if whole.is_file() else _of_model(model, form)
    except Exception as error:  # the readers raise bare exceptions
        message = f"the tokenizer in {folder} can not be read: {str(error)[:200]}"
        raise WorkerError("model.unreadable", message) from error
    return StoredTokenizer(tokenizer, form.first_pieces)


def _of_model(path: Path, form: StoredForm) -> Tokenizer:
    """As transformers 4 converted a SentencePiece model."""
    content: Any = sentencepiece_model_pb2
    model = content.ModelProto()
    model.ParseFromString(path.read_bytes())
    first = [(piece, 0.0) for piece in form.first_pieces]
    own = [(piece.piece, piece.score) for piece in model.pieces][len(first) - form.shift :]
    tokenizer = Tokenizer(models.Unigram([*first, *own], unk_id=form.first_pieces.index(_UNKNOWN)))
    spaces = normalizers.Replace(Regex(" {2,}"), " ")
    charsmap: bytes = model.normalizer_spec.precompiled_charsmap
    tokenizer.normalizer = normalizers.Sequence([normalizers.Precompiled(charsmap), spaces] if charsmap else [spaces])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(_SPACE, prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(_SPACE, prepend_scheme="always")
    ends = ["<s>", _END] if form.starts else [_END]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=["<s>", "$A", _END] if form.starts else ["$A", _END],
        special_tokens=[(token, form.first_pieces.index(token)) for token in ends],
    )
    return tokenizer
