"""What predicted clean latents are held to, as the original does it and as its options say."""

from __future__ import annotations

from murnau_worker.families.kandinsky20.parameters import Kandinsky20Options
from murnau_worker.sampling.samplers import SAMPLERS
from murnau_worker.sampling.threshold import NO_THRESHOLD, Clamp, Limit, Percentile, Threshold

_USUAL_PERCENTILE = 99.5
_ALWAYS = Percentile(_USUAL_PERCENTILE / 100, shares_first=True)


def drawing_threshold(task: str, sampler: str, asked: Kandinsky20Options) -> Threshold:
    """The original limits in p_sampler only, at a percentile of its own and by that of the first picture; what the
    options say it adds for inpainting alone.

    Without its quirks the options say it in every task: p_sampler limits as the original's options do where nothing is
    asked for, the others where something is.
    """
    has_own = SAMPLERS[sampler].thresholds
    if not asked.reference_quirks:
        is_asked = asked.denoised_type is not None or asked.dynamic_threshold_v is not None
        return Threshold(first=_limit(asked)) if has_own or is_asked else NO_THRESHOLD
    if not has_own:
        return NO_THRESHOLD
    return Threshold(_limit(asked) if task == "inpaint" else None, _ALWAYS)


def _limit(asked: Kandinsky20Options) -> Limit:
    if asked.denoised_type == "clip_denoised":
        return Clamp(1.0)
    percentile = _USUAL_PERCENTILE if asked.dynamic_threshold_v is None else asked.dynamic_threshold_v
    return Percentile(percentile / 100, shares_first=asked.reference_quirks)
