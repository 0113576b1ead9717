"""`nodegraph serve`: how it starts, what it needs, and what it never loads."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from typer.testing import CliRunner

from nodegraph.cli.app import app
from nodegraph.cli.serve.assemble import Parts, models_here
from nodegraph.cli.serve.options import Options, data_folder
from nodegraph.cli.serve.serve import address
from nodegraph.cli.serve.token import token_for
from nodegraph.errors import UserError
from nodegraph.graph.schema import describe
from nodegraph.web.limits import Limits
from nodes import NODES
from nodes.library.catalogue import models

ROOT = Path(__file__).parent.parent.parent


def test_a_loopback_server_needs_no_token(tmp_path: Path) -> None:
    assert token_for(Options(), tmp_path) == ("", False)


def test_any_other_server_makes_one_and_keeps_it(tmp_path: Path) -> None:
    token, made = token_for(Options(host="0.0.0.0"), tmp_path)
    again, made_again = token_for(Options(host="0.0.0.0"), tmp_path)

    assert (len(token) >= 40, made, again, made_again) == (True, True, token, False)
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("text", "size"), [(None, None), ("256MB", 2**28), ("1.5 GB", 3 * 2**29)])
def test_the_memory_of_a_worker_is_a_size(
    text: str | None, size: int | None, tmp_path: Path
) -> None:
    assert Parts(Options(data_dir=tmp_path, worker_memory=text)).memory == size


@pytest.mark.parametrize(
    ("text", "wrong"), [("255MB", "is less than the 256 MB a worker needs"), ("much", "is not a")]
)
def test_a_worker_is_not_given_less_memory_than_it_needs(
    text: str, wrong: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=rf"^--worker-memory: '{text}' {wrong}"):
        Parts(Options(data_dir=tmp_path, worker_memory=text))


def test_a_token_file_is_read_and_one_that_others_can_read_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine"
    file.write_text("a-token-of-my-own\n")
    file.chmod(0o644)

    assert token_for(Options(token_file=file), tmp_path) == ("a-token-of-my-own", False)
    said = capsys.readouterr().err
    assert "others can read the token" in said
    assert "a-token-of-my-own" not in said


@pytest.mark.parametrize("text", ["", "\n", "  \n"])
def test_an_empty_token_file_opens_no_door(tmp_path: Path, text: str) -> None:
    """As a full disk may leave one behind."""
    (tmp_path / "token").write_text(text)
    (tmp_path / "token").chmod(0o600)

    for options in (Options(host="0.0.0.0"), Options(token_file=tmp_path / "token")):
        with pytest.raises(UserError, match="is empty; delete it"):
            token_for(options, tmp_path)


def test_a_blank_token_in_the_environment_opens_no_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODEGRAPH_TOKEN", "  ")

    with pytest.raises(UserError, match="NODEGRAPH_TOKEN: is blank"):
        token_for(Options(host="0.0.0.0"), tmp_path)


def test_a_token_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODEGRAPH_TOKEN", "from-the-environment")

    assert token_for(Options(), tmp_path) == ("from-the-environment", False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "203.0.113.9"], "another server may be running there"),
        (["--data", "nowhere"], "--data 'nowhere': there is no such folder"),
        (["--public-url", "studio"], "write what stands in the browser"),
        (["--device", "tpu"], "--device 'tpu': write cpu"),
        (["--data-dir", "/proc/nodegraph"], "name another folder"),
        (["--token-file", "/proc/nodegraph/token"], "token file"),
        (["--database", "mysql://x"], "database: "),
        (["--budget", "much"], "budget: 'much' is not a size"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.setenv("NODEGRAPH_DATA", str(tmp_path / "data"))

    done = CliRunner().invoke(app, ["serve", "--port", "0", *arguments])

    assert (done.exit_code, said in done.stderr) == (2, True), done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)


def test_a_port_that_is_taken_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setenv("NODEGRAPH_DATA", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = CliRunner().invoke(app, ["serve", "--port", port])

    assert done.exit_code == 2
    assert "choose another with --port" in done.stderr


def test_the_help_teaches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    text = " ".join(CliRunner().invoke(app, ["serve", "--help"]).output.split())

    for part in ("--public-url", "makes a token", "NODEGRAPH_DATA", "docs/operate.md"):
        assert part in text


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "http://127.0.0.1:1"), ("0.0.0.0", "http://127.0.0.1:1"),
     ("::", "http://[::1]:1"), ("::1", "http://[::1]:1"), ("studio", "http://studio:1")],
)  # fmt: skip
def test_the_address_that_is_said_can_be_opened(host: str, shown: str) -> None:
    assert address(host, 1) == shown


def test_bounds_that_operators_give_are_the_server_s(tmp_path: Path) -> None:
    limits = Parts(Options(data_dir=tmp_path, queue=7, check_time=2.5)).limits

    assert (limits.queue, limits.expanded.seconds) == (7, 2.5)
    usual = Parts(Options(data_dir=tmp_path)).limits
    assert usual == Limits()


def test_the_data_folder_is_private(tmp_path: Path) -> None:
    folder = data_folder(tmp_path / "new")

    assert folder.stat().st_mode & 0o777 == 0o700
    parts = sorted(path.name for path in folder.iterdir())
    assert parts == ["assets", "models", "output", "workflows"]


def test_the_models_that_come_along_are_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--someone--sd-controlnet-dots" / "snapshots" / "1"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text('{"_class_name": "ControlNetModel"}')
    found = models()

    tiny, dots = found["base"][0], found["controlnet"][-1]
    assert {"name": "tiny", "family": "tiny", "built_in": True}.items() <= tiny.items()
    assert {
        "name": "someone/sd-controlnet-dots", "family": "SD 1.x", "built_in": False,
    }.items() <= dots.items()  # fmt: skip
    assert all(isinstance(sort, str) for sort in models_here())


def test_whatever_input_names_a_model_says_which_of_the_lists_are_for_it() -> None:
    told = [describe(kind)["inputs"] for kind in NODES]
    asked = {port.get("models") for ports in told for port in ports.values()} - {None}
    defaults = [
        (port["models"], port["default"])
        for ports in told
        for port in ports.values()
        if "models" in port and "default" in port
    ]

    here = models()
    names = {sort: {one["name"] for one in found} for sort, found in here.items()}
    assert asked == set(here)
    assert [one for one in defaults if one[1] not in names[one[0]]] == []


def test_the_server_never_loads_a_tensor_library(tmp_path: Path) -> None:
    """Whatever it is asked: only the processes of the workers do that."""
    code = """
