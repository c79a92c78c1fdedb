"""Counting visits in a table of fixed size."""

from collections import Counter

import pytest
import torch

from train.intrinsic.visits import Visits


def add(visits, codes):
    return visits.add(codes, torch.ones_like(codes, dtype=torch.bool))


def test_counts_by_hand():
    visits = Visits(10, "cpu")
    assert add(visits, torch.tensor([[7, 7], [3, 7]])).tolist() == [[3, 3], [1, 3]]
    assert add(visits, torch.tensor([7, 3, 5])).tolist() == [4, 2, 1]
    assert visits.occupied == 3


def test_some_do_not_count():
    visits = Visits(10, "cpu")
    counted = torch.tensor([True, False, False, True])
    assert visits.add(torch.tensor([7, 7, 3, 7]), counted).tolist() == [2, 2, 0, 2]
    assert visits.occupied == 1


def test_as_a_dictionary_counts():
    """200 codes of any size, over and over, in a table in which they do not collide."""
    generator = torch.Generator().manual_seed(0)
    codes = torch.randint(0, 2**62, (200,), generator=generator)
    visits, plain = Visits(20, "cpu"), Counter()
    assert len(visits.slots(codes).unique()) == 200
    for _ in range(5):
        seen = codes[torch.randint(0, 200, (7, 9), generator=generator)]
        plain.update(seen.flatten().tolist())
        assert add(visits, seen).flatten().tolist() == [plain[code] for code in seen.flatten().tolist()]


@pytest.mark.parametrize("bits", [1, 8, 16])
def test_slots_are_in_the_table_and_spread_evenly(bits):
    """Neighbouring codes, too: a table of m slots that is given m codes in a row stays empty in few of them."""
    slots = Visits(bits, "cpu").slots(torch.arange(2**bits) + 2**40)
    assert slots.min() >= 0 and slots.max() < 2**bits
    assert len(slots.unique()) > 0.6 * 2**bits


def test_codes_in_one_slot_share_their_count():
    visits = Visits(1, "cpu")
    assert int(add(visits, torch.arange(3)).max()) >= 2
    assert int(visits.counts.sum()) == 3


def test_what_was_counted_comes_back():
    visits, other = Visits(12, "cpu"), Visits(12, "cpu")
    add(visits, torch.arange(100) % 13)
    add(other, torch.arange(40))
    other.load(visits.tensors())
    assert torch.equal(other.counts, visits.counts)
    assert len(visits.tensors()["slots"]) == visits.occupied == 13
