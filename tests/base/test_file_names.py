"""Names of files: valid everywhere, short enough, and with all of their letters."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodegraph.base import file_names
from nodegraph.base.safe_paths import is_device
from nodegraph.cli.save import file_name

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@given(NAMES, st.integers(1, 255))
def test_a_name_is_cut_between_letters(name: str, most: int) -> None:
    found = file_names.cut(name, most)

    assert name.startswith(found)
    assert len(found.encode()) <= most
    rest = name[len(found) :]
    assert not rest or not unicodedata.category(rest[0]).startswith("M") or not found


@given(NAMES)
def test_results_are_saved_under_names_that_every_system_takes(name: str) -> None:
    found = file_name(name)

    assert 0 < len(f"{found}-1234567.png".encode()) <= file_names.LONGEST
    assert not set(found) & set('<>:"/\\|?*\0 ')
    assert found[-1] not in ". "
    assert not is_device(found)
    assert file_name(found) == found


@pytest.mark.parametrize("name", ["aux", "CON.png", "com1", "lpt9.tar.gz", "nul .x"])
def test_a_device_of_windows_gets_another_name(name: str) -> None:
    found = file_names.undeviced(name)

    assert is_device(name)
    assert not is_device(found)