import sys
from tests.support.serving import SOUND, client, serving
from pathlib import Path
with serving(Path(sys.argv[1])) as parts, client(parts) as asking:
    for path in ("nodes", "models", "workflows", "system", "metrics", "jobs", "results", "assets"):
        assert asking.get(f"/v1/{path}").status_code == 200, path
    portraits = asking.get("/v1/workflows/canny-portraits").json()["workflow"]
    for path in ("check", "explain", "form", "jobs"):
        assert asking.post(f"/v1/{path}", json={"workflow": portraits}).status_code in (200, 201)
import nodegraph.cli.serve.serve
print(sorted({"torch", "cv2", "diffusers", "transformers", "scipy"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )

    assert done.stdout == "[]\n", done.stderr


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A real server in a process of its own, and its address."""
    command = [sys.executable, "server.py", "--port", "0", "--data-dir", str(folder), *arguments]
    environment = {**os.environ, "NODEGRAPH_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://[\d.:]+", process.stdout.readline())
        assert found is not None, process.communicate()
        yield process, found[0]
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=60)
        finally:
            process.kill()


def ask(address: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if data else {}
    request = urllib.request.Request(address, data, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.mark.slow
def test_a_job_runs_from_submission_to_picture_and_the_server_stays_small(tmp_path: Path) -> None:
    with started(tmp_path, "--device", "cpu") as (process, at):
        edges = {
            "format": 1,
            "nodes": {
                "photo": {"type": "LoadImage", "values": {"path": "portrait.png"}},
                "edges": {"type": "Canny", "links": {"image": "photo.image"}},
            },
            "results": {"edges": "edges.image"},
        }
        job = ask(f"{at}/v1/jobs", {"workflow": edges})
        while job["state"] in ("queued", "running"):
            job = ask(f"{at}/v1/jobs/{job['id']}")
        server = psutil.Process(process.pid)
        mapped = {Path(one.path).name for one in server.memory_maps()}

        assert job["state"] == "done", job
        assert job["results"][0]["asset"].endswith(".png")
        assert not any(name.startswith("libtorch") for name in mapped)
        assert server.memory_info().rss < 150 * 2**20
    assert process.returncode == 0


def test_parts_are_only_put_together_when_they_are_wanted(tmp_path: Path) -> None:
    assert not (Parts(Options(data_dir=tmp_path / "data")).folder / "jobs.sqlite").exists()
