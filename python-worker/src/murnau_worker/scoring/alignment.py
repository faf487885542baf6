"""How well drawn pictures show a concept and follow a prompt, by the judge.

Legend: N pictures, K classes.
"""

from __future__ import annotations

import torch

from murnau_worker.scoring.judge import Judge

TEXT_ALIGNMENT_PROMPT = "a photo of a {} on a blue background"
TEXT_ALIGNMENT_COLOUR = "blue"


def concept_class(judge: Judge, references_N3HW: torch.Tensor) -> int:
    """The class that the judge gives to the reference pictures: the largest mean probability, "others" apart."""
    return int(judge.probabilities(references_N3HW).mean(0)[:-1].argmax())


def image_alignments(judge: Judge, pictures_N3HW: torch.Tensor, concept: int) -> torch.Tensor:
    """The judge's probability of the concept, [N]."""
    return judge.probabilities(pictures_N3HW)[:, concept]


def border_colours(judge: Judge, pictures_N3HW: torch.Tensor) -> list[str]:
    """The named background colour nearest to the median pixel of each picture's border."""
    names = list(judge.backgrounds)
    palette_K3 = torch.tensor([judge.backgrounds[name] for name in names], dtype=torch.float32)
    band = judge.border_pixels
    is_border = torch.ones(pictures_N3HW.shape[-2:], dtype=torch.bool)
    is_border[band:-band, band:-band] = False
    median_N3 = (pictures_N3HW.clamp(-1, 1)[:, :, is_border].median(-1).values + 1) * 127.5
    nearest = torch.cdist(median_N3, palette_K3).argmin(1)
    return [names[int(index)] for index in nearest]


def text_alignment(judge: Judge, pictures_N3HW: torch.Tensor) -> float:
    """Share of pictures, drawn for TEXT_ALIGNMENT_PROMPT, whose border has the colour asked for."""
    colours = border_colours(judge, pictures_N3HW)
    return sum(colour == TEXT_ALIGNMENT_COLOUR for colour in colours) / len(colours)
