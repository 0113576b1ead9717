"""How files are written: whole or not at all, by one module, whoever else writes them too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FILES = sorted(path for top in ("nodegraph", "nodes") for path in (ROOT / top).rglob("*.py"))
METHODS = frozenset({"write_text", "write_bytes", "rename", "symlink_to", "hardlink_to"})
CALLS = frozenset({
    "os.replace", "os.rename", "os.link", "os.symlink", "shutil.copy", "shutil.copy2",
    "shutil.copyfile", "shutil.copytree", "shutil.move", "tempfile.mkstemp",
    "tempfile.NamedTemporaryFile", "np.save", "numpy.save", "torch.save", "cv2.imwrite",
})  # fmt: skip
ALLOWED = {
    "nodegraph/base/files.py": {"os.replace", "os.link", "open", "os.open"},
    # Runs before anything is installed; writes into a folder of its own, which is then renamed.
    "nodegraph/web/build.py": {"write_text", "rename"},
    # Files that are whole and on the disk already, and only get their name.
    "nodegraph/jobs/files.py": {"os.replace"},
    # The device of nothing, never a file.
    "nodegraph/system/streams.py": {"os.open"},
    # A rename of keys, not of files.
    "nodes/weights/build.py": {"rename"},
}


def name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def opens_to_write(call: ast.Call) -> bool:
    modes = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
    texts = [part.value for part in modes if isinstance(part, ast.Constant)]
    return any(
        isinstance(text, str) and 0 < len(text) <= 3 and set(text) <= set("wxabt+") and
        set(text) & set("wxa+") for text in texts
    )  # fmt: skip


def writes(tree: ast.AST) -> Iterator[str]:
    """Every call that makes or changes a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = name_of(node.func)
            last = name.rpartition(".")[2] or getattr(node.func, "attr", "")
            if name in CALLS or last in METHODS:
                yield name if name in CALLS else last
            elif last == "open" and opens_to_write(node):
                yield "open"
            elif name == "os.open" and re.search("O_WRONLY|O_RDWR|_CREATE", ast.unparse(node)):
                yield "os.open"


def test_no_module_writes_files_in_a_way_of_its_own() -> None:
    found = {
        str(path.relative_to(ROOT)): set(writes(ast.parse(path.read_text(encoding="utf-8"))))
        for path in FILES
    }

    own = {path: ways - ALLOWED.get(path, set()) for path, ways in found.items()}
    assert {path: ways for path, ways in own.items() if ways} == {}


@pytest.mark.parametrize(
    "code",
    ["p.write_text(x)", "open(p, 'w')", "p.open('xb')", "shutil.copyfile(a, b)", "os.replace(a, b)",
     "p.open(mode='a')", "os.open(p, os.O_WRONLY)", "(a / b).write_bytes(c)", "a.rename(b)"],
)  # fmt: skip
def test_the_search_finds_what_it_is_for(code: str) -> None:
    assert [*writes(ast.parse(code))]
