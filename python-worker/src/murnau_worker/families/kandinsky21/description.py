"""Kandinsky 2.1 as data. Loads no torch."""

from __future__ import annotations

from murnau_worker.families.description import EmbeddingFormat, FamilyDescription, Objective, Part, Phase, Task
from murnau_worker.families.kandinsky21.parameters import RULES, Kandinsky21Options, Kandinsky21Parameters
from murnau_worker.text.towers import Tower

_TEXT_TO_PICTURE = ("text_encoder", "clip_text", "clip_image", "prior", "unet", "movq")

KANDINSKY21 = FamilyDescription(
    name="kandinsky-2.1",
    title="Kandinsky 2.1",
    towers=(
        Tower("t1", "XLM-R", "the decoder's text tower", "text_encoder"),
        Tower("t2", "CLIP", "the prior's text tower", "clip_text", reads_english_only=True),
    ),
    parts=(
        Part("text_encoder", "text encoder", "condition"),
        Part("clip_text", "CLIP text tower", "condition"),
        Part("clip_image", "CLIP image tower", "condition"),
        # The image embeddings' statistics are applied outside the prior.
        Part("prior", "prior", "condition", exact_tensors=("clip_mean", "clip_std")),
        Part("unet", "decoder", "picture"),
        Part("inpaint_unet", "inpainting decoder", "picture", is_optional=True),
        Part("movq", "MoVQ", "picture"),
    ),
    tasks=(
        Task("train", ("text_encoder", "clip_text", "prior", "unet", "movq"), ("t1", "t2")),
        Task("text2img", _TEXT_TO_PICTURE, ("t1", "t2")),
        Task("fuse", _TEXT_TO_PICTURE, ("t2",)),
        Task("inpaint", ("text_encoder", "clip_text", "clip_image", "prior", "inpaint_unet", "movq"), ("t1", "t2")),
        Task("img2img", _TEXT_TO_PICTURE, ("t1", "t2")),
    ),
    objectives=(
        Objective("joint", ""),
        Objective("split", "t2, then t1"),
        Objective("warm_joint", "some split steps first"),
    ),
    # Both towers' rows learn by the decoder's loss, t2's by the prior's, t1's by the decoder's.
    phases=(
        Phase("joint", ("text_encoder", "clip_text", "prior", "unet")),
        Phase("prior", ("clip_text", "prior"), reads_latents=False),
        Phase("decoder", ("text_encoder", "unet")),
    ),
    encoder="movq",
    conditioner="prior",
    samplers=("ddim_sampler", "plms_sampler", "p_sampler"),
    parameters=Kandinsky21Parameters,
    options=Kandinsky21Options,
    drawing_defaults={"prior_steps": "5", "prior_guidance_scale": 4.0},
    embedding_formats=(
        EmbeddingFormat("bin", "bin", True, None, "the reference script's file"),
        EmbeddingFormat(
            "diffusers_t1", "t1.safetensors", False, "decoder", "t1's rows for diffusers' decoder pipelines"
        ),
        EmbeddingFormat("diffusers_t2", "t2.safetensors", False, "prior", "t2's rows for diffusers' prior pipelines"),
    ),
    rules=RULES,
)

PART_NAMES = KANDINSKY21.part_names
PARTS_OF_TASK = KANDINSKY21.parts_of_task
PARTS_OF_PHASE = KANDINSKY21.parts_of_phase
