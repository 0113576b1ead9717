"""The tables and grids of docs/tiny.md, from the figures that ``evaluate`` wrote; no torch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

Figures: TypeAlias = Mapping[str, Mapping[str, float]]
Row: TypeAlias = Iterable[str]

NAMES: Mapping[str, tuple[str, str]] = {
    "canny": ("edges", "edge F1"),
    "hed": ("soft edges", "edge F1"),
    "scribble": ("strokes", "edge F1"),
    "mlsd": ("straight lines", "edge F1"),
    "openpose": ("a pose", "person IoU"),
    "depth": ("depth", "silhouette IoU"),
    "normal": ("normals", "silhouette IoU"),
    "seg": ("a map of things", "silhouette IoU"),
}
"""What each kind of control shows, and what it is measured by."""


def parts(folder: Path) -> Mapping[str, str]:
    """Every generated part of the page by its name; ``folder`` holds the figures and the grids."""
    path = folder / "figures.json"
    figures: Figures = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    kinds = [kind for kind in NAMES if kind in figures]
    return {
        "controls": _table(_controls(figures, kinds)),
        "looks": _table(_looks(figures, kinds)),
        "grids": "\n".join(_grids(folder, kinds)),
        "potato": _table(_potato(figures["potato"])) if "potato" in figures else "",
        "prior": _table(_prior(figures["potato"])) if "potato" in figures else "",
        "ink": _table(_ink(figures["ink"])) if "ink" in figures else "",
        "text": _table(_text(figures["text"])) if "text" in figures else "",
        "sizes": _table(_sizes(figures["sizes"])) if "sizes" in figures else "",
    }


def _table(rows: Iterable[Row]) -> str:
    """A table in Markdown; the first row is its head."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    rule = "|" + " --- |" * (lines[0].count(" | ") + 1)
    return "\n".join([lines[0], rule, *lines[1:], ""])


def _number(value: float) -> str:
    return f"{value:.3f}"


def _count(figures: Mapping[str, float]) -> str:
    return str(round(figures["scenes"]))


def _controls(figures: Figures, kinds: Iterable[str]) -> Iterator[Row]:
    columns = ("with", "without", "shuffled", "given", "recoloured", "true")
    yield ("ControlNet", "measure", "scenes", "with its control", "without", "with another's",
           "the same, against that other", "in new colours", "true scenes")  # fmt: skip
    for kind in kinds:
        values = (_number(figures[kind][name]) for name in columns)
        first, *others = values
        scenes = _count(figures[kind])
        yield (f"`tiny-{kind}`", NAMES[kind][1], scenes, f"**{first}**", *others)


def _looks(figures: Figures, kinds: Iterable[str]) -> Iterator[Row]:
    columns = ("colours", "new colours", "sharpness", "sharpness of true scenes", "mottled")
    yield ("ControlNet", "colours right", "new colours right", "sharpness", "of true scenes",
           "mottled")  # fmt: skip
    for kind in kinds:
        yield (f"`tiny-{kind}`", *(_number(figures[kind][name]) for name in columns))


def _grids(folder: Path, kinds: Iterable[str]) -> Iterator[str]:
    for kind in kinds:
        shows = NAMES[kind][0]
        yield f"### tiny-{kind}\n"
        yield f"![{shows}, and what was drawn with and without it]({folder.name}/{kind}.webp)\n"


def _potato(figures: Mapping[str, float]) -> Iterator[Row]:
    yield (f"`tiny-potato` with `tiny-canny`, {_count(figures)} scenes", "edge F1")
    for said, name in (
        ("with its control", "with"),
        ("without", "without"),
        ("with another's", "shuffled"),
        ("the same, against that other", "given"),
        ("true pictures", "true"),
    ):
        yield said, _number(figures[name])


def _prior(figures: Mapping[str, float]) -> Iterator[Row]:
    yield f"prompt, {_count(figures)} of each", "recognised as", "`tiny-potato`", "`tiny`"
    token, potato = '"a photo of sks potato head on …"', "the subject"
    yield (f"{token}, with edges", potato, _number(figures["recognised, with control"]),
           _number(figures["recognised, tiny with control"]))  # fmt: skip
    yield (f"{token}, alone", potato, _number(figures["recognised, alone"]),
           _number(figures["recognised, tiny alone"]))  # fmt: skip
    yield "the same without `sks`", potato, _number(figures["recognised, without the token"]), ""
    for kind in ("shape", "person"):
        yield (f"one {kind}", f"that {kind}", _number(figures[f"{kind}, potato"]),
               _number(figures[f"{kind}, base"]))  # fmt: skip
        yield (f"one {kind}", potato, _number(figures[f"potato for a {kind}, potato"]),
               _number(figures[f"potato for a {kind}, base"]))  # fmt: skip
    yield "true pictures of it", potato, _number(figures["recognised, true"]), ""


def _ink(figures: Mapping[str, float]) -> Iterator[Row]:
    yield (f"strength of `tiny-ink`, {_count(figures)} prompts", "dark pixels", "white paper",
           "colours of shapes right", "silhouettes of shapes right", "of people right")  # fmt: skip
    for strength in ("0", "0.5", "1", "1.5", "true"):
        said = "true ink drawings" if strength == "true" else strength
        names = ("lines", "paper", "colour", "shape", "person")
        yield said, *(_number(figures[f"{name}, {strength}"]) for name in names)


def _text(figures: Mapping[str, float]) -> Iterator[Row]:
    yield (
        f"`tiny` from text alone, {_count(figures)} of each",
        "recognised",
        "the measure on true scenes",
    )
    for kind in ("shape", "person"):
        yield f"one {kind}", _number(figures[kind]), _number(figures[f"{kind}, true"])


def _sizes(figures: Mapping[str, float]) -> Iterator[Row]:
    yield "what", "MB"
    for name, size in figures.items():
        yield name, f"{size:.1f}"
    yield "all", f"**{sum(figures.values()):.1f}**"
