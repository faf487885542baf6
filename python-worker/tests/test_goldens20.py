"""Every output of the original Kandinsky 2.0, by the product's own code, within its bound: one test per entry."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from golden_files import GOLDENS

from murnau_worker.families.kandinsky20.goldens import checked, read_expected
from murnau_worker.families.kandinsky20.model import PROCESS
from murnau_worker.sampling.samplers import SAMPLERS
from murnau_worker.verify.compare import Comparison, compare, outputs_of
from murnau_worker.verify.golden_folder import goldens_of, read_golden_folder, read_tensors

FOLDER = GOLDENS / "kandinsky-2.0"
SCHEDULES: dict[str, Any] = read_expected(FOLDER)["schedules"]


@functools.cache
def compared() -> dict[str, Comparison]:
    return {result.name: result for result in compare(read_golden_folder(FOLDER))}


@pytest.mark.parametrize("name", outputs_of(read_tensors(FOLDER), goldens_of(FOLDER)))
def test_output(name: str) -> None:
    result = compared()[name]
    assert result.error <= result.bound, f"off by {result.error:.3g}, allowed {result.bound:.3g}"


def summary(steps: tuple[int, ...]) -> dict[str, Any]:
    """As the goldens hold long lists."""
    return {
        "len": len(steps),
        "first": list(steps[:5]),
        "last": list(steps[-5:]),
        "sum": sum(steps),
        "sumsq": sum(step * step for step in steps),
    }


@pytest.mark.parametrize("count", sorted(SCHEDULES["ddim"], key=int))
def test_ddim_steps(count: str) -> None:
    steps = tuple(reversed(PROCESS.ddim(int(count)).timesteps))
    assert SCHEDULES["ddim"][count] in (list(steps), summary(steps))


@pytest.mark.parametrize("count", sorted(SCHEDULES["p"], key=int))
def test_steps_of_p_sampler(count: str) -> None:
    steps = tuple(reversed(SAMPLERS["p_sampler"].process(int(count))))
    assert SCHEDULES["p"][count] in (list(steps), summary(steps))


@pytest.mark.parametrize("count", [int(count) for count in SCHEDULES["ddim_error"]])
def test_counts_of_steps_at_which_the_original_crashes_have_a_last_step(count: int) -> None:
    assert max(PROCESS.ddim(count).timesteps) == 999


def test_a_prompts_last_space_is_read_as_the_original_reads_it() -> None:
    tokenizers = checked(read_golden_folder(FOLDER).model).tokenizers
    for prompt, wanted in read_expected(FOLDER)["prompts_trailing_ws"].items():
        read = [tokenizers[tower].with_ends(tokenizers[tower].ids(prompt)) for tower in ("t1", "t2")]
        assert [list(ids) for ids in read] == wanted, repr(prompt)
