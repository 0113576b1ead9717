"""docs/http.md: HTTP by its OpenAPI document, the websocket by the models of its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nodegraph.jobs.events import SHAPES

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

CLIENT_MESSAGES: Mapping[str, str] = {
    '{"type": "hello", "after": 1234, "jobs": "all", "previews": true}': (
        "First. `after` is the last event it knows, or null to begin with now; `jobs` is `all`"
        " or a list of ids."
    ),
    '{"type": "subscribe", "jobs": [ids]}': "Other jobs from now on.",
    '{"type": "ping"}': "Asks for a pong.",
}
"""The messages of a client, and what they are for."""
SERVER_MESSAGES: Mapping[str, str] = {
    '{"type": "welcome", "seq": 1240, "client": id}': "`seq` is the last event there was.",
    '{"type": "event", "seq", "job", "time", "kind", "data"}': (
        "Something happened. Numbers grow, with gaps where other jobs are left out."
    ),
    '{"type": "gap", "after": 1240}': (
        "Asked for more than is kept: read anew by HTTP, and go on from there."
    ),
    '{"type": "pong"}': "",
}
"""The messages of the server, but for previews."""

_SOCKET = """
## The websocket `/v1/ws`

It speaks `nodegraph.v1`. A page offers that and, where a token is needed,
`token.<the token in base64url>` as subprotocols; a program may send the Authorization header.

The client says, as JSON text:

{client}

The server says:

{server}

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
    operations = [operation for *_, operation in _operations(document)]
    for tag in dict.fromkeys(tag for operation in operations for tag in operation["tags"]):
        lines += ["", f"## {tag.capitalize()}"]
        for method, path, operation in _operations(document):
            if tag in operation["tags"]:
                lines += _operation(method, path, operation, document)
    lines += _types(document)
    socket = _SOCKET.replace("{client}", _table(CLIENT_MESSAGES))
    socket = socket.replace("{server}", _table(SERVER_MESSAGES))
    return "\n".join(lines) + "\n" + socket + "\n".join(_events()) + "\n"


def _events() -> Iterator[str]:
    """A row for each kind of event: the fields of its data, and the sentence about its shape."""
    for kind, shape in SHAPES.items():
        fields, about = ", ".join(shape.__annotations__), " ".join(str(shape.__doc__).split())
        yield f"| `{kind}` | {fields} | {about} |"


def _types(document: Mapping[str, Any]) -> Iterator[str]:
    """The objects that answers are made of."""
    yield from ("", "## Objects")
    # Events have a table of their own.
    shaped = {shape.__name__ for shape in SHAPES.values()}
    for name, schema in document["components"]["schemas"].items():
        if name.endswith("Body") or not schema.get("properties"):
            continue
        if name in shaped or name.removesuffix("Event") in shaped:
            continue
        fields = (f"`{field}` ({_type(of)})" for field, of in schema["properties"].items())
        about = " ".join(schema.get("description", "").partition("Attributes:")[0].split())
        yield from ("", f"**{name}**: {about} {', '.join(fields)}.")


def _table(messages: Mapping[str, str]) -> str:
    rows = [f"| `{message}` | {purpose} |" for message, purpose in messages.items()]
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
        (f"`{part['name']}`", f"{part['in']}. {part.get('description', '')}".rstrip(". ") + ".")
        for part in operation.get("parameters", ())
    ]
    sent = _schema(operation.get("requestBody", {}).get("content", {}), schemas)
    rows += [(f"`{name}`", f"body: {_type(about)}") for name, about in sent.items()]
    if rows:
        yield from ("| | |", "| --- | --- |")
        yield from (f"| {name} | {about} |" for name, about in rows)
        yield ""
    for status, answer in operation["responses"].items():
        if int(status) < 300:
            yield f"Answers {status}: {_answer(answer.get('content', {}), schemas)}"
    refusals = [s for s in operation["responses"] if int(s) >= 400]
    yield f"Refuses with {', '.join(refusals)}."


def _schema(content: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """The fields of a JSON body or answer that is described by name."""
    name = _name(content.get("application/json", {}).get("schema", {}))
    fields: Mapping[str, Any] = schemas.get(name, {}).get("properties", {})
    return fields


def _answer(content: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    fields = _schema(content, schemas)
    if fields:
        return ", ".join(f"`{name}` ({_type(about)})" for name, about in fields.items()) + "."
    if "application/json" in content:
        return f"{_type(content['application/json'].get('schema', {}))}."
    return f"{' or '.join(content)}." if content else "nothing."


def _type(about: Mapping[str, Any]) -> str:
    """A JSON Schema in a few words."""
    if about.get("discriminator"):
        return "[event](#events)"
    if name := _name(about):
        return name
    if options := about.get("anyOf"):
        return " or ".join(dict.fromkeys(map(_type, options)))
    if "enum" in about:
        return " or ".join(f"`{value}`" for value in about["enum"])
    if "const" in about:
        return f"`{about['const']}`"
    kind, inner = about.get("type", "any value"), about.get("additionalProperties")
    if kind == "array":
        inner = about.get("items", {})
    of = f" of {_type(inner)}" if isinstance(inner, dict) and inner else ""
    return f"{'list' if kind == 'array' else kind}{of}"


def _name(about: Mapping[str, Any]) -> str:
    return str(about.get("$ref", "")).rpartition("/")[2]
