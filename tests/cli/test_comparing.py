"""`nodegraph diff`, and what `show` says of a picture: two workflows or pictures compared."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from nodegraph.carriers.picture import read_text, with_texts
from nodegraph.execution.provenance import DEGRADED, VERSIONS

from ..support.commands import Cli, Write, painting


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
