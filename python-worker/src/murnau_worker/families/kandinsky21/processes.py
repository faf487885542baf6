"""Kandinsky 2.1's diffusion processes in latents, and how its samplers threshold."""

from __future__ import annotations

from murnau_worker.sampling.tables import Process, linear_betas
from murnau_worker.sampling.threshold import Clamp, Percentile, Threshold

DECODER_PROCESS = Process(linear_betas(0.00085, 0.012))
# By which a picture is noised for image to image: the original takes these betas there, not the decoder's.
RENOISING_PROCESS = Process(linear_betas(1e-4, 2e-2))


def threshold(*, shares_first: bool) -> Threshold:
    """Of p_sampler."""
    return Threshold(Clamp(2.0), Percentile(0.995, shares_first))
