"""Kandinsky 2.0 as data. Loads no torch."""

from __future__ import annotations

from murnau_worker.families.description import FamilyDescription, Objective, Part, Phase, Task
from murnau_worker.families.kandinsky20.parameters import Kandinsky20Options
from murnau_worker.text.towers import Tower

_TOWERS = ("t1", "t2")
_PICTURE = ("text_encoder", "text_encoder_2", "text_join", "unet", "vae")
_INPAINTED = ("text_encoder", "text_encoder_2", "inpaint_text_join", "inpaint_unet", "vae")

KANDINSKY20 = FamilyDescription(
    name="kandinsky-2.0",
    title="Kandinsky 2.0",
    towers=(
        Tower("t1", "XLM-R", "the first text tower", "text_encoder"),
        Tower("t2", "mT5", "the second text tower", "text_encoder_2"),
    ),
    parts=(
        Part("text_encoder", "text encoder", "condition"),
        Part("text_encoder_2", "second text encoder", "condition"),
        Part("text_join", "joining of the texts", "condition"),
        Part("inpaint_text_join", "joining of the texts for inpainting", "condition", is_optional=True),
        Part("unet", "decoder", "picture"),
        Part("inpaint_unet", "inpainting decoder", "picture", is_optional=True),
        Part("vae", "autoencoder", "picture"),
    ),
    tasks=(
        Task("train", _PICTURE, _TOWERS),
        Task("text2img", _PICTURE, _TOWERS),
        Task("inpaint", _INPAINTED, _TOWERS),
        Task("img2img", _PICTURE, _TOWERS),
    ),
    objectives=(Objective("joint", ""),),
    phases=(Phase("joint", ("text_encoder", "text_encoder_2", "text_join", "unet")),),
    encoder="vae",
    conditioner="text_encoder",
    samplers=("ddim_sampler", "plms_sampler", "p_sampler"),
    options=Kandinsky20Options,
    num_steps=100,
    guidance_scale=7.0,
)
