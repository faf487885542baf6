"""Kandinsky 2.0's registration: its layouts, and how a folder of it is opened and converted."""

from __future__ import annotations

from murnau_worker.families.family import ConvertedFolders, Family, Layout
from murnau_worker.families.kandinsky20 import diffusers_layout as diffusers
from murnau_worker.families.kandinsky20 import original_layout as original
from murnau_worker.families.kandinsky20.description import KANDINSKY20
from murnau_worker.families.kandinsky20.goldens import Kandinsky20Goldens
from murnau_worker.families.kandinsky20.model import Kandinsky20

FAMILY = Family(
    description=KANDINSKY20,
    layouts=(
        Layout(
            "diffusers",
            diffusers.is_diffusers_layout,
            diffusers.read_diffusers_layout,
            f"{diffusers.DECODER}/",
        ),
        Layout(
            "original",
            original.is_original_layout,
            original.read_original_layout,
            "2_0/ with Kandinsky-2-0.pt, vae.ckpt, text_encoder1/ and text_encoder2/",
        ),
    ),
    goldens=Kandinsky20Goldens(),
    # The originals of 2.1 may lie in the same folder.
    left_out_of_fingerprint=(diffusers.INPAINT, original.INPAINTING_FILE, "2_1", "ViT-L-14.pt"),
    open=Kandinsky20,
    converted=ConvertedFolders(diffusers.PART_FOLDERS, diffusers.TOKENIZER_FOLDERS, diffusers.write_settings),
)
