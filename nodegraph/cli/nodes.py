"""`nodegraph nodes`: the kinds of nodes in a list, or one of them in full."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path

import typer

from ..errors import UserError, did_you_mean
from ..graph.registry import Kind, Registry, Template
from ..graph.schema import describe, group_of
from ..graph.search import find_kinds
from ..node import Composite
from .kinds import Described, inputs_of, load_kinds, outputs_of, summary
from .output import cell, echo, echo_dim, echo_json


def list_kinds(folders: Sequence[Path], as_json: bool = False) -> None:
    """Print one line a node, by palette group."""
    kinds = load_kinds(folders)
    if as_json:
        _print_json([describe(kind, kinds) for kind in kinds.values()])
        return
    groups: dict[str, list[str]] = {}
    for name, kind in kinds.items():
        groups.setdefault(group_of(kind), []).append(name)
    width = max(map(len, kinds), default=0)
    for title, names in groups.items():
        echo(typer.style(title, bold=True))
        for name in names:
            echo(f"  {typer.style(name.ljust(width), fg='cyan')}  {summary(kinds[name])}")
    echo_dim("\n`nodegraph nodes NAME` shows one in full.")


def show_kind(name: str, folders: Sequence[Path], as_json: bool = False) -> None:
    """Print everything about one node; where none has this name, those that the words find."""
    kinds = load_kinds(folders)
    if name not in kinds:
        close = next((kind_name for kind_name in kinds if kind_name.lower() == name.lower()), None)
        if close is None and (found := find_kinds(name, kinds)):
            _list_found(name, {kind_name: kinds[kind_name] for kind_name in found}, kinds, as_json)
            return
        raise UserError(
            f"no {name!r}; did you mean {close!r}?" if close else did_you_mean(name, kinds)
        )
    kind = kinds[name]
    if as_json:
        _print_json(describe(kind, kinds))
        return
    doc = kind.doc if isinstance(kind, Template) else inspect.getdoc(kind) or ""
    echo(f"{typer.style(name, bold=True)}  ({_sort(kind)}, {group_of(kind)})\n{doc}")
    _table("Inputs", list(inputs_of(kind, kinds)))
    _table("Outputs", list(outputs_of(kind, kinds)))


def _list_found(
    words: str, found: Mapping[str, Kind], kinds: Registry, as_json: bool = False
) -> None:
    if as_json:
        _print_json([describe(kind, kinds) for kind in found.values()])
        return
    echo_dim(f"no node is named {words!r}; found by it, the best first:")
    width = max(map(len, found))
    for name, kind in found.items():
        echo(f"  {typer.style(name.ljust(width), fg='cyan')}  {summary(kind)}")


def _print_json(described: object) -> None:
    echo_json(described, indent=2)


def _sort(kind: Kind) -> str:
    if isinstance(kind, Template):
        return "template"
    if issubclass(kind, Composite):
        return "composite"
    return "node" if kind.pure else "node with a side effect"


def _table(title: str, ports: Sequence[Described]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    outputs_only = title == "Outputs"
    for column in ("name", "type") if outputs_only else ("name", "type", "default"):
        table.add_column(
            column, style="cyan" if column == "name" else "", header_style="dim", overflow="fold"
        )
    table.add_column("", overflow="fold")
    for port in ports:
        about = ". ".join(part for part in (port.help.rstrip("."), port.limits) if part)
        default = [] if outputs_only else [Text(cell(port.default or "needed"))]
        table.add_row(Text(cell(port.name)), Text(cell(port.type)), *default, Text(cell(about)))
    Console(highlight=False).print("", table)
