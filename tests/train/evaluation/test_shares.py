import pytest

from train.evaluation.shares import Share


@pytest.mark.parametrize(
    ("hits", "episodes", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (1, 100, 0.0018, 0.0545)],
)
def test_wilson_interval(hits, episodes, low, high):
    share = Share(hits, episodes)
    assert (share.low, share.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_text():
    assert str(Share(1, 4)) == "25% [5%, 70%]"
