"""`nodegraph run`: its lines on the terminal, its failures, and its ends."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nodegraph.cli.results import result_lines

from ..support.commands import Cli, Write, painting, speaking


def test_a_shipped_workflow_is_a_node_by_folder_and_name(cli: Cli, write: Write) -> None:
    nodes = {"x": {"type": "workflows/canny-to-image"}}

    assert cli("check", write(nodes=nodes, results={"image": "x.image"})).exit_code == 0
    assert "x: no 'workflows/canny-to-imge'; did you mean 'workflows/canny-to-image'?" in (
        cli("check", write(nodes={"x": {"type": "workflows/canny-to-imge"}})).stderr
    )


def test_a_result_that_is_no_picture_is_printed(cli: Cli, write: Write) -> None:
    assert cli("run", write(**speaking())).stdout == "said = 'hello'\n"


@pytest.mark.parametrize(
    ("said", "lines"),
    [
        ("word " * 30, ["said:", "  " + "word " * 30]),
        ("one\ntwo\n\nfour", ["said:", "  one", "  two", "  ", "  four"]),
        ("red\n\x1b[31m", ["said:", "  red", r"  \x1b[31m"]),
        (["a", "b\nc"], ["said[0] = 'a'", "said[1]:", "  b", "  c"]),
        (list("abcde"), [f"said[{i}] = {one!r}" for i, one in enumerate("abcde")]),
    ],
)
def test_a_text_is_printed_whole_below_its_name_where_it_is_long(
    cli: Cli, write: Write, said: str | list[str], lines: list[str]
) -> None:
    nodes = {"say": {"type": "Speak", "values": {"text": said}}}
    workflow = {**speaking(), "nodes": nodes}

    assert cli("run", write(**workflow)).stdout == "\n".join([*lines, ""])


def test_a_long_path_is_printed_whole_beside_its_name() -> None:
    path = Path("folder" * 20) / "picture.png"

    assert list(result_lines("saved", path)) == [f"saved = {str(path)!r}"]


def test_a_node_that_fails_ends_with_1_after_everything_else_was_saved(
    cli: Cli, write: Write
) -> None:
    document = painting()
    nodes = {**document["nodes"], "boom": {"type": "Boom", "values": {"value": 3}}}
    results = {**document["results"], "broken": "boom.value"}

    done = cli("run", write(nodes=nodes, results=results))

    assert (done.exit_code, done.stdout.splitlines()) == (1, ["output/toy-image.png"])
    assert "boom (Boom) failed: RuntimeError: out of paint\n  value = 3" in done.stderr
    assert "Traceback" not in done.output


def test_only_the_result_that_was_asked_for_is_made(cli: Cli, write: Write) -> None:
    document = painting()
    nodes = {**document["nodes"], "boom": {"type": "Boom", "values": {"value": 3}}}
    file = write(nodes=nodes, results={**document["results"], "broken": "boom.value"})

    assert cli("run", file, "--only", "image").exit_code == 0
    assert "only: no 'imge'; did you mean 'image'?" in cli("run", file, "--only", "imge").stderr


def test_json_prints_one_event_a_line(cli: Cli, write: Write) -> None:
    nodes = {**painting()["nodes"], "wait": {"type": "Wait"}}
    results = {"image": "paint.image", "waited": "wait.value"}

    done = cli("run", write(nodes=nodes, results=results), "--json")

    events = [json.loads(line) for line in done.stdout.splitlines()]
    steps = [(e["done"], e["total"]) for e in events if e["event"] == "progressed"]
    saved = [e["path"] for e in events if e["event"] == "saved"]
    assert {e["event"] for e in events} == {"started", "progressed", "finished", "saved", "ended"}
    assert (steps, saved) == ([(n, 10) for n in range(1, 11)], ["output/toy-image.png"])
    assert events[-1]["state"] == "done"


def test_json_tells_failures_too(cli: Cli, write: Write) -> None:
    nodes = {
        "boom": {"type": "Boom", "values": {"value": 3}},
        "after": {"type": "Double", "links": {"value": "boom.value"}},
    }

    done = cli("run", write(nodes=nodes), "--json")

    events = {e["event"]: e for e in map(json.loads, done.stdout.splitlines())}
    assert events["failed"]["error"] == {
        "kind": "Boom", "message": "out of paint", "inputs": {"value": "3"}
    }  # fmt: skip
    assert (events["skipped"]["name"], events["skipped"]["because"]) == ("after", "boom")
    assert (done.exit_code, events["ended"]["state"]) == (1, "failed")


def test_a_log_says_what_was_made_and_what_was_known(cli: Cli, write: Write) -> None:
    file = write(
        nodes={"wait": {"type": "Wait", "values": {"seconds": 0.05}}}, results={"n": "wait.value"}
    )

    first, second = cli("run", file), cli("run", file)

    assert re.fullmatch(r"wait: \d+\.\d+ s\n", first.stderr)
    assert second.stderr == "wait: cached\n"


def test_without_the_cache_everything_is_made_again(cli: Cli, write: Write) -> None:
    file = write(
        nodes={"wait": {"type": "Wait", "values": {"seconds": 0.05}}}, results={"n": "wait.value"}
    )

    cli("run", file)

    assert "cached" not in cli("run", file, "--no-cache").stderr


def python(*arguments: str, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["check", "canny-portraits"],
        ["nodes"],
        ["nodes", "Sample"],
        ["explain", "canny-portraits"],
        ["show", "canny-portraits", "--format", "svg"],
        ["workflows"],
        ["workflows", "canny-portraits"],
        ["run", "canny-portraits", "--help"],
        ["diff", "canny-portraits", "canny-portraits"],
    ],
)
def test_looking_never_imports_torch(arguments: list[str]) -> None:
    heavy = "{'torch', 'diffusers', 'transformers', 'cv2', 'PIL'}"
    code = (
        f"import sys; sys.argv[1:] = {arguments!r}\n"
        "from nodegraph.cli import main\n"
        "try: main()\n"
        f"finally: print(sorted({heavy} & set(sys.modules)), file=sys.stderr)"
    )

    process = python("-c", code)
    _, said = process.communicate(timeout=60)

    assert (process.returncode, said.splitlines()[-1]) == (0, "[]")


@pytest.mark.parametrize(
    ("stop", "option", "kept"),
    [
        (signal.SIGINT, "--json", "; what was finished is kept, and the same command goes on from"),
        (
            signal.SIGTERM,
            "--json",
            "; what was finished is kept, and the same command goes on from",
        ),
        (signal.SIGHUP, "--no-cache", "\n"),
    ],
)
def test_an_interrupted_run_saves_what_was_finished_and_ends_with_130(  # noqa: PLR0917
    write: Write, nodes: Path, tmp_path: Path, stop: signal.Signals, option: str, kept: str
) -> None:
    file = write(nodes={**painting()["nodes"], "wait": {"type": "Wait", "values": {"seconds": 30}}},
                 results={"waited": "wait.value", "image": "paint.image"})  # fmt: skip
    command = ["run", file, "--nodes", str(nodes), "--json", option]
    process = python("-m", "nodegraph", *command, cwd=tmp_path)
    assert process.stdout is not None
    while "progressed" not in process.stdout.readline():
        assert process.poll() is None

    process.send_signal(stop)
    events, said = process.communicate(timeout=60)

    assert process.returncode == 130
    assert said.startswith(f"cancelled; 1 finished picture is saved{kept}")
    assert [path.name for path in (tmp_path / "output").iterdir()] == ["toy-image.png"]
    saved, ended = map(json.loads, events.splitlines()[-2:])
    assert (saved["path"], ended["state"]) == ("output/toy-image.png", "cancelled")


def test_nobody_minds_when_the_reader_leaves_early() -> None:
    with python("-m", "nodegraph", "nodes") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        said = process.stderr.read()

    assert "Traceback" not in said
