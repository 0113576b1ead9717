"""Versions of packages are those that their metadata tell."""

from __future__ import annotations

from importlib.metadata import distributions, version

from nodegraph.base.packages import installed


def test_versions_are_those_that_the_metadata_tell() -> None:
    names = {each.metadata["Name"] for each in distributions()}

    assert {name: installed(name) for name in names} == {name: version(name) for name in names}


def test_a_package_that_is_not_there_is_not_installed() -> None:
    assert installed("no-such-package-anywhere") == "not installed"
