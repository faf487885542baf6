"""Which timesteps the prior's sampler takes, read from the strings in which the original is told them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from murnau_worker.sampling.tables import (
    TRAINING_STEPS,
    PosteriorTables,
    Process,
    cosine_betas,
    respaced_timesteps,
)

ALLOWED_RESPACING = (
    f'a count of 1 to {TRAINING_STEPS} ("25"), "ddimN" for DDIM with N steps ("ddim10"), or counts of equal sections '
    f'of the {TRAINING_STEPS} timesteps ("10,5")'
)
PRIOR_PROCESS = Process(cosine_betas())
_DDIM = re.compile(r"ddim([0-9]{1,4})")
_SECTIONS = re.compile(r"[0-9]{1,4}( ?, ?[0-9]{1,4})*")


@dataclass(frozen=True)
class PriorSchedule:
    """The kept timesteps' tables, and whether DDIM (eta 0) or the ancestral sampler walks them."""

    tables: PosteriorTables
    is_ddim: bool

    def __len__(self) -> int:
        return len(self.tables.timesteps)


def _ddim_timesteps(steps: int) -> tuple[int, ...]:
    """The original's DDIM list: where it reaches 1000, which the process does not have, that step is left out."""
    if not 1 <= steps <= TRAINING_STEPS:
        raise ValueError(f"DDIM has 1 to {TRAINING_STEPS} steps")
    return tuple(range(1, TRAINING_STEPS, TRAINING_STEPS // steps))


@lru_cache(maxsize=64)
def prior_schedule(text: str) -> PriorSchedule:
    """Reads "25", "ddim25" or "10,5". Raises ValueError, whose message says what is allowed."""
    ddim = _DDIM.fullmatch(text)
    try:
        if ddim:
            timesteps = _ddim_timesteps(int(ddim[1]))
        elif _SECTIONS.fullmatch(text):
            timesteps = respaced_timesteps(*(int(count) for count in text.split(",")))
        else:
            raise ValueError("it is in none of the known forms")
    except ValueError as error:
        raise ValueError(f'"{text}" chooses no timesteps ({error}); allowed: {ALLOWED_RESPACING}') from error
    return PriorSchedule(PRIOR_PROCESS.posterior(timesteps), is_ddim=ddim is not None)
