"""The params of one workflow: `nodegraph run NAME --help`, and `nodegraph workflows NAME`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from typer.core import TyperCommand

from ..base.characters import excerpt, is_text
from ..errors import UserError
from .exits import sentences
from .output import cell, echo


class Command(TyperCommand):
    """A command whose options hold text: an argument's bytes that are no UTF-8 never get further.

    Names of files are what they are: only what is printed of them is spelled out.

    Some versions of typer use click, others a copy of it, so what comes from it has no type here.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, args)
        for option in self.get_params(ctx):
            if option.param_type_name == "option":
                self._check(option, ctx.params.get(option.name))
        return rest

    def _check(self, option: Any, value: object) -> None:
        for text in value if isinstance(value, list | tuple) else (value,):
            if isinstance(text, str) and not is_text(text):
                with sentences():
                    raise UserError(f"{option.opts[0]} {excerpt(text)}: is not text in UTF-8")


class FileCommand(Command):
    """A command whose ``--help`` is about the workflow on its command line, if there is one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[__name__] = list(args)
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        file, nodes = self._file_and_nodes(ctx)
        if file is None:
            super().format_help(ctx, formatter)
            return
        with sentences():
            show_form(file, nodes, f"nodegraph {self.name}")

    def _file_and_nodes(self, ctx: Any) -> tuple[str | None, Sequence[Path]]:
        """The workflow and the folders of nodes on the command line."""
        # They have been read once before, so nothing can be wrong with them.
        values, _, _ = self.make_parser(ctx).parse_args(args=list(ctx.meta[__name__]))
        file: Any = values.get("file")
        return (file if isinstance(file, str) else None), [*map(Path, values.get("nodes") or ())]


def show_form(name: str, nodes: Sequence[Path], command: str = "nodegraph run") -> None:
    """Print the params of a workflow: in a table in a terminal, else one a line."""
    from ..graph.bundle import bundle
    from ..graph.registry import Template
    from . import kinds
    from .find import find_workflow
    from .run import Options, data_folders

    file, registry = find_workflow(name), kinds.load_kinds(nodes)
    whole = bundle(file.workflow, registry, file.source, data_folders(Options(name), file))
    registry = registry.with_templates_of(whole)
    described = list(kinds.inputs_of(Template(file.name, whole), registry))
    rows = [
        (port.name, port.label, port.type, port.limits, port.default or "needed", port.help)
        for port in described
    ]
    echo(f"{whole.title or file.name}\n\n{command} {name} --set NAME=VALUE …\n")
    if not rows:
        echo("it has no params; any input can be set, as NODE.INPUT=VALUE")
    elif sys.stdout.isatty():
        _print_table(rows)
    else:
        echo("\n".join(_lines([_HEAD, *rows])))
    results = ", ".join(whole.results) or "none"
    echo(f"\nresults: {results}\n`{command} --help` lists the options.")


_Row = tuple[str, str, str, str, str, str]
_HEAD: _Row = ("param", "label", "type", "range", "default", "")


def _lines(rows: Sequence[_Row]) -> Iterator[str]:
    """Columns as wide as they need; those that are empty throughout are left out."""
    columns = [c for c in range(len(_HEAD)) if any(row[c] for row in rows[1:])]
    widths = {c: max(len(_short(row[c])) for row in rows) for c in columns}
    for row in rows:
        yield "  ".join(_cell(row[c], c, widths[c]) for c in columns).rstrip()


def _cell(text: str, column: int, width: int) -> str:
    return text if column == len(_HEAD) - 1 else _short(text).ljust(width)


def _short(text: str, width: int = 40) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _print_table(rows: Sequence[_Row]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column, title in enumerate(_HEAD):
        if any(row[column] for row in rows):
            table.add_column(title, style="cyan" if column == 0 else "", overflow="fold")
    columns = [c for c in range(len(_HEAD)) if any(row[c] for row in rows)]
    for row in rows:
        table.add_row(
            *(Text(cell(_short(row[c]) if c < len(_HEAD) - 1 else row[c])) for c in columns)
        )
    Console(highlight=False).print(table)
