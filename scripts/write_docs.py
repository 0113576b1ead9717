"""Write the parts of the documentation that follow from the code: `make docs`."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from benchmarks.report import aims, page
from benchmarks.report.page import fill_parts
from nodegraph.cli.app import app
from nodegraph.cli.kinds import Described, inputs_of, outputs_of, summary
from nodegraph.cli.serve.assemble import Parts
from nodegraph.cli.serve.options import Options
from nodegraph.graph.registry import Kind, Registry, Template, load_registry
from nodegraph.graph.schema import describe, group_of
from nodegraph.graph.shipped import shipped
from nodegraph.graph.workflow import Workflow
from nodegraph.settings import Compute
from nodegraph.web.app import create_app
from nodegraph.web.errors import CODES
from nodegraph.web.routes.common import WORDS
from scripts import http_reference, layers, write_gallery
from training.evaluation.page import parts

ROOT = Path(__file__).resolve().parent.parent
_PLURAL_GROUPS = {
    "images": "Pictures",
    "geometry": "Parts and turns",
    "retouch": "Retouching",
    "combine": "Two pictures in one",
    "layout": "Sheets",
    "info": "What things are",
}


def pages() -> Mapping[Path, str]:
    """Every generated file, with the text it should have."""
    registry = load_registry()
    reports, targets = page.load(), aims.load()
    readme = {"speed": page.speed(reports, targets)}
    return {
        ROOT / "docs/nodes.md": nodes_page(registry),
        ROOT / "docs/cli.md": cli_page(),
        ROOT / "docs/http.md": http_page(),
        ROOT / "README.md": fill_parts(ROOT / "README.md", readme),
        ROOT / "CONTRIBUTING.md": fill_parts(ROOT / "CONTRIBUTING.md", {"layers": order()}),
        ROOT / "docs/inside.md": fill_parts(ROOT / "docs/inside.md", {"layers": layer_tables()}),
        ROOT / "docs/write-a-node.md": fill_parts(
            ROOT / "docs/write-a-node.md", {"surface": surface_table()}
        ),
        page.PAGE: page.page(reports, targets),
        ROOT / "docs/tiny.md": fill_parts(ROOT / "docs/tiny.md", parts(ROOT / "docs/tiny")),
        ROOT / "workflows/README.md": workflows_page(),
        write_gallery.PAGE: write_gallery.page(),
        ROOT / "editor/src/testing/nodes.json": nodes_fixture(registry),
    }


def nodes_fixture(registry: Registry) -> str:
    """What the server tells an editor of the nodes, for the editor's own tests: a line each."""
    kinds = [describe(kind) for kind in registry.values() if not isinstance(kind, Template)]
    lines = (json.dumps(kind, ensure_ascii=False) for kind in kinds)
    return '{"nodes": [\n' + ",\n".join(lines) + "\n]}\n"


def http_page() -> str:
    """Every route, every message of the websocket, every event."""
    with tempfile.TemporaryDirectory() as folder:
        serving = Parts(Options(data_dir=Path(folder), compute=Compute(device="cpu")))
        with serving.built() as services:
            document = create_app(services).openapi()
    statuses = {status: (code, WORDS[status]) for status, code in CODES.items()}
    return http_reference.page(document, statuses)


def order() -> str:
    """The layers in one line for each package, lowest first."""
    return (
        f"  `nodegraph/`: {', '.join(layers.ENGINE)}.\n"
        f"  `nodes/`: {', '.join(layers.NODES)} ({', '.join(layers.PALETTE)}).\n"
    )


def layer_tables() -> str:
    """Every layer with half a sentence, lowest first."""
    parts = [("nodegraph", layers.ENGINE), ("nodes", layers.NODES)]
    return "\n".join(
        "\n".join([f"| `{top}/` | |", "| --- | --- |", *_rows(table), ""]) for top, table in parts
    )


def surface_table() -> str:
    """What nodes may use of the engine."""
    return "\n".join(["| module | what it has |", "| --- | --- |", *_rows(layers.SURFACE), ""])


def _rows(table: Mapping[str, str]) -> Iterator[str]:
    return (f"| `{name}` | {about} |" for name, about in table.items())


def node_table(registry: Registry) -> str:
    """One row a node, each leading to its section."""
    rows = [f"| [`{name}`](#{name.lower()}) | {summary(kind)} |" for name, kind in registry.items()]
    return "\n".join(["| node | what it does |", "| --- | --- |", *rows])


def nodes_page(registry: Registry) -> str:
    """Every node with its inputs and outputs, by palette group."""
    lines = [
        "# Nodes",
        "",
        "Generated from the code by `make docs`. `nodegraph nodes NAME` shows the same in a",
        "terminal. An input without a default needs a value or a link. A list of values for an",
        "input that takes one runs the node once for each.",
        "",
        node_table(registry),
    ]
    groups: dict[str, list[tuple[str, Kind]]] = {}
    for name, kind in registry.items():
        groups.setdefault(group_of(kind), []).append((name, kind))
    for title, kinds in groups.items():
        lines += ["", f"## {_PLURAL_GROUPS.get(title, title.capitalize())}"]
        for name, kind in kinds:
            lines += _node(name, kind, registry)
    return "\n".join(lines) + "\n"


