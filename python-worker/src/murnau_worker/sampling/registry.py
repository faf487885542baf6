"""The decoder's samplers by the names that requests use."""

from __future__ import annotations

from murnau_worker.sampling.ddim import sample_ddim
from murnau_worker.sampling.decoder import Sampler
from murnau_worker.sampling.p_sampler import sample_p

DEFAULT_SAMPLER = "ddim_sampler"
SAMPLERS: dict[str, Sampler] = {"ddim_sampler": sample_ddim, "p_sampler": sample_p}
