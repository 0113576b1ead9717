"""Names and pictures that somebody sends: no way out of the folder, no file but our own."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from PIL import Image
from starlette.testclient import TestClient

from nodegraph.base.safe_paths import is_plain_name, safe_path
from nodegraph.web.redact import Names
from nodegraph.web.services import Services
from nodegraph.web.workflows.names import file_name, why_no_name

from ..support.pictures import encoded
from ..support.serving import SOUND, client, serving

SECRET = "the secret of this machine"
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a secret beside it, and links in it that lead to the secret."""
    top = tmp_path_factory.mktemp("files")
    (top / "secret.json").write_text(SECRET)
    folder = top / "data"
    (folder / "workflows").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / "workflows" / "linked.json").symlink_to(top / "secret.json")
    (folder / "assets" / f"{'a' * 64}.png").symlink_to(top / "secret.json")
    return folder


@pytest.fixture(scope="module")
def services(folder: Path) -> Iterator[Services]:
    with serving(folder) as parts:
        yield parts


@pytest.fixture(scope="module")
def asking(services: Services) -> Iterator[TestClient]:
    with client(services) as asking:
        yield asking


HOSTILE = [
    "..", "...", "../secret", "../../etc/passwd", "..\\secret", "/etc/passwd", "//etc/passwd",
    "/", "\\", "C:", "C:\\Windows\\win.ini", "C:secret", "\\\\host\\share", "\\\\?\\C:\\x",
    "secret.json::$DATA", "a/../../secret", "a\\..\\..\\secret", "%2e%2e%2fsecret", "..%00",
    "secret\0.png", "\n", "linked\n", "CON", "con.json", "nul", "aux.png", "COM1", "lpt9.txt",
    ".hidden", "~root", "linked.", "linked ", "a" * 300, "\u2025/secret", "\uff0e\uff0e/secret",
    "jobs.sqlite", "../jobs.sqlite", "token", "linked", "a" * 64 + ".png",
    "a" * 64 + ".png/", "A" * 64 + ".PNG",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name[:24]))
def test_no_name_leads_out_of_the_folder(asking: TestClient, name: str) -> None:
    part = quote(name, safe="")
    etag = {"If-Match": '"x"'}
    answers = [
        asking.get(f"/v1/assets/{part}"),
        asking.get(f"/v1/assets/{part}/thumbnail"),
        asking.delete(f"/v1/assets/{part}"),
        asking.get(f"/v1/workflows/{part}"),
        asking.get(f"/v1/workflows/{part}/form"),
        asking.delete(f"/v1/workflows/{part}", headers=etag),
        asking.get(f"/v1/jobs/{part}"),
        asking.get(f"/{part}"),
        asking.post("/v1/jobs", json={"name": name}),
    ]

    assert [one.status_code for one in answers if not 400 <= one.status_code < 500] in ([], [503])
    assert not any(SECRET in one.text for one in answers)


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: repr(name[:24]))
def test_nothing_is_written_under_such_a_name(asking: TestClient, folder: Path, name: str) -> None:
    before = sorted(str(path) for path in folder.parent.rglob("*"))
    answer = asking.put(
        f"/v1/workflows/{quote(name, safe='')}", json=SOUND, headers={"If-None-Match": "*"}
    )

    # What is a name after all (`token`, `C:`) is taken, as a file of ours with our own ending.
    allowed = (404, 405, 422) if why_no_name(unquote(name)) else (201, 404, 405)
    assert answer.status_code in allowed
    after = {str(path) for path in folder.parent.rglob("*")} - set(before)
    file = folder / "workflows" / file_name(unquote(name))
    kept = {str(file)} if answer.status_code == 201 else set()
    assert after == kept
    assert all(re.fullmatch(r"[\w%][^:*?\x22<>|/\\\\]*[.]json", Path(path).name) for path in kept)
    assert (folder.parent / "secret.json").read_text() == SECRET