def _node(name: str, kind: Kind, registry: Registry) -> Iterator[str]:
    yield from ("", f"### {name}", "", summary(kind), "")
    if (ROOT / "docs/pictures/nodes" / f"{name}.png").exists():
        yield from (f"![what {name} does](pictures/nodes/{name}.png)", "")
    yield from ("| input | type | default | |", "| --- | --- | --- | --- |")
    for port in inputs_of(kind, registry):
        about = ". ".join(part for part in (port.help.rstrip("."), port.limits) if part)
        yield f"| `{port.name}` | {_cell(port.type)} | {_default(port)} | {_cell(about)} |"
    yield from ("", "| output | type | |", "| --- | --- | --- |")
    for port in outputs_of(kind, registry):
        yield f"| `{port.name}` | {_cell(port.type)} | {_cell(port.help)} |"


def _default(port: Described) -> str:
    return f"`{port.default}`" if port.default else "needed"


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("<", "&lt;")


def cli_page() -> str:
    """Every command with its options and examples."""
    command: Any = typer.main.get_command(app)
    lines = [
        "# The command line",
        "",
        "Generated from the code by `make docs`; `nodegraph COMMAND --help` says the same.",
        "`python -m nodegraph` is `nodegraph`.",
        "",
        _epilog(command.epilog),
    ]
    for name, subcommand in command.commands.items():
        lines += [f"## nodegraph {name}", "", subcommand.help.strip(), ""]
        lines += ["```text", " ".join(["nodegraph", name, *_usage(subcommand)]), "```", ""]
        lines += ["| option | |", "| --- | --- |"]
        lines += [f"| {_option(param)} | {_about(param)} |" for param in subcommand.params]
        lines += ["", _epilog(subcommand.epilog)]
    return "\n".join(lines).rstrip() + "\n"


def _usage(command: Any) -> Iterator[str]:
    for param in command.params:
        if param.param_type_name == "argument":
            name = param.name.upper()
            yield name if param.required else f"[{name}]"
    yield "[OPTIONS]"


def _option(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{param.name.upper()}`"
    names = ", ".join(f"`{name}`" for name in param.opts)
    return names if param.is_flag else f"{names} `{param.metavar}`"


def _about(param: Any) -> str:
    is_bare = param.default in (None, False, True) or param.required
    default = "" if is_bare else f" Default: `{param.default}`."
    several = " Can be given several times." if getattr(param, "multiple", False) else ""
    return _cell(f"{param.help or ''}{default}{several}")


def _epilog(text: str | None) -> str:
    return re.sub(r"^ {4}", "", (text or "").strip("\n"), flags=re.MULTILINE).strip() + "\n"


_WORKFLOWS = """\
# Workflows

Each runs as it is, on the embedded tiny model, without a download: `nodegraph run canny-portraits`.
`nodegraph workflows` lists them, and `nodegraph show NAME -o graph.svg` draws one. [The
gallery](../docs/gallery.md) shows what each makes, and how it is run with models of the hub.

Every one of them is also a node: `canny-portraits` is the type `CannyPortraits`, its params are the
inputs and its results the outputs. Several here are made of others.

A control image may also be given as it is, with no preprocessor: `control-to-image` takes any kind.
What the others draw is one of their results, so it can be kept, changed by hand and given back:

```sh
nodegraph run depth-to-room
nodegraph run control-to-image --set control=output/depth-to-room-depth.png \\
    --set controlnet=tiny-depth --set prompt="a red square and a green tree"
```
"""


def workflows_page() -> str:
    """The shipped workflows, each with what can be set."""
    rows = [
        f"| [`{name}`](#{name}) | {Workflow.load(path).title} |" for name, path in shipped().items()
    ]
    parts = [_WORKFLOWS, "\n".join(["| workflow | |", "| --- | --- |", *rows, ""])]
    for name, path in shipped().items():
        workflow = Workflow.load(path)
        parts.append(
            f"## {name}\n\n{workflow.title}. [What it makes](../docs/gallery.md#{name}).\n"
        )
        parts.append("| param | |\n| --- | --- |")
        parts += [
            f"| `{param}` | {_cell(about.help)} |" for param, about in workflow.params.items()
        ]
        results = ", ".join(f"`{result}`" for result in workflow.results)
        parts.append(f"\nResults: {results}. As a node: `{Template.load(path).name}`.\n")
    return "\n".join(parts)


def main() -> int:
    """Write what is stale; with --check, only name it."""
    stale = {path: text for path, text in pages().items() if _read(path) != text}
    for path, text in stale.items():
        print(path.relative_to(ROOT))
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
    return int(bool(stale) and "--check" in sys.argv[1:])


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    raise SystemExit(main())
