"""Workflows are kept under any name: the server finds a file for it on every system."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from nodegraph.base.safe_paths import is_device
from nodegraph.web.services import Services
from nodegraph.web.workflows.names import file_name, name_of, why_no_name

from ..support.serving import SOUND, client, serving

NEW = {"If-None-Match": "*"}
NAMES = [
    "mine", "My portraits", "porträt-1", "Πορτρέτα", "портрет", "肖像", "人物写真 ②", "صورة",
    "चित्र", "I'm (nearly) done!", "v1.5", "50 %", "what?", "a: b", "<old>", '"quoted"', "a|b*",
    "CON", "nul.txt", "..almost", "~draft", "é" * 100, "肖" * 80, "👩\u200d🎨", "form",
]  # fmt: skip
CODES = ["%41", "%2F", "%", "%%25"]
"""As a test client sends them, a server would read them twice."""
NO_NAMES = {
    " mine": "begins or ends with a blank",
    "mine\u3000": "begins or ends with a blank",
    "a/b": "has a / or a \\, which would be a folder",
    "a\\b": "has a / or a \\, which would be a folder",
    "a\nb": "has a character that is no letter, such as the end of a line",
    "a\u2028b": "has a character that is no letter, such as the end of a line",
    "...": "has no letter and no digit",
    "\u200b": "has no letter and no digit",
    "a" * 121: "is 121 letters long; at most 120 fit",
    "肖" * 84: "takes 252 bytes as the name of a file; at most 250 fit",
}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with serving(tmp_path_factory.mktemp("names")) as parts:
        yield parts


@pytest.fixture(scope="module")
def asking(services: Services) -> Iterator[TestClient]:
    with client(services) as asking:
        yield asking


def address(name: str) -> str:
    return f"/v1/workflows/{quote(name, safe='')}"


@pytest.mark.parametrize("name", NAMES)
def test_any_text_is_a_name_and_comes_back_as_it_was(asking: TestClient, name: str) -> None:
    made = asking.put(address(name), json=SOUND | {"title": name}, headers=NEW)
    got = asking.get(address(name))
    listed = [one["name"] for one in asking.get("/v1/workflows").json()["workflows"]]
    form = asking.get(f"{address(name)}/form")
    gone = asking.delete(address(name), headers={"If-Match": got.headers["etag"]})

    assert (made.status_code, got.status_code, form.status_code) == (201, 200, 200)
    assert (made.json()["name"], got.json()["workflow"]["title"]) == (name, name)
    assert listed.count(name) == 1
    assert (gone.status_code, asking.get(address(name)).status_code) == (204, 404)


@pytest.mark.parametrize("name", [*NAMES, *CODES])
def test_every_system_takes_the_file_and_gives_the_name_back(name: str) -> None:
    file = file_name(name)

    assert not set(file) & set('/\\:*?"<>|')
    assert file[0] not in ".~ "
    assert not is_device(file)
    assert len(file.encode()) <= 255
    assert name_of(Path(file)) == name


def test_no_two_names_have_one_file() -> None:
    assert len({file_name(name) for name in [*NAMES, *CODES]}) == len([*NAMES, *CODES])


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_cannot_be_a_name_is_refused_in_a_sentence(asking: TestClient, name: str) -> None:
    answer = asking.put(address(name), json=SOUND, headers=NEW)

    assert why_no_name(name) == NO_NAMES[name]
    assert answer.status_code in (404, 405, 422)  # with a / it is another address
    if answer.status_code == 422:
        assert answer.json()["error"]["message"].endswith(f"cannot be a name: it {NO_NAMES[name]}")


@pytest.mark.parametrize("spelling", ["Caf\u00e9", "Cafe\u0301"])
def test_a_file_is_found_however_its_name_is_spelled(
    services: Services, asking: TestClient, spelling: str
) -> None:
    folder = services.graphs.library.folder
    file = folder / f"{spelling}.json"
    file.write_text('{"format": 1, "nodes": {}}')

    listed = [one["name"] for one in asking.get("/v1/workflows").json()["workflows"]]
    tag = asking.get(address("Cafe\u0301")).headers["etag"]
    saved = asking.put(address("Café"), json=SOUND, headers={"If-Match": tag})

    assert "Café" in listed
    assert saved.status_code == 200
    assert [path for path in folder.iterdir() if path.name.startswith("Caf")] == [file]
    file.unlink()


def test_files_that_people_put_there_are_listed_and_dot_files_are_not(
    services: Services, asking: TestClient
) -> None:
    folder = services.graphs.library.folder
    for name in ("my own", "50%25", "._my own"):
        (folder / f"{name}.json").write_text('{"format": 1}')

    listed = {one["name"] for one in asking.get("/v1/workflows").json()["workflows"]}

    assert {"my own", "50%"} <= listed
    assert not any(name.startswith(".") for name in listed)
    assert asking.get(address("my own")).status_code == 200


@pytest.mark.parametrize(
    ("number", "status", "message"),
    [
        (errno.ENOSPC, 507, "the disk is full; nothing was saved"),
        (errno.EROFS, 500, "nothing was kept: the server may not write into its folder"),
        (errno.EACCES, 500, "nothing was kept: the server may not write into its folder"),
    ],
)
def test_what_the_disk_does_not_take_is_said_and_what_was_there_stays(
    asking: TestClient, monkeypatch: pytest.MonkeyPatch, number: int, status: int, message: str
) -> None:
    tag = asking.put(address("kept"), json=SOUND, headers=NEW).headers["etag"]

    def fails(*_: object) -> None:
        raise OSError(number, "it does not work")

    with monkeypatch.context() as patch:
        patch.setattr("nodegraph.jobs.files.publish", fails)
        answer = asking.put(address("kept"), json=SOUND | {"title": "B"}, headers={"If-Match": tag})

    assert (answer.status_code, answer.json()["error"]["message"]) == (status, message)
    assert asking.get(address("kept")).json()["workflow"] == SOUND
    asking.delete(address("kept"), headers={"If-Match": tag})
