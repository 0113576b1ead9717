"""Who may ask at all: hosts, origins, the token, and the walk through every route."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from nodegraph.errors import UserError
from nodegraph.web.app import create_app
from nodegraph.web.middleware.access import Access, access_for, is_loopback
from nodegraph.web.services import Services

from ..support.serving import HOST, ORIGIN, SOUND, TOKEN, client, raw, running, serving

BODY = {"workflow": SOUND}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with serving(tmp_path_factory.mktemp("open")) as parts:
        yield parts


@pytest.fixture(scope="module")
def asking(services: Services) -> Iterator[TestClient]:
    with client(services) as asking:
        yield asking


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("locked")
    with serving(folder, Access(TOKEN)) as parts, client(parts) as asking:
        yield asking


FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:8188",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "127.0.0.1@evil.example",
    "0x7f.1",
    "2130706433",
    "127.1",
    "0.0.0.0",
    "192.168.0.7:8188",
    "[::ffff:127.0.0.1]",
    "localhost:99999",
    "localhost:",
    "localhost\t",
    "localhost/",
    "",
]


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_host_that_is_not_ours_is_refused(asking: TestClient, host: str) -> None:
    answer = asking.get("/v1/health", headers={"Host": host})

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_allowed")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8188", "127.0.0.1:9", "[::1]:8188"])
def test_this_machine_is_known_by_its_names(asking: TestClient, host: str) -> None:
    assert asking.get("/v1/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "lines", [b"", b"Host: localhost\r\nHost: localhost\r\n", b"Host: localhost\r\nHost: evil\r\n"]
)
def test_not_exactly_one_host_is_refused(services: Services, lines: bytes) -> None:
    with running(services) as server:
        answer = raw(server.host, b"GET /v1/health HTTP/1.0\r\n" + lines + b"\r\n")

    assert answer.split(b" ")[1] in (b"400", b"403")


@pytest.mark.parametrize("host", FOREIGN_HOSTS[:6])
def test_a_websocket_of_a_foreign_host_is_refused(asking: TestClient, host: str) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        asking.websocket_connect("/v1/ws", headers={"Host": host}),
    ):
        pass


FOREIGN_ORIGINS = [
    "null",
    "file://",
    "",
    "http://evil.example",
    "https://127.0.0.1:8188",
    "http://127.0.0.1",
    "http://127.0.0.1:8189",
    "http://localhost:8188",
    "http://127.0.0.1:8188.evil.example",
    "http://127.0.0.1:8188#",
    "http://127.0.0.1:8188/",
    "http://evil.example#127.0.0.1:8188",
    "http://user@127.0.0.1:8188",
]


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_page_of_another_origin_changes_nothing(
    asking: TestClient, method: str, origin: str
) -> None:
    answer = asking.request(method, "/v1/jobs", json=BODY, headers={"Origin": origin})

    assert answer.status_code == 403


@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_a_page_of_another_origin_gets_no_websocket(asking: TestClient, origin: str) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        asking.websocket_connect("/v1/ws", headers={"Host": HOST, "Origin": origin}),
    ):
        pass


@pytest.mark.parametrize("site", ["cross-site", "same-site", "strange"])
def test_a_browser_that_says_where_it_comes_from_is_believed(asking: TestClient, site: str) -> None:
    answer = asking.post("/v1/check", json=BODY, headers={"Sec-Fetch-Site": site})

    assert answer.status_code == 403


@pytest.mark.parametrize("headers", [{}, {"Origin": ORIGIN}, {"Sec-Fetch-Site": "same-origin"}])
def test_our_own_page_and_programs_may_change_things(
    asking: TestClient, headers: dict[str, str]
) -> None:
    assert asking.post("/v1/check", json=BODY, headers=headers).status_code == 200


def test_a_link_from_elsewhere_leads_here(asking: TestClient) -> None:
    headers = {
        "Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
    }  # fmt: skip

    assert asking.get("/v1/health", headers=headers).status_code == 200


def test_our_own_page_gets_a_websocket(tmp_path: Path) -> None:
    with serving(tmp_path) as parts, running(parts) as server:
        origin = Origin(f"http://{server.host}")
        with connect(f"ws://{server.host}/v1/ws", origin=origin) as talking:
            talking.send(json.dumps({"type": "hello"}))
            assert json.loads(talking.recv(timeout=60))["type"] == "welcome"


def test_a_reverse_proxy_is_known_by_its_address(tmp_path: Path) -> None:
    access = access_for("127.0.0.1", public=("https://studio.example",))
    with serving(tmp_path, access) as parts, client(parts) as asking:
        headers = {"Host": "studio.example", "Origin": "https://studio.example"}

        assert asking.post("/v1/check", json=BODY, headers=headers).status_code == 200
        headers["Origin"] = "https://studio.example.evil.example"
        assert asking.post("/v1/check", json=BODY, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "url", ["studio.example", "ftp://a.example", "https://a.example/x", "https://"]
)
def test_an_address_of_a_proxy_is_an_origin(url: str) -> None:
    with pytest.raises(UserError, match="write what stands in the browser"):
        access_for("127.0.0.1", public=(url,))


def test_a_server_for_all_addresses_is_known_by_any_of_them_but_by_no_name() -> None:
    access = access_for("0.0.0.0", TOKEN)

    known = [
        access.knows_host(host) for host in ("192.168.0.7:8188", "[fe80::1]:1", "evil.example")
    ]
    assert known == [True, True, False]


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.0.0.1", True), ("127.0.0.9", True), ("::1", True), ("localhost", True),
     ("0.0.0.0", False), ("", False), ("192.168.0.7", False), ("evil.example", False)],
)  # fmt: skip
def test_only_loopback_addresses_need_no_token(host: str, here: bool) -> None:
    assert is_loopback(host) is here


@pytest.mark.parametrize("token", ["short", "with a blank in it", "quote'd-------------"])
def test_a_token_that_can_be_guessed_or_not_be_sent_is_refused(token: str) -> None:
    with pytest.raises(UserError, match="16 characters or more"):
        access_for("0.0.0.0", token)


@pytest.mark.parametrize("host", ["0.0.0.0", "", "::", "192.168.0.7", "studio.example"])
def test_no_server_is_open_to_others_without_a_token(host: str) -> None:
    with pytest.raises(UserError, match="needs a token"):
        access_for(host, "")


WRONG = [
    {},
    {"Authorization": ""},
    {"Authorization": TOKEN},
    {"Authorization": f"Bearer {TOKEN}x"},
    {"Authorization": f"Bearer {TOKEN[:-1]}"},
    {"Authorization": "Bearer "},
    {"Authorization": f"Basic {TOKEN}"},
    {"Cookie": f"token={TOKEN}"},
    {"X-Token": TOKEN},
]


@pytest.mark.parametrize("headers", WRONG)
def test_without_the_very_token_nothing_is_told(
    locked: TestClient, headers: dict[str, str]
) -> None:
    answer = locked.get("/v1/system", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in answer.text


def test_a_token_in_the_address_counts_for_nothing(locked: TestClient) -> None:
    assert locked.get(f"/v1/system?token={TOKEN}&access_token={TOKEN}").status_code == 401


def test_with_the_token_everything_answers(locked: TestClient) -> None:
    answer = locked.get("/v1/system", headers={"Authorization": f"Bearer {TOKEN}"})

    assert answer.status_code == 200


PLACES = {"id": "0" * 32, "name": "canny-portraits", "file": f"{'0' * 64}.png"}


def test_every_route_but_health_and_the_page_needs_the_token(locked: TestClient) -> None:
    """Whatever is added later is closed until somebody opens it here, too."""
    open_routes = []
    for path, methods in locked.get("/v1/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}).json()["paths"].items():  # fmt: skip  # noqa: E501
        for method in methods:
            answer = locked.request(method, path.format(**PLACES))
            if answer.status_code != 401:
                open_routes.append(f"{method} {path}")

    assert open_routes == ["get /v1/health"]


def test_every_route_of_the_application_is_described_or_known(services: Services) -> None:
    """So that the walk above passes all of them."""
    app = create_app(services)
    described = set(app.openapi()["paths"])

    paths = {getattr(route, "path", "") for route in _routes(app.routes)}
    assert paths - described == {"/v1/openapi.json", "/v1/ws", "/{path:path}"}


def _routes(routes: object) -> Iterator[object]:
    for route in routes:  # type: ignore[attr-defined]
        inner = getattr(route, "original_router", None)
        yield from (_routes(inner.routes) if inner is not None else [route])


@pytest.mark.parametrize(
    "path",
    ["/v1/openapi.json", "/v1/nowhere", "/v1", "/v1/", "//v1/system", "/V1/system", "/v1//health",
     "/v1/health/", "/v1/../v1/system", "/prompt", "/index.html", "/assets/x.js", "/jobs.sqlite"],
)  # fmt: skip
def test_what_resembles_a_route_needs_the_token_too(locked: TestClient, path: str) -> None:
    assert locked.get(path).status_code == 401


def subprotocol(token: str) -> str:
    return f"token.{base64.urlsafe_b64encode(token.encode()).decode().rstrip('=')}"


def test_a_websocket_shows_the_token_as_a_subprotocol(tmp_path: Path) -> None:
    offered = [Subprotocol("nodegraph.v1"), Subprotocol(subprotocol(TOKEN))]

    with (
        serving(tmp_path, Access(TOKEN)) as parts,
        running(parts) as server,
        connect(f"ws://{server.host}/v1/ws", subprotocols=offered) as talking,
    ):
        assert talking.subprotocol == "nodegraph.v1"


@pytest.mark.parametrize(
    "offered", [[], ["nodegraph.v1"], ["nodegraph.v1", subprotocol("another token here")],
                ["nodegraph.v1", "token.%%%"], ["nodegraph.v1", "token."]]
)  # fmt: skip
def test_a_websocket_without_the_token_is_refused(locked: TestClient, offered: list[str]) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        locked.websocket_connect("/v1/ws", subprotocols=offered, headers={"Host": HOST}),
    ):
        pass


def test_every_answer_carries_the_headers(asking: TestClient) -> None:
    for path in ("/v1/health", "/v1/nowhere", "/"):
        headers = asking.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["cross-origin-resource-policy"] == "same-origin", path
        assert "default-src" in headers["content-security-policy"], path
        assert "server" not in headers, path
    refused = asking.get("/v1/health", headers={"Host": "evil.example"})
    assert refused.headers["x-content-type-options"] == "nosniff"


def test_no_address_is_turned_into_another(asking: TestClient) -> None:
    for path in ("/v1/jobs/", "/v1/assets/?x=1", "/v1//jobs"):
        assert asking.get(path, follow_redirects=False).status_code == 404, path


def test_no_page_of_another_origin_is_told_that_it_may_read(asking: TestClient) -> None:
    answer = asking.options("/v1/jobs", headers={"Origin": "http://evil.example"})

    assert answer.status_code in (404, 405)
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_server_s_own_name_is_the_host_of_the_tests() -> None:
    assert Access().knows_host(HOST)
    assert Access().knows_origin(ORIGIN, HOST)
