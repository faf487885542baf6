"""Kandinsky 2.1's registration: its layouts, and how a folder of it is opened and converted."""

from __future__ import annotations

from functools import partial

from murnau_worker.families.family import ConvertedFolders, EmbeddingFile, Family, Layout
from murnau_worker.families.kandinsky21 import diffusers_layout as diffusers
from murnau_worker.families.kandinsky21 import original_layout as original
from murnau_worker.families.kandinsky21.description import KANDINSKY21
from murnau_worker.families.kandinsky21.goldens import Kandinsky21Goldens
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.families.kandinsky21.pipeline_settings import write_pipeline_settings
from murnau_worker.families.kandinsky21.reference_bin import is_pickle, read_reference_bin, write_reference_bin
from murnau_worker.text.embedding_file import write_diffusers

FAMILY = Family(
    description=KANDINSKY21,
    layouts=(
        Layout(
            "diffusers",
            diffusers.is_diffusers_layout,
            diffusers.read_diffusers_layout,
            f"{diffusers.DECODER}/ and {diffusers.PRIOR}/",
        ),
        Layout(
            "original",
            original.is_original_layout,
            original.read_original_layout,
            "2_1/ with decoder_fp16.ckpt and others, and ViT-L-14.pt",
        ),
    ),
    goldens=Kandinsky21Goldens(),
    # The originals of 2.0 may lie in the same folder.
    left_out_of_fingerprint=(diffusers.INPAINT, original.INPAINTING_FILE, "2_0"),
    open=Kandinsky,
    converted=ConvertedFolders(diffusers.PART_FOLDERS, diffusers.TOKENIZER_FOLDERS, write_pipeline_settings),
    embedding_files={
        "bin": EmbeddingFile(write_reference_bin, is_pickle, read_reference_bin),
        "diffusers_t1": EmbeddingFile(partial(write_diffusers, tower="t1")),
        "diffusers_t2": EmbeddingFile(partial(write_diffusers, tower="t2")),
    },
)
