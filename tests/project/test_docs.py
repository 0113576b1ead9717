"""What the documentation says is so: examples run, tables are the code's, links lead somewhere."""

from __future__ import annotations

import re
import runpy
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from pydantic.fields import FieldInfo
from typer.testing import CliRunner

from nodegraph import Workflow, load_registry, plan
from nodegraph.cli.app import app
from nodegraph.cli.kinds import load_kinds
from nodegraph.graph.ports import inputs
from nodegraph.graph.registry import Template
from nodegraph.graph.shipped import shipped

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "workflows/README.md"]
PAGES += sorted((ROOT / "docs").glob("*.md"))


class Block(NamedTuple):
    """A fenced example; ``text`` of one marked `continued` begins with all that it continues."""

    page: str
    line: int
    language: str
    text: str


def blocks(*languages: str) -> list[Block]:
    return [block for page in PAGES for block in blocks_of(page) if block.language in languages]


def blocks_of(page: Path) -> Iterator[Block]:
    text, before = page.read_text(encoding="utf-8"), ""
    for found in re.finditer(r"^( *)```(\w+)( continued)?\n(.*?)^\1```$", text, re.M | re.S):
        code = textwrap.dedent(found[4])
        before = f"{before}\n\n{code}" if found[3] else code
        line = text[: found.start()].count("\n") + 1
        yield Block(str(page.relative_to(ROOT)), line, found[2], before)


def parameters(found: list[Block], slow: str) -> list[Any]:
    """One parameter a block; those that sample pictures are slow."""
    return [
        pytest.param(
            block.text,
            id=f"{block.page}:{block.line}",
            marks=[pytest.mark.slow] if re.search(slow, block.text) else [],
        )
        for block in found
    ]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run examples in: the workflows are there, and nothing is written beside them."""
    (tmp_path / "workflows").symlink_to(ROOT / "workflows")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("text", parameters(blocks("python"), r"\bSample,|\bInpaint,|\bexecute\("))
@pytest.mark.usefixtures("checkout")
def test_a_python_example_runs(text: str) -> None:
    names: dict[str, Any] = {"__name__": "example"}

    exec(compile(text, "example", "exec", dont_inherit=True), names)

    for name, example_test in list(names.items()):
        if name.startswith("test_"):
            example_test()


@pytest.mark.parametrize(
    "text", [pytest.param(b.text, id=f"{b.page}:{b.line}") for b in blocks("json")]
)
def test_a_workflow_in_the_documentation_is_sound(text: str) -> None:
    assert plan(Workflow.load(text), load_kinds(())).calls


@pytest.mark.parametrize("text", parameters(blocks("console"), r"\$ nodegraph run"))
@pytest.mark.usefixtures("checkout")
def test_commands_in_the_documentation_run(text: str) -> None:
    for line in re.findall(r"^\$ nodegraph (.*)$", text, re.M):
        done = CliRunner().invoke(app, shlex.split(line))
        assert done.exit_code == 0, f"{line}\n{done.output}"


def settings_in(text: str) -> Iterator[list[str]]:
    """The workflow and the settings of every `nodegraph run` that cannot be run here."""
    for command in re.findall(r"^nodegraph run .*$", text.replace("\\\n", " "), re.M):
        words = shlex.split(command)[2:]
        given = [word for i, word in enumerate(words) if words[i - 1] == "--set"]
        yield [words[0], *(word for one in given for word in ("--set", one))]


@pytest.mark.parametrize(
    "arguments",
    [pytest.param(one, id=" ".join(one)[:60]) for b in blocks("sh") for one in settings_in(b.text)],
)
def test_settings_in_the_documentation_exist(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, ["check", *arguments])

    assert (done.exit_code, done.stderr) == (0, "")


def test_what_follows_from_the_code_is_up_to_date() -> None:
    pages = runpy.run_path(str(ROOT / "scripts/write_docs.py"))["pages"]()

    stale = [path.name for path, text in pages.items() if path.read_text("utf-8") != text]
    assert stale == [], "run `make docs`"


def pictures_of_nodes() -> dict[str, Path]:
    return {path.stem: path for path in (ROOT / "docs/pictures/nodes").iterdir()}


def test_every_node_has_its_picture_and_every_picture_its_node() -> None:
    nodes = [name for name, kind in load_registry().items() if not isinstance(kind, Template)]

    assert sorted(pictures_of_nodes()) == sorted(nodes), "run `make node-pictures`"


def test_pictures_of_nodes_are_as_wide_as_a_page_and_small() -> None:
    files = {name: path.read_bytes() for name, path in pictures_of_nodes().items()}

    assert {int.from_bytes(data[16:20]) for data in files.values()} == {700}
    assert [name for name, data in files.items() if len(data) > 60_000] == []
    assert sum(map(len, files.values())) < 2_500_000


def test_the_script_draws_every_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))

    figures = runpy.run_path(str(ROOT / "scripts/write_node_pictures.py"))["FIGURES"]

    nodes = [name for name, kind in load_registry().items() if not isinstance(kind, Template)]
    assert sorted(figures) == sorted(nodes)


def test_the_gallery_has_a_picture_of_every_result_and_no_other() -> None:
    pictures = {path.stem for path in (ROOT / "docs/pictures/gallery").glob("*.png")}

    results = {f"{n}--{r}" for n, path in shipped().items() for r in Workflow.load(path).results}
    assert pictures == results, "run `make gallery`"


def test_the_pictures_of_the_gallery_are_small() -> None:
    sizes = [path.stat().st_size for path in (ROOT / "docs/pictures/gallery").glob("*.png")]

    assert max(sizes) < 250_000
    assert sum(sizes) < 3_000_000


@pytest.mark.parametrize("page", [pytest.param(page, id=page.name) for page in PAGES])
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    targets = [path for path, _ in re.findall(r"\]\((?!https?:|mailto:)([^)#]+)(#[^)]*)?\)", text)]
    targets += re.findall(r'<img src="([^"]+)"', text)

    assert [path for path in targets if not (page.parent / path).exists()] == []


def test_the_page_of_workflows_names_every_shipped_one() -> None:
    page = (ROOT / "workflows/README.md").read_text("utf-8")

    assert [name for name in shipped() if f"[`{name}`]" not in page] == []


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert (ROOT / "README.md").read_text("utf-8").count("\n") <= 140


def says_something(field: FieldInfo) -> bool:
    limited = any(hasattr(m, name) for m in field.metadata for name in ("ge", "gt", "min_length"))
    return bool(field.description or limited or not field.is_required())


def test_every_input_has_a_default_a_limit_or_a_description_unless_its_wire_says_it_all() -> None:
    silent = [
        f"{name}.{input}"
        for name, kind in load_registry().items()
        if not isinstance(kind, Template)
        for input, field in inputs(kind).items()
        if not says_something(field) and not hasattr(field.annotation, "__dataclass_fields__")
    ]

    assert silent == []


DECISIONS = (ROOT / "docs/decisions.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("entry", re.findall(r"^(\*\*.+?)(?=\n\n|\Z)", DECISIONS, re.M | re.S))
def test_every_decision_says_what_holds_it(entry: str) -> None:
    assert re.search(r"\*Status: [^*]+\.\*$", entry), entry


@pytest.mark.parametrize("place", sorted(set(re.findall(r"`((?:tests|editor)/[^`]+)`", DECISIONS))))
def test_what_is_said_to_hold_a_decision_is_there(place: str) -> None:
    file, _, name = place.partition("::")

    text = (ROOT / file).read_text(encoding="utf-8")
    assert not name or re.search(rf"^def {name}\b", text, re.M)
