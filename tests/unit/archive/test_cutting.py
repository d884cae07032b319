from __future__ import annotations

from chalicelib.archive.cutting import equal_shares


def test_shares_are_equal_and_never_too_small():
    for size in range(10, 200):
        shares = list(equal_shares(size, 20))
        assert sum(share for _, share in shares) == size
        assert max(share for _, share in shares) <= 20
        assert min(share for _, share in shares) >= 10
