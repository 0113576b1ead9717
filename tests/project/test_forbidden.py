"""What the code must never call: everything through which data becomes a program."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
FILES = sorted(
    path for top in ("nodegraph", "nodes", "workflows") for path in (ROOT / top).rglob("*.py")
)
MODULES = frozenset({"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"})
BARE = frozenset({"eval", "exec", "compile", "__import__"})
CALLS = frozenset({
    "os.system", "os.popen", "torch.load", "np.load",
    "numpy.load", "yaml.load", "cv2.imread", "cv2.imdecode", "pd.read_pickle", "hub.load",
})  # fmt: skip
ALLOWED = {
    "nodes/checkpoints/pickles.py": {
        "pickle",
        "torch.load",
    },  # the one place, and only where it is allowed
    "nodegraph/cli/app.py": {"compute_of(allow_pickle=…)"},  # the option that allows it
}
"""What single files may do all the same."""


def name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def forbidden(tree: ast.AST) -> Iterator[str]:
    """Everything in a module that runs what it reads."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom):
            if (node.module or "").partition(".")[0] in MODULES:
                yield str(node.module)
        elif isinstance(node, ast.Call):
            called = name_of(node.func)
            if called in BARE | CALLS:
                yield called
            for keyword in node.keywords:
                value = keyword.value
                on = not (isinstance(value, ast.Constant) and value.value is False)
                if keyword.arg in ("shell", "allow_pickle", "trust_remote_code") and on:
                    yield f"{called}({keyword.arg}=…)"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_code_runs_what_it_reads(path: Path) -> None:
    found = set(forbidden(ast.parse(path.read_text(encoding="utf-8"))))

    assert found <= ALLOWED.get(str(path.relative_to(ROOT)), set())


@pytest.mark.parametrize(
    "code",
    ["import pickle", "from pickle import loads", "torch.load(p)", "eval(x)", "exec(x)",
     "subprocess.run(x, shell=True)", "np.load(p, allow_pickle=True)", "x = compile(a, b, c)",
     "f.from_pretrained(x, trust_remote_code=yes)", "import joblib.externals"],
)  # fmt: skip
def test_the_search_finds_what_it_is_for(code: str) -> None:
    assert [*forbidden(ast.parse(code))]


TOUCHING = frozenset({"open", "read_bytes", "read_text", "write_bytes", "write_text", "unlink"})
MAY_TOUCH = {"library.py", "page.py", "assets.py", "build.py"}
"""The modules of the server that read or write files, each of a folder it was given."""


def test_few_modules_of_the_server_touch_files_and_none_makes_a_path_of_what_was_sent() -> None:
    touching, making = set(), set()
    for path in (ROOT / "nodegraph" / "web").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = name_of(node.func).rpartition(".")[2]
                if name in TOUCHING:
                    touching.add(path.name)
                own = ast.unparse(node) == "Path(__file__)"
                if name_of(node.func) in ("Path", "os.path.join") and not own:
                    making.add(path.name)

    assert touching <= MAY_TOUCH
    assert making <= {"build.py"}