OUTSIDE = [
    "/etc/passwd", "../secret.json", "../jobs.sqlite", "a\0b", "jobs.sqlite", "~/x.png",
    "/proc/self/environ", "linked.json", "a" * 5000, "C:\\x.png", "*/../../secret*", "/etc/*",
]  # fmt: skip


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: repr(path[:20]))
@pytest.mark.parametrize("kind", ["LoadImage", "LoadImages", "ListImages", "LoadPrompts"])
def test_no_node_reads_outside_of_the_folders(asking: TestClient, kind: str, path: str) -> None:
    nodes = {"a": {"type": kind, "values": {"path": path}}}
    answer = asking.post("/v1/explain", json={"workflow": {"format": 1, "nodes": nodes}})

    if answer.status_code == 200:
        states = {line["state"] for line in answer.json()["lines"]}
        assert states <= {"fails", "runs", "waits"}
    assert answer.status_code in (200, 400, 422)
    for hidden in (SECRET, "root:", str(ROOT), str(Path.home())):
        assert hidden not in answer.text


LISTING = [
    "*/../../shown*.png", "**/../../shown*.png", "**/../shown.png", "assets/*/../../../shown.png",
    "{up}/shown.png", "{up}/shown[1].png", "{up}/*.png", "{top}/shown.png", "{top}/shown[1].png",
    "{top}/*.png", "out/*.png", "*/shown.png", "ou[t]/shown*", "**/shown.png",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["LoadImage", "LoadImages", "ListImages"])
def test_no_pattern_tells_of_pictures_elsewhere(tmp_path: Path, kind: str) -> None:
    """The answer is the same before the pictures are there."""
    top, told = tmp_path / "top", []
    names = [pattern.format(up="../..", top=top) for pattern in LISTING]
    calls = [{"type": kind, "values": {"path": name}} for name in names]
    document = {"format": 1, "nodes": {f"a{n}": call for n, call in enumerate(calls)}}
    (top / "data" / "assets" / "sub").mkdir(parents=True)
    (top / "data" / "assets" / "out").symlink_to(top)
    with serving(top / "data") as parts, client(parts) as asking:
        for _ in range(2):
            told.append(asking.post("/v1/explain", json={"workflow": document}).json()["lines"])
            for picture in ("shown.png", "shown[1].png"):
                (top / picture).touch()

    assert told[0] == told[1]
    assert "runs" not in {line["state"] for line in told[0]}


FILES = ["./../secret.json", "./linked.json", "/etc/passwd.json", "../../x.json", "./a\0.json"]


@pytest.mark.parametrize("type", [*FILES, f"./{'a' * 5000}.json"], ids=lambda type: repr(type[:20]))
def test_no_template_is_read_from_elsewhere(asking: TestClient, folder: Path, type: str) -> None:
    document = {"format": 1, "nodes": {"a": {"type": type}}}
    for path in ("check", "explain", "form", "jobs"):
        answer = asking.post(f"/v1/{path}", json={"workflow": document})
        assert answer.status_code < 500
        for hidden in (SECRET, str(folder.parent)):
            assert hidden not in answer.text, path


def test_a_template_beside_a_kept_workflow_is_used(asking: TestClient) -> None:
    asking.put("/v1/workflows/inner", json=SOUND, headers={"If-None-Match": "*"})
    nodes = {"a": {"type": "./inner.json", "values": {"low": 20}}}
    document = {"format": 1, "nodes": nodes, "results": {"r": "a.edges"}}

    told = asking.post("/v1/check", json={"workflow": document}).json()

    assert told == {"ok": True, "problems": [], "warnings": [], "ends": {}}


def test_sentences_call_folders_by_name(tmp_path: Path) -> None:
    names = Names({tmp_path: "data", tmp_path / "assets": "assets", Path("/opt/x"): "inputs"})
    text = f"no file 'a.png' in {tmp_path}/assets, /opt/x; see /usr/lib/python3/site.py, a/b, 1/2"

    assert names.hide(text) == ("no file 'a.png' in <assets>, <inputs>; see …/site.py, a/b, 1/2")
    assert names.inside({"a": [f"{tmp_path}/b"], "n": 1}) == {"a": ["<data>/b"], "n": 1}


