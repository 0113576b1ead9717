"""The page of the documentation that tells of HTTP and the websocket, made from what they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

EVENTS: Mapping[str, tuple[str, str]] = {
    "job.queued": ("title, priority", "A job waits."),
    "job.moved": ("priority, place", "It has another place in the queue."),
    "job.started": ("device, attempt", "A worker began."),
    "job.progress": ("done, total", "So many of its items are known."),
    "job.cancelling": ("", "It was asked to stop."),
    "job.cancelled": ("", "It has stopped."),
    "job.requeued": ("why", "Its worker is gone; it waits again."),
    "job.done": (
        "results, counts, seconds, degraded",
        "It made all it was to make; `degraded` as below, of all its nodes.",
    ),
    "job.failed": (
        "problems, results, degraded",
        "It did not; what it made nevertheless is kept.",
    ),
    "node.started": ("node, items", "Items of a node are being computed."),
    "node.progress": (
        "node, items, done, total, resumed",
        "So many steps are done; with `resumed`, by an earlier run that began alike.",
    ),
    "node.cached": (
        "node, items, degraded",
        "Items were known already; `degraded` as below.",
    ),
    "node.finished": (
        "node, items, seconds, degraded, resumed",
        "Items have been computed; `degraded`, where memory was short, says how: `batch 2 of 4`,"
        " `tiled`, `models offloaded`, `layers offloaded`. `resumed` says where it went on from"
        " what an earlier run had done: `at step 16 of 20`.",
    ),
    "node.failed": ("node, items, message", "Why a node could not compute them."),
    "node.skipped": ("node, items, because", "They need what failed."),
    "node.result": ("node, items, output, assets", "What an output looks like, as small pictures."),
    "job.deleted": ("id", "A job was forgotten."),
    "queue.changed": ("queued, running", "So many jobs wait and run."),
}
"""Every kind of event: what its data holds, and what it says."""

_HEAD = """\
# HTTP and the websocket

Generated from the code by `make docs`. A running server describes itself at `/v1/openapi.json`;
[Run a server](operate.md) tells how to start one.

Everything lies under `/v1`; `/` is the page of the editor. Bodies and answers are JSON in UTF-8,
except pictures; times are seconds since 1970. A server that asks for a token takes it as
`Authorization: Bearer …`, never in an address.

```sh
curl -X POST localhost:8188/v1/jobs -H 'Content-Type: application/json' \\
    -H 'Idempotency-Key: monday-1' -d '{"name": "canny-portraits", "params": {"seed": 7}}'
```

A refusal has a code for programs, a sentence for people, and every mistake at its address:

```text
{"error": {"code": "refused", "message": "1 problem in the workflow", "problems":
    [{"address": "edges.low_threshold", "message": "300 should be less than or equal to 255"}]}}
```

| status | code | |
| --- | --- | --- |
"""

SAID: Mapping[str, str] = {
    '{"type": "hello", "after": 1234, "jobs": "all", "previews": true}': (
        "First. `after` is the last event it knows, or null to begin with now; `jobs` is `all`"
        " or a list of ids."
    ),
    '{"type": "subscribe", "jobs": [ids]}': "Other jobs from now on.",
    '{"type": "ping"}': "Asks for a pong.",
}
"""What a client may say."""
TOLD: Mapping[str, str] = {
    '{"type": "welcome", "seq": 1240, "client": id}': "`seq` is the last event there was.",
    '{"type": "event", "seq", "job", "time", "kind", "data"}': (
        "Something happened. Numbers grow, with gaps where other jobs are left out."
    ),
    '{"type": "gap", "after": 1240}': (
        "Asked for more than is kept: read anew by HTTP, and go on from there."
    ),
    '{"type": "pong"}': "",
}
"""What the server says."""

_SOCKET = """
## The websocket `/v1/ws`

It speaks `nodegraph.v1`. A page offers that and, where a token is needed,
`token.<the token in base64url>` as subprotocols; a program may send the Authorization header.

The client says, as JSON text:

{said}

The server says:

{told}

Events are in the database before they are sent. Who comes back with the last number it knows misses
none and hears none twice.

A binary message is a preview of what a node is making: the length of a header (four bytes, the
highest first), the header in JSON (`{"job", "node", "items", "done", "total", "width", "height"}`),
and a JPEG. A newer preview of the same items takes the place of one that could not be sent yet.

