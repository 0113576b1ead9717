"""`--set name=value`, and the help that lists what can be set."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from nodegraph.cli.form import show_form

from ..support.commands import Cli, Write, painting, speaking


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


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["text=a", "say.text=b"], "--set say.text: --set text sets say.text, too; leave one out"),
        (["say.text=b", "text=a"], "--set text: --set say.text sets say.text, too; leave one out"),
        (["text=a", "words=b"], "--set words: --set text sets say.text, too; leave one out"),
    ],
)
def test_two_settings_of_one_input_are_refused_rather_than_one_of_them_lost(
    cli: Cli, write: Write, settings: list[str], message: str
) -> None:
    document = speaking()
    params = {**document["params"], "words": {"to": "say.text"}}
    path = write(**{**document, "params": params})

    done = cli("run", path, *(word for one in settings for word in ("--set", one)))

    assert done.exit_code == 2
    assert message in done.stderr


def test_two_settings_of_one_input_may_say_the_same(cli: Cli, write: Write) -> None:
    done = cli("run", write(**speaking()), "--set", "text=a", "--set", "say.text=a")

    assert done.stdout == "said = 'a'\n"


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
