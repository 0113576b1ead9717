"""The command line: what it prints, saves and refuses, and how it ends."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from nodegraph.carriers.picture import read_text, read_workflow, with_texts
from nodegraph.cli.app import app
from nodegraph.cli.form import show_form
from nodegraph.cli.results import result_lines
from nodegraph.execution.provenance import DEGRADED, PARAMS, RESULTS, VERSIONS

TOYS = Path(__file__).parent.parent / "support" / "cli_toys.py"

Cli = Callable[..., Result]
Write = Callable[..., str]


@pytest.fixture
def nodes(tmp_path: Path) -> Path:
    """A folder with the toys' file."""
    folder = tmp_path / "nodes"
    folder.mkdir()
    (folder / "toys.py").write_text(TOYS.read_text())
    return folder


@pytest.fixture
def cli(tmp_path: Path, nodes: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command with the toys, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def call(command: str, *arguments: object, toys: bool = True) -> Result:
        more = ["--nodes", str(nodes)] if toys else []
        return CliRunner().invoke(app, [command, *map(str, arguments), *more])

    return call


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a workflow of these nodes to a file."""

    def call(name: str = "toy.json", **parts: Any) -> str:
        path = tmp_path / name
        path.write_text(json.dumps({"format": 1, **parts}))
        return str(path)

    return call


def painting(grey: object = 7) -> Mapping[str, Any]:
    return {
        "nodes": {"paint": {"type": "Paint", "values": {"grey": grey}}},
        "params": {"grey": {"to": "paint.grey"}},
        "results": {"image": "paint.image"},
    }


def speaking() -> Mapping[str, Any]:
    return {
        "nodes": {"say": {"type": "Speak", "values": {"text": "hello"}}},
        "params": {
            "text": {"to": "say.text", "help": "What to say", "label": "Text"},
            "loud": {"to": "say.loud"},
            "words": {"to": []},
        },
        "results": {"said": "say.text"},
    }


def test_a_picture_is_saved_under_the_names_of_workflow_and_result(
    cli: Cli, write: Write, tmp_path: Path
) -> None:
    done = cli("run", write(**painting()))

    assert (done.exit_code, done.stdout.splitlines()) == (0, ["output/toy-image.png"])
    assert sorted(path.name for path in (tmp_path / "output").iterdir()) == ["toy-image.png"]


def test_a_saved_picture_carries_the_workflow_as_it_was_run(
    cli: Cli, write: Write, tmp_path: Path
) -> None:
    cli("run", write(**painting()), "--set", "grey=9")

    carried = json.loads(read_workflow(tmp_path / "output/toy-image.png") or "")
    assert carried["nodes"]["paint"]["values"] == {"grey": 9}


def test_a_saved_picture_carries_its_params_versions_and_key(
    cli: Cli, write: Write, tmp_path: Path
) -> None:
    done = cli("run", write(**painting([7, 9])), "--json")

    events = [json.loads(line) for line in done.stdout.splitlines()]
    keys = [event["key"] for event in events if event["event"] == "finished"]
    carried = {
        keyword: json.loads(read_text(tmp_path / "output/toy-image-02.png", keyword) or "")
        for keyword in (PARAMS, VERSIONS, RESULTS)
    }
    assert carried == {
        PARAMS: {"grey": [7, 9]},
        VERSIONS: {"nodegraph": version("nodegraph-diffusion"), "node Paint": "1"},
        RESULTS: {"image[1]": keys[1]},
    }


def test_a_picture_that_memory_was_too_short_for_says_so_when_it_is_shown_and_compared(
    cli: Cli, write: Write
) -> None:
    spilling = {
        "nodes": {"spill": {"type": "Spill", "values": {"grey": [7, 9]}}},
        "results": {"image": "spill.image"},
    }
    file = write(**spilling)
    cli("run", file, "--out", "short")
    cli("run", file, "--out", "plain", "--batch", "1", "--no-cache")
    short, plain = "short/toy-image-01.png", "plain/toy-image-01.png"

    said = "spill: memory was short, so it was made by batch 1 of 2"
    assert json.loads(read_text(Path(short), DEGRADED) or "") == {"spill": ["batch 1 of 2"]}
    assert read_text(Path(plain), DEGRADED) is None
    assert said in cli("show", short).stderr
    assert "memory" not in cli("show", plain).stderr + cli("show", file).stderr
    done = cli("diff", plain, short)
    assert (done.exit_code, done.stdout) == (
        1,
        "spill: memory was short (as asked → batch 1 of 2)\n",
    )
    assert cli("diff", short, file).stdout == "the same graph\n"


def test_a_saved_picture_can_be_run_again(cli: Cli, write: Write) -> None:
    cli("run", write(**painting()), "--set", "grey=9", "--out", "first")

    done = cli("run", "first/toy-image.png", "--out", "second")

    assert done.stdout.splitlines() == ["second/toy-image-image.png"]
    first, second = Path("first/toy-image.png"), Path("second/toy-image-image.png")
    assert first.read_bytes() == second.read_bytes()


def test_a_picture_made_with_a_template_in_a_file_can_be_run_again_anywhere(
    cli: Cli, write: Write, tmp_path: Path
) -> None:
    (tmp_path / "parts").mkdir()
    write("parts/dot.json", **painting())
    nodes = {"dot": {"type": "./parts/dot.json", "values": {"grey": 9}}}
    file = write(nodes=nodes, params={"grey": {"to": "dot.grey"}}, results={"image": "dot.image"})
    cli("run", file, "--set", "grey=11", "--out", "elsewhere")
    (tmp_path / "parts/dot.json").unlink()

    done = cli("run", "elsewhere/toy-image.png", "--out", "again")

    assert (done.exit_code, done.stdout) == (0, "again/toy-image-image.png\n")
    first, second = Path("elsewhere/toy-image.png"), Path("again/toy-image-image.png")
    assert first.read_bytes() == second.read_bytes()


def test_check_and_show_read_templates_in_files(cli: Cli, write: Write, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    write("parts/dot.json", **painting())
    nodes = {"dot": {"type": "./parts/dt.json"}}

    missing = cli("check", write(nodes=nodes))
    shown = cli("show", write(nodes={"dot": {"type": "./parts/dot.json"}}))

    assert missing.exit_code == 2
    assert "dot: no file './parts/dt.json'; did you mean './parts/dot.json'?" in missing.stderr
    assert shown.stdout == "dot: ./parts/dot.json\n"


def test_a_shipped_workflow_is_a_node_by_folder_and_name(cli: Cli, write: Write) -> None:
    nodes = {"x": {"type": "workflows/canny-to-image"}}

    assert cli("check", write(nodes=nodes, results={"image": "x.image"})).exit_code == 0
    assert "x: no 'workflows/canny-to-imge'; did you mean 'workflows/canny-to-image'?" in (
        cli("check", write(nodes={"x": {"type": "workflows/canny-to-imge"}})).stderr
    )


def test_a_picture_and_its_workflow_are_the_same_graph(cli: Cli, write: Write) -> None:
    file = write(**painting())
    cli("run", file)

    done = cli("diff", file, "output/toy-image.png")

    assert (done.exit_code, done.stdout) == (0, "the same graph\n")


def test_what_differs_between_two_pictures_is_said(cli: Cli, write: Write) -> None:
    file = write(**painting())
    for grey in (7, 9):
        cli("run", file, "--set", f"grey={grey}")

    done = cli("diff", "output/toy-image.png", "output/toy-image-2.png")
    as_json = json.loads(
        cli("diff", "output/toy-image.png", "output/toy-image-2.png", "--json").stdout
    )

    assert (done.exit_code, done.stdout) == (1, "grey: 7 → 9\n")
    assert as_json == {
        "same": False,
        "differences": [
            {"sort": "param", "where": "grey", "before": "7", "after": "9", "text": "grey: 7 → 9"}
        ],
    }


def test_other_versions_make_a_difference(cli: Cli, write: Write, tmp_path: Path) -> None:
    file = write(**painting())
    cli("run", file)
    picture = (tmp_path / "output/toy-image.png").read_bytes()
    texts = {"nodegraph": Path(file).read_text(), VERSIONS: '{"nodegraph": "0.0.1"}'}
    for name, more in {
        "old": texts,
        "odd": {**texts, VERSIONS: "[]"},
        "bad": {**texts, VERSIONS: "{"},
    }.items():
        (tmp_path / f"{name}.png").write_bytes(with_texts(picture[:8] + picture[8:33], more))

    done = cli("diff", "old.png", "output/toy-image.png")

    ours = version("nodegraph-diffusion")
    assert (done.exit_code, done.stdout) == (1, f"nodegraph: 0.0.1 → {ours}\n")
    assert [cli("diff", f"{n}.png", "output/toy-image.png").exit_code for n in ("odd", "bad")] == [
        0,
        0,
    ]


def test_what_cannot_be_compared_ends_with_2_and_names_the_file(cli: Cli, write: Write) -> None:
    file, bad = write(**painting()), write("bad.json", nodes={"a": {"type": "Pant"}})

    done, gone = cli("diff", file, bad), cli("diff", file, "gone.json")

    assert (done.exit_code, gone.exit_code) == (2, 2)
    assert "bad.json: a: no 'Pant'; did you mean 'Paint'?" in done.stderr
    assert "no file 'gone.json'" in gone.stderr


def test_the_same_picture_keeps_its_file_and_another_gets_a_number(cli: Cli, write: Write) -> None:
    file = write(**painting())

    said = [cli("run", file, "--set", f"grey={grey}").stdout.strip() for grey in (1, 1, 2, 2, 1)]

    one, two = "output/toy-image.png", "output/toy-image-2.png"
    assert said == [one, one, two, two, one]


def test_several_pictures_are_numbered(cli: Cli, write: Write) -> None:
    done = cli("run", write(**painting([1, 2])))

    assert done.stdout.splitlines() == ["output/toy-image-01.png", "output/toy-image-02.png"]


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


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["text=hi"], "said = 'hi'"),
        (["text=12"], "said = '12'"),
        (["text=[1, 2]"], "said = '[1, 2]'"),
        (["text=a=b"], "said = 'a=b'"),
        (["text="], "said = ''"),
        (['text=["a", "b"]'], "said = ['a', 'b']"),
        (["text=a", "text=b"], "said = ['a', 'b']"),
        (["text=null", "loud=true"], "said = 'NULL'"),
        (["say.text=hi", "say.loud=true"], "said = 'HI'"),
        (["words=a"], "said = 'hello'"),
    ],
)
def test_a_setting_is_json_where_the_input_takes_that_and_text_otherwise(
    cli: Cli, write: Write, settings: list[str], said: str
) -> None:
    arguments = [argument for setting in settings for argument in ("--set", setting)]

    assert cli("run", write(**speaking()), *arguments).stdout.strip() == said


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("txt=hi", "--set txt: no 'txt'; did you mean 'text'?"),
        ("sai.text=hi", "--set sai.text: no 'sai'; did you mean 'say'?"),
        ("say.txt=hi", "say.txt: no 'txt'; did you mean 'text'?"),
        ("text", "--set 'text': write name=value"),
        ("loud=perhaps", "say.loud: 'perhaps' should be a valid boolean"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_could(
    cli: Cli, write: Write, setting: str, message: str
) -> None:
    done = cli("run", write(**speaking()), "--set", setting)

    assert done.exit_code == 2
    assert message in done.stderr


def test_an_input_that_is_no_param_is_named_by_its_address(cli: Cli, write: Write) -> None:
    done = cli("run", write(nodes=speaking()["nodes"]), "--set", "text=hi")

    assert "--set text: no 'text'; it has none; or write 'say.text'" in done.stderr


@pytest.mark.parametrize(
    ("settings", "total"),
    [(["n=3"], 3), (["n=3", "n=4"], 7), (["n=[3, 4]"], 7), (["sum.values=5"], 5)],
)
def test_one_value_for_an_input_that_takes_a_list_is_a_list_of_one(
    cli: Cli, write: Write, settings: list[str], total: int
) -> None:
    file = write(
        nodes={"sum": {"type": "Sum"}},
        params={"n": {"to": "sum.values"}},
        results={"t": "sum.value"},
    )

    done = cli("run", file, *(word for one in settings for word in ("--set", one)))

    assert done.stdout == f"t = {total}\n"


def test_help_for_a_workflow_tells_what_can_be_set_in_it(cli: Cli, write: Write) -> None:
    file = write(**painting(), title="One dot")
    name = Path(file).name

    done = cli("run", name, "--help")

    assert done.exit_code == 0
    assert done.stdout.rstrip().splitlines() == [
        "One dot",
        "",
        f"nodegraph run {name} --set NAME=VALUE …",
        "",
        "param  type  range     default",
        "grey   int   0 to 255  7",
        "",
        "results: image",
        "`nodegraph run --help` lists the options.",
    ]
    assert cli("workflows", name).stdout.rstrip() == done.stdout.rstrip()
    assert "nodegraph explain toy.json --set" in cli("explain", name, "-h").stdout


def test_help_without_a_workflow_lists_the_options(cli: Cli) -> None:
    assert "--no-cache" in cli("run", "--help", toys=False).stdout


def test_help_for_a_workflow_without_params_says_so(cli: Cli, write: Write) -> None:
    done = cli("run", write(nodes=speaking()["nodes"]), "--help")

    assert "it has no params; any input can be set, as NODE.INPUT=VALUE" in done.stdout
    assert "results: none" in done.stdout


def test_help_for_a_workflow_that_is_not_there_says_so(cli: Cli) -> None:
    done = cli("run", "gone.json", "--help")

    assert done.exit_code == 2
    assert "no file 'gone.json'" in done.stderr


def test_in_a_terminal_params_are_a_table(
    write: Write, nodes: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "200")

    show_form(write(**speaking()), [nodes])

    lines = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out).splitlines()
    assert [line.split() for line in lines[4:8]] == [
        ["param", "label", "type", "default"],
        ["text", "Text", "str", "hello", "What", "to", "say"],
        ["loud", "bool", "False"],
        ["words", "unknown", "needed"],
    ]


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


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_found_before_anything_runs(
    cli: Cli, write: Write
) -> None:
    Path("locked").mkdir(mode=0o500)

    done = cli("run", write(**painting()), "--out", "locked")

    assert done.exit_code == 2
    assert "cannot write to 'locked'" in done.stderr


def test_a_full_disk_is_said_in_a_sentence_and_leaves_nothing_half_written(
    cli: Cli, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> int:  # noqa: ARG001
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    done = cli("run", write(**painting()))

    assert (done.exit_code, done.stderr.splitlines()[-1]) == (1, "the disk of 'output' is full")
    assert list(Path("output").iterdir()) == []


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


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_with_130_and_leaves_nothing_half_written(
    write: Write, nodes: Path, tmp_path: Path, stop: signal.Signals
) -> None:
    file = write(nodes={"wait": {"type": "Wait", "values": {"seconds": 30}}, **painting()["nodes"]},
                 results={"waited": "wait.value", "image": "paint.image"})  # fmt: skip
    process = python("-m", "nodegraph", "run", file, "--nodes", str(nodes), "--json", cwd=tmp_path)
    assert process.stdout is not None
    while "progressed" not in process.stdout.readline():
        assert process.poll() is None

    process.send_signal(stop)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 130
    assert said.startswith("cancelled")
    assert not list((tmp_path / "output").iterdir())


def test_nobody_minds_when_the_reader_leaves_early() -> None:
    with python("-m", "nodegraph", "nodes") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        said = process.stderr.read()

    assert "Traceback" not in said
