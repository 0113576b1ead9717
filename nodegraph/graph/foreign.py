"""Files and documents of other programs, called by name where they are taken for workflows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..carriers.picture import sniff

_MAGIC: Mapping[bytes, str] = {
    b"GIF8": "a GIF picture",
    b"II*\0": "a TIFF picture",
    b"MM\0*": "a TIFF picture",
    b"8BPS": "a Photoshop picture",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "packed by gzip",
    b"BZh": "packed by bzip2",
    b"\xfd7zXZ\0": "packed by xz",
    b"\x28\xb5\x2f\xfd": "packed by zstd",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"PK\x03\x04": "a ZIP archive, or a model that is a pickle",
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"GGUF": "a model (GGUF)",
    b"SQLite format 3\0": "an SQLite database",
    b"\x7fELF": "a program",
    b"MZ": "a program",
}
_SPELLED = {"WEBP": "WebP"}
_UTF_16 = (b"\xff\xfe", b"\xfe\xff", b"{\0", b"\0{")
_INFOTEXT = re.compile(r"^Steps: \d+, ", re.MULTILINE)
_YAML = re.compile(r"(?:---|%YAML|[A-Za-z_][\w -]*:(?:\s|$))")
_BINARY = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")


def name_bytes(data: bytes) -> str | None:
    """What a file is, by its first bytes, that is no text in UTF-8; None where nobody can tell."""
    if data[8:10] == b'{"' and int.from_bytes(data[:8], "little") < 2**27:
        return "a model (safetensors)"
    if (format := sniff(data[:12])) is not None:
        return f"a {_SPELLED.get(format, format)} picture"
    for magic, name in _MAGIC.items():
        if data.startswith(magic):
            return name
    if data.startswith(_UTF_16):
        return "text in UTF-16; save it as UTF-8"
    return "no text, but binary data" if _BINARY.search(data[:1024]) else None


def name_text(text: str) -> str | None:
    """What a text is that is no JSON; None where nobody can tell."""
    start = text.lstrip()
    first = next((line for line in text.splitlines() if line.strip() and line[0] != "#"), "")
    if not start:
        return "empty"
    if start[0] == "<":
        return "a drawing (SVG)" if "<svg" in start[:1000] else "a page (HTML or XML)"
    if _INFOTEXT.search(text):
        return "the settings of a picture, as A1111's web UI writes them"
    return "YAML" if _YAML.match(first) else None


def name_document(document: Mapping[str, Any]) -> str | None:
    """What a JSON object is, of another program or ours, that is no workflow; else None."""
    return next((name for name, fits in _DOCUMENTS.items() if fits(document)), None)


def name_keywords(keywords: Iterable[str]) -> str | None:
    """Whose texts a picture carries, by their keywords; None where nobody can tell."""
    texts = set(keywords)
    if texts & {"workflow", "prompt"}:
        return "a graph of ComfyUI"
    if any(keyword.startswith(("invokeai_", "sd-metadata")) for keyword in texts):
        return "a graph of InvokeAI"
    return "settings of A1111's web UI" if "parameters" in texts else None


def _is_comfy_page(document: Mapping[str, Any]) -> bool:
    lists = isinstance(document.get("links"), list) or "last_node_id" in document
    return isinstance(document.get("nodes"), list) and lists


def _is_comfy_api(document: Mapping[str, Any]) -> bool:
    return any(
        isinstance(graph, dict)
        and bool(graph)
        and all(isinstance(call, dict) and "class_type" in call for call in graph.values())
        for graph in (document, document.get("prompt"))
    )


def _has_edges(document: Any) -> bool:
    has_nodes = isinstance(document, dict) and "nodes" in document
    return has_nodes and isinstance(document.get("edges"), list | dict)


def _is_invoke(document: Mapping[str, Any]) -> bool:
    if not _has_edges(document):
        return False
    edges = [edge for edge in document["edges"] if isinstance(edge, dict)]
    fields = {"exposedFields", "form"} & document.keys()
    return bool(fields) or any({"source", "destination"} <= edge.keys() for edge in edges)


_DOCUMENTS: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "a graph of ComfyUI, as its page saves it": _is_comfy_page,
    "a graph of ComfyUI, in the form of its API": _is_comfy_api,
    "a graph of InvokeAI": _is_invoke,
    "a chain of chaiNNer": lambda document: _has_edges(document.get("content")),
    "a graph of another program": _has_edges,
    "the configuration of a model": lambda document: (
        "_class_name" in document or "_diffusers_version" in document
    ),
    "what a server answers; the workflow is the part called 'workflow'": lambda document: (
        "nodes" not in document and isinstance(document.get("workflow"), dict)
    ),
}