def test_only_plain_names_become_paths(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("/etc/passwd")

    harmless = ["jobs.sqlite", "token", "linked", "a" * 64 + ".png", "A" * 64 + ".PNG"]
    assert [name for name in HOSTILE if is_plain_name(name)] == harmless
    assert safe_path(tmp_path, "x.json") == tmp_path.resolve() / "x.json"
    assert safe_path(tmp_path, "out") is None


# Pictures


def png(width: int, height: int, *chunks: bytes) -> bytes:
    """A PNG that claims a size; what else it holds is up to the chunks."""
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join([chunk(b"IHDR", size), *chunks, chunk(b"IEND", b"")])


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def saved(format: str, **options: object) -> bytes:
    picture = Image.new("RGB", (16, 16), "red")
    return encoded(lambda file: picture.save(file, format, **options))


def frames(count: int) -> bytes:
    file = io.BytesIO()
    pictures = [Image.new("P", (2, 2), index % 250) for index in range(count)]
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:])
    return file.getvalue()


GOOD = saved("PNG")
PICTURES = {
    "a header of 50,000 x 50,000": png(50_000, 50_000),
    "a header of 20,000 x 20,000": png(
        20_000, 20_000, chunk(b"IDAT", zlib.compress(bytes(60_001)))
    ),
    "no pixels": png(16, 16),
    "sides of nothing": png(0, 0),
    "sides of minus one": png(2**32 - 1, 2**32 - 1),
    "a hundred megabytes of text": png(
        16, 16, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8)))
    ),
    "half a file": GOOD[: len(GOOD) // 2],
    "a wrong sum": GOOD[:40] + b"\xff\xff" + GOOD[42:],
    "only a beginning": GOOD[:8],
    "a GIF of many frames": frames(500),
    "a GIF": saved("GIF"),
    "a BMP": saved("BMP"),
    "a TIFF": saved("TIFF"),
    "an ICO": saved("ICO"),
    "an EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "a PSD": b"8BPS\0\1" + bytes(100),
    "a FITS": b"SIMPLE  =                    T" + bytes(100),
    "a PDF": b"%PDF-1.4\n",
    "an SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "a page": b"<!doctype html><script>alert(1)</script>",
    "a pickle": b"\x80\x04\x95cos\nsystem\n.",
    "a zip": b"PK\x03\x04" + bytes(100),
    "nothing": b"",
    "a PNG's sign and then a page": b"\x89PNG\r\n\x1a\n<script>",
    "a JPEG's sign": b"\xff\xd8\xff\xe0",
    "a WebP's sign": b"RIFF\0\0\0\0WEBPVP8 ",
}


@pytest.mark.parametrize("name", PICTURES)
def test_what_is_no_sound_picture_is_not_kept(asking: TestClient, folder: Path, name: str) -> None:
    before = sorted((folder / "assets").iterdir())
    answer = asking.put("/v1/assets", content=PICTURES[name], headers={"Content-Type": "image/png"})

    assert answer.status_code in (413, 415, 422)
    assert sorted((folder / "assets").iterdir()) == before


@pytest.mark.parametrize(
    ("format", "kind", "ending"),
    [("PNG", "image/png", "png"), ("JPEG", "image/jpeg", "jpg"), ("WEBP", "image/webp", "webp")],
)
def test_a_picture_is_kept_under_its_content_and_shown_again(
    asking: TestClient, format: str, kind: str, ending: str
) -> None:
    answer = asking.put("/v1/assets", params={"name": "../my <cat>.html"}, content=saved(format),
                        headers={"Content-Type": kind})  # fmt: skip
    kept = answer.json()
    shown = asking.get(f"/v1/assets/{kept['asset']}")

    assert (answer.status_code, kept["width"], kept["height"]) == (201, 16, 16)
    assert kept["asset"].endswith(f".{ending}")
    assert shown.headers["content-type"] == kind
    assert "sandbox" in shown.headers["content-security-policy"]
    assert "immutable" in shown.headers["cache-control"]
    assert Image.open(io.BytesIO(shown.content)).size == (16, 16)
    again = asking.put("/v1/assets", content=saved(format), headers={"Content-Type": kind})
    assert again.json()["asset"] == kept["asset"]


