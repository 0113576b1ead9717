"""Three counts of how code reads: vague names, docstrings that ask, and comments.

Prints the places of the first two, then the counts, for each folder or file that is named::

    python -m scripts.measure_style nodegraph nodes/diffusion

A name is bound by an assignment, a loop, a parameter, a ``with``, an ``except``, a pattern, a
function or a class. Each place counts once; ``self`` and ``cls`` do not count.
"""

from __future__ import annotations

import ast
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

# fmt: off
VAGUE = frozenset([
    "anything", "asked", "each", "everything", "found", "given", "held", "how", "kept", "known",
    "made", "meant", "one", "ones", "other", "others", "said", "seen", "shown", "something",
    "taken", "theirs", "thing", "told", "wanted", "what", "where", "who", "why",
])
# fmt: on
"""Words that could stand for anything: what was found, told, kept or given has a name."""
_ASKS = re.compile(r"(What|How|Who|Whose|Which|Where|When|Why)\b")


class Style(NamedTuple):
    """Counts of some modules.

    Attributes:
        names: All names that are bound.
        vague: The places of vague names.
        asking: The modules whose docstring begins with a question word.
        comments: Lines with a comment, but for what only speaks to tools.
        code: Lines that are neither blank, nor comment, nor docstring.
    """

    names: int
    vague: Sequence[str]
    asking: Sequence[str]
    comments: int
    code: int

    @property
    def vague_share(self) -> float:
        return len(self.vague) / max(self.names, 1)

    @property
    def comment_share(self) -> float:
        return self.comments / max(self.code, 1)


def bound_names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that is bound in ``tree``, and in which line."""
    for node in ast.walk(tree):
        match node:
            case ast.arg(arg="self" | "cls"):
                pass
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name, node.lineno
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node.lineno
            case ast.ClassDef(name=name) | ast.ExceptHandler(name=str(name)):
                yield name, node.lineno
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, node.lineno


def is_vague(name: str) -> bool:
    """Whether a name is one of the vague words, underscores and capitals aside."""
    return name.strip("_").lower() in VAGUE


def style_of(paths: Iterable[Path]) -> Style:
    """Count in all the modules at ``paths`` together."""
    names, vague, asking, comments, code = 0, list[str](), list[str](), 0, 0
    for path in sorted(paths):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name, line in bound_names(tree):
            names += 1
            if is_vague(name):
                vague.append(f"{path}:{line}: {name}")
        if _ASKS.match(ast.get_docstring(tree) or ""):
            asking.append(str(path))
        own, lines = _lines(path, tree)
        comments, code = comments + own, code + lines
    return Style(names, vague, asking, comments, code)


def modules(place: Path) -> list[Path]:
    """The Python files at a place: itself, or all below it."""
    return [place] if place.is_file() else sorted(place.rglob("*.py"))


def _lines(path: Path, tree: ast.AST) -> tuple[int, int]:
    """The lines of ``path`` with a comment for readers, and those with code."""
    docstrings = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    comments, code = set[int](), set[int]()
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type == tokenize.COMMENT:
                if not re.match(r"#\s*(noqa|type:|fmt:|pragma)", token.string):
                    comments.add(token.start[0])
            elif token.string.strip():
                code.update(range(token.start[0], token.end[0] + 1))
    return len(comments), len(code - docstrings)


def main(places: Iterable[str]) -> None:
    for place in places:
        style = style_of(modules(Path(place)))
        print(*style.vague, *style.asking, sep="\n")
        words = Counter(line.rpartition(" ")[2].strip("_").lower() for line in style.vague)
        print(
            f"{place}: {len(style.vague)} of {style.names} names are vague"
            f" ({style.vague_share:.1%}), {len(style.asking)} docstrings of modules ask,"
            f" {100 * style.comment_share:.1f} comments a 100 lines of code"
        )
        print(" ", ", ".join(f"{word} {count}" for word, count in words.most_common()))


if __name__ == "__main__":
    main(sys.argv[1:] or ["nodegraph", "nodes"])
