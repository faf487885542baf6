"""Timing of two ways in interleaved pairs: noise of the machine falls on both, and the median drops what is left."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """Medians of both in seconds, and of second / first within a pair: above 1 the first is faster."""

    first_s: float
    second_s: float
    ratio: float


def in_pairs(
    first: Callable[[], None], second: Callable[[], None], rounds: int, clock: Callable[[], float]
) -> Comparison:
    """Runs both once to warm up, then `rounds` times; which goes first alternates."""

    def took_s(work: Callable[[], None]) -> float:
        began = clock()
        work()
        return clock() - began

    first()
    second()
    pairs: list[tuple[float, float]] = []
    for number in range(rounds):
        if number % 2:
            second_s = took_s(second)
            pairs.append((took_s(first), second_s))
        else:
            first_s = took_s(first)
            pairs.append((first_s, took_s(second)))
    return Comparison(
        first_s=statistics.median(one for one, _ in pairs),
        second_s=statistics.median(other for _, other in pairs),
        ratio=statistics.median(other / one for one, other in pairs),
    )
