"""The layout bank deals the same layouts as the stream, ahead of time."""

import dataclasses

import pytest
import torch

from envs.layouts import LayoutBank, LayoutStream
from envs.scenarios import QUADRANT

from .test_stream import equal

W = 5


def play(bank, stream, steps, refill, length=20):
    """Let worlds begin episodes one after the other; every layout must be the stream's. Returns how many began."""
    began = torch.ones(W, dtype=torch.bool)
    count = 0
    for step in range(steps):
        if step % refill == 0:
            bank.refill()
        worlds = began.nonzero()[:, 0]
        assert equal(bank.next(began).select(worlds), stream.draw(worlds)), f"step {step}"
        count += len(worlds)
        began = (step + 3 * torch.arange(W)) % length == 0
    return count


def test_same_layouts_as_the_stream():
    bank = LayoutBank(QUADRANT, 3, W)
    assert play(bank, LayoutStream(QUADRANT, 3, W), 300, refill=10) > 50
    assert bank.repeats == 0


def test_refills_itself_once_per_horizon():
    short = dataclasses.replace(QUADRANT, horizon=20)
    bank = LayoutBank(short, 3, W)
    assert play(bank, LayoutStream(short, 3, W), 400, refill=10_000) > 50
    assert bank.repeats == 0


def test_resumes_where_it_was():
    bank, stream = LayoutBank(QUADRANT, 3, W), LayoutStream(QUADRANT, 3, W)
    play(bank, stream, 60, refill=10)
    state = bank.state_dict()
    assert torch.equal(state["episodes"], stream.state_dict()["episodes"])
    other = LayoutBank(QUADRANT, 3, W)
    other.load_state_dict(state)
    play(other, stream, 60, refill=10)
    into_stream = LayoutStream(QUADRANT, 3, W)
    into_stream.load_state_dict(state)


def test_generates_between_rollouts_after_a_restart(monkeypatch):
    """``refill`` comes before a rollout; ``next`` in the midst of one finds everything there, and counts from 0."""
    bank = LayoutBank(QUADRANT, 3, W, depth=1)
    everywhere = torch.ones(W, dtype=torch.bool)
    for _ in range(3):
        bank.next(everywhere)
    assert bank.repeats == 2 * W
    bank.load_state_dict({"episodes": torch.full((W,), 7)})
    bank.refill()
    monkeypatch.setattr(LayoutBank, "_fill", lambda self: pytest.fail("in the midst of a rollout"))
    stream = LayoutStream(QUADRANT, 3, W)
    stream.load_state_dict({"episodes": torch.full((W,), 7)})
    assert equal(bank.next(everywhere), stream.draw(torch.arange(W)))
    assert bank.repeats == 0


def test_a_world_that_is_too_quick_plays_old_layouts_again_and_is_counted():
    bank, stream = LayoutBank(QUADRANT, 3, W, depth=2), LayoutStream(QUADRANT, 3, W)
    first = torch.arange(W) == 1
    news = [stream.draw(torch.tensor([1])) for _ in range(8)]
    got = [bank.next(first).select([1]) for _ in range(3)]
    assert equal(got[0], news[0]) and equal(got[1], news[1]) and equal(got[2], news[0])
    assert bank.repeats == 1
    bank.refill()
    bank.refill()
    assert equal(bank.next(first).select([1]), news[3]), "what was repeated is not made up for"
    assert bank.repeats == 1


def test_part_of_the_worlds():
    bank, stream = LayoutBank(QUADRANT, 3, 2, first_world=4), LayoutStream(QUADRANT, 3, 6)
    everywhere = torch.ones(2, dtype=torch.bool)
    assert equal(bank.next(everywhere), stream.draw(torch.tensor([4, 5])))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU")
@pytest.mark.gpu
def test_on_a_gpu():
    bank, stream = LayoutBank(QUADRANT, 3, W, device="cuda"), LayoutStream(QUADRANT, 3, W)
    everywhere = torch.ones(W, dtype=torch.bool)
    for _ in range(12):
        bank.refill()
        assert equal(bank.next(everywhere.cuda()).to("cpu"), stream.draw(torch.arange(W)))
    assert bank.repeats == 0
