"""Which past versions there are, and their files."""

from train.league.past_versions import VersionFolder, spacing, versions_at


def test_every_interval_until_full_then_twice_as_far_apart():
    assert versions_at(9, 10, 4) == []
    assert versions_at(45, 10, 4) == [10, 20, 30, 40]
    assert versions_at(50, 10, 4) == [20, 40]
    assert versions_at(99, 10, 4) == [20, 40, 60, 80]
    assert versions_at(100, 10, 4) == [40, 80]
    assert all(len(versions_at(i, 10, 4)) <= 4 for i in range(0, 5000, 7))


def test_every_version_was_in_the_pool_when_it_was_the_newest():
    """So that it was written then: thinning only ever drops."""
    for i in range(1, 400):
        before, now = set(versions_at(i - 1, 3, 7)), set(versions_at(i, 3, 7))
        assert now - before <= {i}


def test_pruning_keeps_what_an_older_checkpoint_needs(tmp_path):
    pool = VersionFolder(tmp_path, 10, 4, print)
    for version in (10, 20, 30, 40, 50, 60):
        pool.file(version).write_bytes(b"x")
    pool.prune(oldest=45, now=50)
    left = sorted(int(path.name[8:15]) for path in tmp_path.iterdir())
    assert left == [10, 20, 30, 40, 50]  # 60 is of a continuation that was abandoned
    pool.prune(oldest=50, now=50)
    assert sorted(int(path.name[8:15]) for path in tmp_path.iterdir()) == [20, 40]
    assert spacing(50, 10, 4) == 20


def test_a_damaged_version_is_a_warning(tmp_path):
    warnings = []
    pool = VersionFolder(tmp_path, 1, 9, warnings.append)
    pool.file(1).write_bytes(b"x")
    assert pool.load(1) is None and pool.load(2) is None
    assert len(warnings) == 2 and all("\n" not in text for text in warnings)
