"""Who only looks at a workflow fetches and unpickles nothing: a pretend hub is not asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from nodegraph.errors import NotFetchedError
from nodes.models import LoadBaseModel

from ..support.weights import Bench, save_base, save_single

ROOT = Path(__file__).parent.parent.parent


class Hub(BaseHTTPRequestHandler):
    """Has nothing, and remembers what it was asked."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_error(404)

    do_HEAD = do_POST = do_GET  # noqa: N815  the library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub() -> Iterator[tuple[str, list[str]]]:
    """The address of a pretend hub, and what it was asked."""
    asked: list[str] = []
    kind = type("Hub", (Hub,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.fixture(scope="module")
def single(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model in one file, without a vocabulary beside it."""
    folder = tmp_path_factory.mktemp("single")
    save_base(folder / "base")
    (folder / "alone").mkdir()
    return save_single(folder / "base", folder / "alone" / "model.safetensors")


def asked_of(hub: tuple[str, list[str]], folder: Path, *command: str) -> tuple[str, list[str]]:
    """What a command prints, and what it asks the hub, with nothing in the hub's cache."""
    environment = {
        **os.environ, "HF_ENDPOINT": hub[0], "HF_HUB_OFFLINE": "0", "HF_HUB_CACHE": str(folder),
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, *command],
        env=environment, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr, hub[1][:]


def workflow(single: str) -> dict[str, Any]:
    """Everything that could be fetched."""
    return {
        "format": 1,
        "nodes": {
            "single": {"type": "LoadBaseModel", "values": {"model": single}},
            "base": {"type": "LoadBaseModel", "values": {"model": "nobody/base"}},
            "pinned": {
                "type": "LoadBaseModel", "values": {"model": "nobody/base", "revision": "a" * 40},
            },
            "net": {"type": "LoadControlNet", "values": {"model": "nobody/net"}},
            "photo": {"type": "LoadImage", "values": {"path": "portrait.png"}},
            **{
                kind.lower(): {
                    "type": kind, "values": {"model": f"nobody/{kind}"},
                    "links": {"image": "photo.image"},
                }
                for kind in ("SoftEdge", "StraightLines", "OpenPose", "Depth", "Segment")
            },
        },
        "models": {"nobody/net": {"revision": "b" * 40}},
    }  # fmt: skip


SERVED = """
import json, sys
from pathlib import Path
from tests.support.serving import client, serving
document = json.loads(sys.argv[2])
with serving(Path(sys.argv[1])) as parts, client(parts) as asking:
    for path in ("check", "explain", "form"):
        print(asking.post(f"/v1/{path}", json={"workflow": document}).text)
    asking.get("/v1/models")
"""


def test_the_server_looks_without_asking_the_hub(
    hub: tuple[str, list[str]], single: Path, tmp_path: Path
) -> None:
    (tmp_path / "models").mkdir()
    shutil.copy(single, tmp_path / "models")
    document = json.dumps(workflow("model.safetensors"))

    said, asked = asked_of(hub, tmp_path / "hub", "-c", SERVED, str(tmp_path), document)

    assert asked == []
    assert '"ok":true' in said, said
    vocabulary = "the vocabulary of 'model.safetensors' is fetched from the hub first"
    assert f'"name":"single","items":[],"state":"runs","why":"model: {vocabulary}"' in said, said


@pytest.mark.parametrize("command", ["check", "explain"])
def test_the_command_line_looks_without_asking_the_hub(
    hub: tuple[str, list[str]], single: Path, tmp_path: Path, command: str
) -> None:
    file = tmp_path / "workflow.json"
    file.write_text(json.dumps(workflow(str(single))))

    said, asked = asked_of(hub, tmp_path / "hub", "-m", "nodegraph", command, str(file))

    assert asked == []
    assert ("sound" if command == "check" else "is fetched from the hub first") in said, said


def test_a_run_does_ask_the_hub(hub: tuple[str, list[str]], single: Path, tmp_path: Path) -> None:
    """Or else the tests above would show nothing."""
    code = f"""
from nodes.models import LoadBaseModel
from tests.support.weights import Bench
LoadBaseModel(model={str(single)!r}).run(Bench())
"""
    said, asked = asked_of(hub, tmp_path / "hub", "-c", code)

    assert any("clip-vit-large-patch14" in path for path in asked), said


def test_looking_at_an_allowed_pickle_does_not_open_it(tmp_path: Path) -> None:
    import torch

    file = tmp_path / "model.ckpt"
    torch.save({"x": torch.zeros(1)}, file)

    with pytest.raises(NotFetchedError, match=r"is made a \.safetensors file first"):
        LoadBaseModel(model=str(file)).stamp(Bench(allow=frozenset({"offline", "pickle"})))