It closes with 1008 for what it does not understand, 1009 for a message of more than 1 MiB, 1012
when the server is stopped, and 1013 when too many are connected or a client reads too slowly.

### Events

| kind | data | |
| --- | --- | --- |
"""


def page(document: Mapping[str, Any], statuses: Mapping[int, tuple[str, str]]) -> str:
    """The whole page.

    Args:
        document: What `/v1/openapi.json` answers.
        statuses: The code and the words of every refusal.
    """
    rows = [f"| {status} | `{code}` | {words} |" for status, (code, words) in statuses.items()]
    lines = [_HEAD + "\n".join(rows)]
    for tag in dict.fromkeys(tag for *_, one in _operations(document) for tag in one["tags"]):
        lines += ["", f"## {tag.capitalize()}"]
        for method, path, operation in _operations(document):
            if tag in operation["tags"]:
                lines += _operation(method, path, operation, document)
    lines += _types(document)
    events = [f"| `{kind}` | {data} | {what} |" for kind, (data, what) in EVENTS.items()]
    socket = _SOCKET.replace("{said}", _table(SAID)).replace("{told}", _table(TOLD))
    return "\n".join(lines) + "\n" + socket + "\n".join(events) + "\n"


def _types(document: Mapping[str, Any]) -> Iterator[str]:
    """The objects that answers are made of."""
    yield from ("", "## Objects")
    for name, about in document["components"]["schemas"].items():
        if name.endswith("Body") or not about.get("properties"):
            continue
        fields = (f"`{field}` ({_type(one)})" for field, one in about["properties"].items())
        said = " ".join(about.get("description", "").split())
        yield from ("", f"**{name}**: {said} {', '.join(fields)}.")


def _table(messages: Mapping[str, str]) -> str:
    rows = [f"| `{message}` | {what} |" for message, what in messages.items()]
    return "\n".join(["| | |", "| --- | --- |", *rows])


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _operation(
    method: str, path: str, operation: Mapping[str, Any], document: Mapping[str, Any]
) -> Iterator[str]:
    yield from ("", f"### {method} {path}", "", " ".join(operation["description"].split()), "")
    schemas = document["components"]["schemas"]
    rows = [
        (f"`{one['name']}`", f"{one['in']}. {one.get('description', '')}".rstrip(". ") + ".")
        for one in operation.get("parameters", ())
    ]
    sent = _schema(operation.get("requestBody", {}).get("content", {}), schemas)
    rows += [(f"`{name}`", f"body: {_type(about)}") for name, about in sent.items()]
    if rows:
        yield from ("| | |", "| --- | --- |")
        yield from (f"| {name} | {what} |" for name, what in rows)
        yield ""
    for status, answer in operation["responses"].items():
        if int(status) < 300:
            yield f"Answers {status}: {_answer(answer.get('content', {}), schemas)}"
    refusals = [s for s in operation["responses"] if int(s) >= 400]
    yield f"Refuses with {', '.join(refusals)}."


def _schema(content: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of a JSON body or answer that is described by name."""
    name = _name(content.get("application/json", {}).get("schema", {}))
    found: Mapping[str, Any] = schemas.get(name, {}).get("properties", {})
    return found


def _answer(content: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    fields = _schema(content, schemas)
    if fields:
        return ", ".join(f"`{name}` ({_type(about)})" for name, about in fields.items()) + "."
    if "application/json" in content:
        return f"{_type(content['application/json'].get('schema', {}))}."
    return f"{' or '.join(content)}." if content else "nothing."


def _type(about: Mapping[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if name := _name(about):
        return name
    if options := about.get("anyOf"):
        return " or ".join(dict.fromkeys(map(_type, options)))
    if "enum" in about:
        return " or ".join(f"`{one}`" for one in about["enum"])
    if "const" in about:
        return f"`{about['const']}`"
    kind, inner = about.get("type", "any value"), about.get("additionalProperties")
    if kind == "array":
        inner = about.get("items", {})
    of = f" of {_type(inner)}" if isinstance(inner, dict) and inner else ""
    return f"{'list' if kind == 'array' else kind}{of}"


def _name(about: Mapping[str, Any]) -> str:
    return str(about.get("$ref", "")).rpartition("/")[2]
