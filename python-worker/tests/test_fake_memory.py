"""What the memory benchmark counts: what is alive, whoever holds it, in a backward pass and its second forward too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
import torch
from fake_memory import LiveBytes
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.checkpoint import checkpoint

UNIT = 4000  # bytes of a tensor below
DEPTH = 10


@pytest.fixture(params=["real", "fake"])
def live(request: pytest.FixtureRequest) -> Iterator[LiveBytes]:
    with FakeTensorMode() if request.param == "fake" else nullcontext(), LiveBytes(1) as counter:
        yield counter


def test_a_tensor_that_only_the_graph_holds_is_alive(live: LiveBytes) -> None:
    leaf = torch.zeros(1000, requires_grad=True)
    loss = leaf.exp().sin().cos().sum()  # exp keeps what it gives, as sin does what it is given
    assert live.live == pytest.approx(3 * UNIT, abs=100)
    torch.autograd.grad(loss, leaf)
    del loss
    assert live.live == UNIT


def test_views_and_what_is_done_in_place_count_once(live: LiveBytes) -> None:
    given = torch.zeros(10, 100)
    _ = [given.view(1000), given.T, given[:5], given.add_(1)]
    assert live.live == live.peak == UNIT


def _block(given: torch.Tensor) -> torch.Tensor:
    for _ in range(DEPTH):
        given = given.sin()
    return given


def _peak_of_backward(live: LiveBytes, *, again: bool) -> tuple[float, float]:
    """Units at the end of the forward pass and at the backward pass's peak, of as many blocks as each is deep."""
    leaf = torch.zeros(1000, requires_grad=True)
    live.forget_peak()
    hidden = leaf.sin()
    for _ in range(DEPTH):
        hidden = checkpoint(_block, hidden, use_reentrant=False) if again else _block(hidden)
    kept = live.live / UNIT
    live.forget_peak()
    torch.autograd.grad(hidden.sum(), leaf)
    return kept, live.peak / UNIT


def test_a_block_computed_again_counts_while_it_is_there(live: LiveBytes) -> None:
    kept, peak = _peak_of_backward(live, again=False)
    assert kept == pytest.approx(DEPTH**2, abs=3)
    assert peak == pytest.approx(kept, abs=3)
    kept, peak = _peak_of_backward(live, again=True)
    assert kept == pytest.approx(DEPTH, abs=3), "an input of each block"
    assert peak == pytest.approx(kept + DEPTH, abs=3), "and one block's insides"
