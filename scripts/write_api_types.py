"""Write editor/src/contract/openapi.ts: the server's types as the editor knows them.

python scripts/write_api_types.py            write it
python scripts/write_api_types.py --check    only say whether it is up to date
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from nodegraph.cache import Cache
from nodegraph.graph.registry import Registry
from nodegraph.jobs.assets import Assets
from nodegraph.jobs.store import Store
from nodegraph.settings import Settings
from nodegraph.web.app import create_app
from nodegraph.web.limits import Limits
from nodegraph.web.redact import Names
from nodegraph.web.services import Services
from nodegraph.web.socket.hub import Hub
from nodegraph.web.workflows.check import Graphs
from nodegraph.web.workflows.library import Library

EDITOR = Path(__file__).resolve().parent.parent / "editor"
TYPES = EDITOR / "src" / "contract" / "openapi.ts"

_ANY_JSON = "JsonValue: unknown;"
_JSON = 'JsonValue: import("./json").Json;'
"""What pydantic leaves open: ``JsonValue`` is anything to a validator, but not to TypeScript."""


def main() -> int:
    """Write the file, or compare it; returns the exit status."""
    written = typescript(openapi())
    if sys.argv[1:] == ["--check"]:
        if TYPES.read_text(encoding="utf-8") == written:
            return 0
        print(f"{TYPES.name} is not what the server says; run scripts/write_api_types.py")
        return 1
    TYPES.write_text(written, encoding="utf-8")
    return 0


def openapi() -> dict[str, Any]:
    """The server's description of itself, by a server that is never started."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = Store(f"sqlite:///{folder / 'jobs.sqlite'}")
        try:
            names, limits = Names({}), Limits()
            library = Library(folder, {}, store.database.writing)
            graphs = Graphs(Registry({}), library, Cache(), Settings(), limits)
            services = Services(
                store=store,
                assets=Assets(folder / "assets", store),
                graphs=graphs,
                hub=Hub(store, names, limits),
                names=names,
            )
            return create_app(services).openapi()
        finally:
            store.close()


def typescript(description: dict[str, Any]) -> str:
    """The types that openapi-typescript makes of it, all of them readonly."""
    command = [
        "node",
        "node_modules/openapi-typescript/bin/cli.js",
        "--default-non-nullable=false",
        "--immutable",
    ]
    # Only the shapes: spelled out, each path would repeat every refusal there is.
    shapes = {**description, "paths": {}, "info": {"title": "nodegraph", "version": "1"}}
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(shapes, file)
        file.flush()
        done = subprocess.run(
            [*command, file.name], cwd=EDITOR, capture_output=True, text=True, check=True
        )
    return done.stdout.replace(_ANY_JSON, _JSON)


if __name__ == "__main__":
    raise SystemExit(main())
