"""What predicted clean latents are held to, as the original does it and as its options say."""

from __future__ import annotations

from murnau_worker.families.kandinsky20.parameters import Kandinsky20Options
from murnau_worker.sampling.samplers import SAMPLERS
from murnau_worker.sampling.threshold import NO_THRESHOLD, Clamp, Limit, Percentile, Threshold

_ALWAYS = Percentile(0.995, shares_first=True)


def drawing_threshold(
    task: str, sampler: str, asked: Kandinsky20Options, defaults: Kandinsky20Options
) -> Threshold:
    """`asked`: in the request. `defaults`: of the model.

    The original limits in p_sampler only, at a percentile of its own and by that of the first picture; what the options
    say it adds for inpainting alone. Without its quirks the options say it in every task: p_sampler has the model's
    defaults, the others limit where it is asked for.
    """
    has_own = SAMPLERS[sampler].thresholds
    if not asked.reference_quirks:
        is_asked = asked.denoised_type is not None or asked.dynamic_threshold_v is not None
        return Threshold(first=_limit(asked, defaults)) if has_own or is_asked else NO_THRESHOLD
    if not has_own:
        return NO_THRESHOLD
    return Threshold(_limit(asked, defaults) if task == "inpaint" else None, _ALWAYS)


def _limit(asked: Kandinsky20Options, defaults: Kandinsky20Options) -> Limit:
    kind = asked.denoised_type or defaults.denoised_type
    if kind == "clip_denoised":
        return Clamp(1.0)
    percentile = defaults.dynamic_threshold_v if asked.dynamic_threshold_v is None else asked.dynamic_threshold_v
    assert percentile is not None, "the description has a default"
    return Percentile(percentile / 100, shares_first=asked.reference_quirks)
