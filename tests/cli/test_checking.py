"""Looking without running: `check`, `explain`, `show`, `nodes`, `workflows` and `cache`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ..support.commands import Cli, Write, painting, speaking


def test_check_and_show_read_templates_in_files(cli: Cli, write: Write, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    write("parts/dot.json", **painting())
    nodes = {"dot": {"type": "./parts/dt.json"}}

    missing = cli("check", write(nodes=nodes))
    shown = cli("show", write(nodes={"dot": {"type": "./parts/dot.json"}}))

    assert missing.exit_code == 2
    assert "dot: no file './parts/dt.json'; did you mean './parts/dot.json'?" in missing.stderr
    assert shown.stdout == "dot: ./parts/dot.json\n"


def test_check_says_that_a_workflow_is_sound(cli: Cli, write: Write) -> None:
    done = cli("check", write(**speaking()))

    assert (done.exit_code, done.stdout.partition(": ")[2]) == (0, "sound; 1 node, results said\n")


def test_check_names_every_mistake(cli: Cli, write: Write) -> None:
    nodes = {
        "a": {"type": "Cnst"},
        "b": {"type": "Double"},
        "c": {"type": "Const", "values": {"value": -1}},
    }

    done = cli("check", write(nodes=nodes))

    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        "3 problems in the workflow",
        "  a: no 'Cnst'; did you mean 'Const'?",
        "  b.value: needs a value or a link",
        "  c.value: -1 should be greater than or equal to 0",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON; line 1"),
        ("[]", "should be an object with nodes"),
        ('{"format": 99}', "99 is newer than this version"),
        ("\x89PNG\r\n\x1a\n", "carries no workflow"),
    ],
)
def test_a_file_that_is_no_workflow_is_refused_in_a_sentence(
    cli: Cli, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "bad.json").write_bytes(text.encode("latin-1"))

    done = cli("check", "bad.json")

    assert (done.exit_code, "Traceback" in done.output) == (2, False)
    assert message in done.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cany-portraits", "did you mean 'canny-portraits'?"),
        ("gone.json", "no file 'gone.json'"),
        (".", "'.' is a folder; name a workflow file"),
    ],
)
def test_a_workflow_that_is_not_there_is_said_with_the_nearest(
    cli: Cli, name: str, message: str
) -> None:
    done = cli("run", name)

    assert done.exit_code == 2
    assert message in done.stderr


def test_explain_says_what_changed(cli: Cli, write: Write) -> None:
    nodes = {
        "wait": {"type": "Wait", "values": {"seconds": 0.05}},
        "twice": {"type": "Double", "links": {"value": "wait.value"}},
    }
    file = write(
        nodes=nodes, params={"seconds": {"to": "wait.seconds"}}, results={"n": "twice.value"}
    )

    cli("run", file)
    done = cli("explain", file, "--set", "seconds=0.06")

    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[:2] for line in lines[:2]] == [["wait", "runs"], ["twice", "waits"]]
    assert "seconds was 0.05, is 0.06" in done.stdout
    assert lines[-1] == ["2", "of", "2", "nodes", "would", "run"]


def test_nodes_finds_a_node_by_a_word_of_the_field(cli: Cli) -> None:
    said = cli("nodes", "ksampler").stdout.splitlines()

    assert "no node is named 'ksampler'" in said[0]
    assert said[1].split()[0] == "Sample"
    assert [kind["type"] for kind in json.loads(cli("nodes", "img2img", "--json").stdout)] == [
        "ImageToImage"
    ]


def test_nodes_lists_every_node_with_its_first_sentence(cli: Cli) -> None:
    said = cli("nodes").stdout

    assert "  Canny " in said
    assert "Take ten steps." in said


def test_a_node_is_shown_with_limits_defaults_and_outputs(cli: Cli) -> None:
    said = " ".join(cli("nodes", "Paint").stdout.split())

    assert "Paint one pixel." in said
    assert "grey int 0 0 to 255" in said
    assert "image Dot" in said


def test_an_input_that_may_be_empty_is_shown_with_its_limits(cli: Cli) -> None:
    said = " ".join(cli("nodes", "Resize").stdout.split())

    assert "8 to 8192" in said


def test_an_unknown_node_is_answered_with_the_nearest(cli: Cli) -> None:
    assert "did you mean 'Canny'?" in cli("nodes", "canny").stderr
    assert "did you mean 'Double'?" in cli("nodes", "Duble").stderr


def test_nodes_can_be_had_as_json(cli: Cli) -> None:
    described = {node["type"]: node for node in json.loads(cli("nodes", "--json").stdout)}

    assert described["Paint"]["inputs"]["grey"]["maximum"] == 255


def test_a_broken_node_file_is_named_and_stops_nobody(cli: Cli, nodes: Path, write: Write) -> None:
    (nodes / "bad.py").write_text("import nothing_of_this_name\n")

    done = cli("run", write(**speaking()))

    assert (done.exit_code, done.stdout) == (0, "said = 'hello'\n")
    assert "bad.py: ModuleNotFoundError: No module named 'nothing_of_this_name'" in done.stderr


def test_workflows_lists_those_that_are_shipped(cli: Cli) -> None:
    said = cli("workflows", toys=False).stdout

    assert "canny-portraits  Canny portraits" in said
    assert "low_threshold" in said


def test_show_writes_the_format_its_file_name_says(cli: Cli, write: Write) -> None:
    cli("show", write(**speaking()), "-o", "graph.svg")
    cli("show", write(**speaking()), "-o", "graph.mmd")

    assert Path("graph.svg").read_text().startswith("<svg ")
    assert Path("graph.mmd").read_text().startswith("flowchart LR")
    assert cli("show", write(**speaking())).stdout == "say: Speak  text=hello  ⇒ said\n"


def test_the_cache_tells_its_size_and_can_be_cleared(
    cli: Cli, write: Write, cache_folder: Path
) -> None:
    file = write(
        nodes={"wait": {"type": "Wait", "values": {"seconds": 0.05}}}, results={"n": "wait.value"}
    )
    cli("run", file)

    assert str(cache_folder) in cli("cache", toys=False).stdout
    assert cli("cache", "--clear", toys=False).exit_code == 0
    assert "cached" not in cli("run", file).stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "toy.json"], "'toy.json' is not a folder; name one with --out"),
        (["--device", "gpu"], "--device 'gpu': write cpu, cuda, cuda:1, or several with commas"),
        (["--dtype", "int8"], "--dtype 'int8': it should be auto, float32, float16, bfloat16"),
        (["--budget", "lots"], "'lots' is not a size"),
        (["--data", "nowhere"], "--data 'nowhere': there is no such folder"),
    ],
)
def test_an_option_that_cannot_be_is_refused_in_a_sentence(
    cli: Cli, write: Write, arguments: list[str], message: str
) -> None:
    done = cli("run", write(**painting()), *arguments)

    assert (done.exit_code, "Traceback" in done.output) == (2, False)
    assert message in done.stderr


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (["show", "--format", "text", "-o", "toy.json"], "a workflow"),
        (["show", "--format", "svg", "-o", "output/toy-image.png"], "a picture"),
        (["lock", "-o", "output/toy-image.png"], "a picture"),
        (["lock", "-o", "notes.txt"], "another file"),
    ],
)
def test_no_command_writes_over_what_it_does_not_make(
    cli: Cli, write: Write, tmp_path: Path, command: list[str], kind: str
) -> None:
    file, output = write(**painting()), command[-1]
    cli("run", file)
    (tmp_path / "notes.txt").write_text("buy milk")
    before = (tmp_path / output).read_bytes()

    done = cli(*command, file)

    assert (tmp_path / output).read_bytes() == before
    assert done.exit_code == 2
    assert f"{output!r} is {kind} and would be lost; name another file" in done.stderr


def test_drawings_and_pinned_workflows_take_the_place_of_earlier_ones(
    cli: Cli, write: Write
) -> None:
    file = write(**painting())

    codes = [
        cli(*command).exit_code
        for command in (["show", file, "-o", "a.svg"], ["lock", file, "-o", "b.json"]) * 2
    ]

    assert codes == [0, 0, 0, 0]


def test_a_graph_is_not_drawn_into_a_file_of_another_format(cli: Cli, write: Write) -> None:
    done = cli("show", write(**painting()), "-o", "graph.png")

    assert done.exit_code == 2
    assert "'graph.png': no graph is drawn as .png; use .svg, .mmd" in done.stderr
