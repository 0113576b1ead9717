"""Patterns of paths and texts: read once from left to right, whatever they hold."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodegraph.errors import UserError
from nodes.files import names, patterns
from nodes.files.patterns import glob
from nodes.prompts.foreign import find_foreign, find_foreign_choices
from nodes.prompts.syntax import parse
from nodes.prompts.wildcards import chosen, names_in

CHOICE = re.compile(r"\{([^{}]*\|[^{}]*)\}|__([^\W_](?:[\w/-]*?[^\W_])?)__")
"""What a choice is, as a pattern that goes back: right, but slow."""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tree")
    for name in ("a.png", "ab.png", "b.txt", "x/a.png", "x/y/ab.png", "x/y/z/c.png", ".h/a.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    (root / "link").symlink_to(root / "x")
    return root


PARTS = st.sampled_from(["*", "a*", "*.png", "x", "y", "?.png", "[ab].png", "*b*", "no", "link"])


@given(st.lists(PARTS, min_size=1, max_size=3), st.integers(-1, 3))
def test_a_pattern_matches_what_the_standard_library_matches(
    tree: Path, parts: list[str], deep: int
) -> None:
    if 0 <= deep < len(parts):
        parts = [*parts[:deep], "**", *parts[deep:]]

    found = list(glob(tree, tuple(parts)))

    assert sorted(found) == sorted(tree.glob("/".join(parts)))


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("**/**/*.png", "has ** more than once; once is any depth"),
        ("/".join(["**"] * 14), "has ** more than once; once is any depth"),
        ("*a" * 30, "has too many wildcards; at most 20 are taken"),
        ("?" * 21, "has too many wildcards; at most 20 are taken"),
    ],
)
def test_a_pattern_that_may_take_for_ever_is_refused(
    tree: Path, pattern: str, message: str
) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        list(glob(tree, tuple(pattern.split("/"))))


def test_a_pattern_looks_at_so_many_entries_and_no_more(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = len([*tree.rglob("*")])
    monkeypatch.setattr(patterns, "MOST_ENTRIES", 2 * everything)
    assert list(glob(tree, ("**", "*.png")))

    monkeypatch.setattr(patterns, "MOST_ENTRIES", everything)
    with pytest.raises(UserError, match="the pattern leads to more than"):
        list(glob(tree, ("**", "*.png")))


def settled(text: str) -> str:
    """A text with its first options, by the pattern that goes back."""
    for _ in range(1000):
        found = CHOICE.search(text)
        if not found:
            break
        option = f"<{found[2]}>" if found[1] is None else found[1].split("|")[0]
        text = f"{text[: found.start()]}{option}{text[found.end() :]}"
    return text


@given(st.text(st.sampled_from("{}|_a-/ é")))
def test_choices_are_what_they_always_were(text: str) -> None:
    plain = text.replace("{", "").replace("|", " ")
    assert names_in(text) == [name for _, name in CHOICE.findall(plain) if name]

    single = re.sub(r"\|[^{}]*", "|", text)
    got = chosen(single, 0, lambda name: [f"<{name}>"])
    assert CHOICE.search(got) is None


@given(st.text(st.sampled_from("_a-/ é")))
def test_lists_are_settled_as_they_always_were(text: str) -> None:
    assert chosen(text, 0, lambda name: [f"<{name}>"]) == settled(text)


MUCH = 100_000
HOSTILE = {
    "names without an end": "__a-" * MUCH,
    "names in names": "__a" * MUCH,
    "low lines": "_" * MUCH,
    "braces": "{" * MUCH,
    "alternatives without an end": "{" + "|" * MUCH,
    "alternatives and braces": "{a|" * MUCH,
    "blanks": " " * MUCH + "x",
    "blanks and BREAK": " BREAK" * 1000 + " " * MUCH,
    "colons": ":" * MUCH,
    "numbers": "(" + ":1" * MUCH + ")",
    "a long number": "(a:" + "1" * MUCH + "x)",
    "brackets": "[" * MUCH + ":",
    "schedules": "[a|" * MUCH,
    "tags": "<lora:" * MUCH,
    "dollars": "{" + "$" * MUCH + "}",
    "stars": "__*" * MUCH,
    "weights": "aa" + "+" * MUCH,
    "options": " --" * MUCH,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_of_any_length_is_read_once(name: str) -> None:
    """Whatever goes back here takes minutes, and holds up the whole server meanwhile."""
    text = HOSTILE[name]

    names_in(text)
    with suppress(UserError):
        chosen(text[:20_000], 0, lambda _: ["x"])
    parse(text)
    list(find_foreign(text))
    list(find_foreign_choices(text))
    with pytest.raises(ValueError, match="letters; at most 1000 are taken"):
        names.checked(text)
    with suppress(ValueError):
        names.checked(text[:1000])


def test_choices_that_make_a_text_longer_and_longer_are_stopped() -> None:
    with pytest.raises(UserError, match="its choices make it longer than 200,000 letters"):
        chosen("__a__", 1, lambda _: ["x" * 10_000 + "__a__"])
