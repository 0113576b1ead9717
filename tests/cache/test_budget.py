"""Budgets as people write them."""

from __future__ import annotations

import pytest

from nodegraph.cache.budget import Budgets, parse_budget, parse_size
from nodegraph.errors import UserError

GB = 2**30


@pytest.mark.parametrize(
    ("text", "size"),
    [("6GB", 6 * GB), ("512 mb", 2**29), ("1.5GiB", 3 * GB // 2), ("10", 10), ("2TB", 2**41),
     ("3kb", 3072), ("7B", 7)],
)  # fmt: skip
def test_a_size_may_be_written_in_many_ways(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "budgets"),
    [
        ("6GB", Budgets(device=6 * GB)),
        ("device=4GB,host=8GB,disk=20GB", Budgets(4 * GB, 8 * GB, 20 * GB)),
        ("Disk = 1GB", Budgets(disk=GB)),
    ],
)
def test_a_budget_names_any_of_the_tiers(text: str, budgets: Budgets) -> None:
    assert parse_budget(text) == budgets


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("many", "budget: 'many' is not a size; write it like '512MB' or '6GB'"),
        ("-1GB", "budget: '-1GB' is not a size; write it like '512MB' or '6GB'"),
        ("6XB", "budget: '6XB' is not a size; write it like '512MB' or '6GB'"),
        ("", "budget: '' is not a size; write it like '512MB' or '6GB'"),
        ("hots=1GB", "budget: no 'hots'; did you mean 'host'?"),
        ("gpu=1GB", "budget: no 'gpu'; it has device, host, disk"),
        ("1GB,device=2GB", "budget: 'device' is given twice"),
    ],
)
def test_a_mistake_in_a_budget_says_how_it_would_be_right(text: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_budget(text)

    assert str(caught.value) == message
