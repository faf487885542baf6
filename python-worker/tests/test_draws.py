"""Random draws are functions of their counters only."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from murnau_worker.core.draws import Draws
from murnau_worker.training.data.samples import picture_of

seeds = st.integers(0, 2**53 - 1)
counters = st.integers(0, 10**6)


@given(seeds, counters, counters)
def test_a_draw_repeats_itself(seed: int, step: int, sample: int) -> None:
    first, again = Draws(seed), Draws(seed)
    assert torch.equal(first.normal("noise", step, sample, (3, 2)), again.normal("noise", step, sample, (3, 2)))
    assert first.uniform("flip", step, sample) == again.uniform("flip", step, sample)


@given(seeds, counters, counters, counters)
def test_other_counters_give_other_draws(seed: int, step: int, sample: int, other: int) -> None:
    draws = Draws(seed)
    here = draws.normal("noise", step, sample, (8,))
    if other != step:
        assert not torch.equal(here, draws.normal("noise", other, sample, (8,)))
    if other != sample:
        assert not torch.equal(here, draws.normal("noise", step, other, (8,)))
    assert not torch.equal(here, draws.normal("other", step, sample, (8,)))


@given(seeds, counters, counters, st.integers(1, 1000))
def test_whole_numbers_stay_in_range(seed: int, step: int, sample: int, below: int) -> None:
    assert 0 <= Draws(seed).integer("timestep", step, sample, below) < below


@given(seeds, st.integers(1, 40), st.integers(0, 20))
def test_each_epoch_shows_every_picture_once(seed: int, pictures: int, epoch: int) -> None:
    shown = [picture_of(Draws(seed), epoch * pictures + place, pictures) for place in range(pictures)]
    assert sorted(shown) == list(range(pictures))


def test_draws_are_what_they_were() -> None:
    """Pinned: a changed scheme must raise SCHEME_VERSION, since runs resumed across it would not be the same."""
    draws = Draws(7)
    assert draws.integer("timestep", 3, 1, 1000) == 768
    assert [round(float(x), 5) for x in draws.normal("noise", 3, 1, (3,))] == [-0.36906, -0.25247, 0.3843]