def test_a_page_hidden_in_a_picture_does_not_come_back(asking: TestClient) -> None:
    script = b"<script>alert(document.domain)</script>"
    hidden = png_with(script)
    kept = asking.put("/v1/assets", content=hidden, headers={"Content-Type": "image/png"}).json()

    shown = asking.get(f"/v1/assets/{kept['asset']}")

    assert script not in shown.content
    assert shown.headers["content-type"] == "image/png"


def png_with(text: bytes) -> bytes:
    return GOOD[:33] + chunk(b"tEXt", b"Comment\0" + text) + GOOD[33:] + text


def test_a_picture_can_be_saved_and_has_a_small_version(asking: TestClient) -> None:
    big = encoded(lambda file: Image.new("RGB", (600, 300)).save(file, "PNG"))
    kept = asking.put("/v1/assets", content=big, headers={"Content-Type": "image/png"}).json()

    saved_as = asking.get(f"/v1/assets/{kept['asset']}?download=1").headers["content-disposition"]
    small = asking.get(f"/v1/assets/{kept['asset']}/thumbnail?size=128")

    assert saved_as == f'attachment; filename="{kept["asset"]}"'
    assert Image.open(io.BytesIO(small.content)).size == (128, 64)


@pytest.mark.parametrize("query", ["size=0", "size=-1", "size=100000", "size=1e9", "size=a"])
def test_a_small_version_of_another_size_is_not_made(asking: TestClient, query: str) -> None:
    assert asking.get(f"/v1/assets/{'b' * 64}.png/thumbnail?{query}").status_code == 422


def test_pictures_are_listed_newest_first_and_can_be_deleted(asking: TestClient) -> None:
    files = []
    for shade in range(3):
        data = encoded(lambda file, s=shade: Image.new("L", (4, 4), s).save(file, "PNG"))  # type: ignore[misc]
        sent = asking.put("/v1/assets", content=data, headers={"Content-Type": "image/png"})
        files.append(sent.json()["asset"])

    first = asking.get("/v1/assets?limit=2").json()
    rest = asking.get("/v1/assets", params={"before": first["next"], "limit": 1}).json()

    assert [one["asset"] for one in (*first["assets"], *rest["assets"])] == files[::-1]
    assert asking.delete(f"/v1/assets/{files[0]}").status_code == 204
    assert asking.get(f"/v1/assets/{files[0]}").status_code == 404


# The page


def test_without_a_built_page_it_is_said_how_to_build_it(asking: TestClient) -> None:
    answer = asking.get("/")

    assert answer.status_code == 503
    assert "python -m nodegraph.web.build" in answer.text


def test_only_files_that_were_built_are_served(tmp_path: Path) -> None:
    page = tmp_path / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html>the page")
    (page / "assets" / "index-1f.js").write_text("start()")
    (page / "stamp.py").write_text("no")
    (page / ".hidden.js").write_text("no")
    (page / "assets" / "out.js").symlink_to("/etc/passwd")
    with serving(tmp_path, page=page) as parts, client(parts) as asking:
        shown = asking.get("/")
        script = asking.get("/assets/index-1f.js")
        others = [
            "/index.html", "/stamp.py", "/.hidden.js", "/assets/out.js", "/assets", "/assets/",
            "/assets/../stamp.py", "/%2e%2e/jobs.sqlite", "/jobs.sqlite", "/assets/INDEX-1f.js",
        ]  # fmt: skip
        codes = {asking.get(path).status_code for path in others}
        again = asking.get("/", headers={"If-None-Match": shown.headers["etag"]})

    assert shown.text == "<!doctype html>the page"
    assert "default-src 'self'" in shown.headers["content-security-policy"]
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in script.headers["cache-control"]
    assert codes == {404}
    assert again.status_code == 304


def test_a_page_that_is_built_while_the_server_runs_is_shown(tmp_path: Path) -> None:
    page = tmp_path / "page"
    with serving(tmp_path, page=page) as parts, client(parts) as asking:
        assert asking.get("/").status_code == 503
        page.mkdir()
        (page / "index.html").write_text("built")
        assert asking.get("/").text == "built"
