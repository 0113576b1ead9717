"""Documents of other programs that are sent: each is called what it is, wherever it is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ..support.foreign import DOCUMENTS
from ..support.serving import client, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Path]]:
    folder = tmp_path_factory.mktemp("server")
    with serving(folder) as parts, client(parts) as asking:
        yield asking, folder


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("path", ["check", "explain", "form", "jobs", "workflows/mine"])
def test_a_document_of_another_kind_is_called_what_it_is(
    server: tuple[TestClient, Path], name: str, path: str
) -> None:
    asking, _ = server
    document, words = DOCUMENTS[name]

    if path.startswith("workflows"):
        answer = asking.put(f"/v1/{path}", json=document, headers={"If-None-Match": "*"})
    else:
        answer = asking.post(f"/v1/{path}", json={"workflow": document})

    assert answer.status_code == 422
    problem = answer.json()["error"]["problems"][0]
    assert words in f"{problem['address']}: {problem['message']}"
