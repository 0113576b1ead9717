"""How code reads, held by numbers that may only get better."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.measure_style import Style, modules, style_of

ROOT = Path(__file__).parent.parent.parent
HARD = (
    "nodegraph/cache",
    "nodegraph/execution",
    "nodegraph/tasks",
    "nodes/diffusion",
    "nodes/networks",
)
"""Where somebody had to think, so that a reader has to."""

VAGUE = {
    "nodegraph": 0.005,
    "nodes": 0.005,
    "benchmarks": 0.01,
    "scripts": 0.005,
    "training": 0.025,
}
"""The greatest share of vague names. A figure here may fall, never rise."""
COMMENTED = 0.04
"""The least comments a line of code at the hard places, all together."""


def style(*places: str) -> Style:
    return style_of(path for place in places for path in modules(ROOT / place))


@pytest.mark.parametrize("top", VAGUE)
def test_hardly_a_name_says_nothing(top: str) -> None:
    counts = style(top)

    assert counts.vague_share <= VAGUE[top], "\n".join(counts.vague)


@pytest.mark.parametrize("top", [*VAGUE, "tests/support"])
def test_a_module_says_what_it_is_and_asks_nothing(top: str) -> None:
    assert style(top).asking == []


def test_hard_places_say_why() -> None:
    assert style(*HARD).comment_share >= COMMENTED


def test_every_kind_of_binding_is_counted(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        '"""What it is."""\n'
        "found = 1  # a comment\n"
        "def told(given, *, size): ...\n"
        "class Kept: ...\n"
        "for each in (): ...\n"
        "with open('') as _other: ...\n"
        "try: ...\nexcept OSError as said: ...\n"
        "match 1:\n    case made: ...\n"
        "# why\n"
        "path = [what for what in ()]  # noqa\n"
    )

    counts = style_of([module])

    words = [place.rpartition(" ")[2] for place in counts.vague]
    assert sorted(words) == sorted(
        ["found", "told", "given", "Kept", "each", "_other", "said", "made", "what"]
    )
    assert (counts.names, counts.asking) == (11, [str(module)])
    assert (counts.comments, counts.code) == (2, 10)
