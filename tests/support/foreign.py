"""Files that are taken for workflows and are something else, and what they are to be called."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

SETTINGS = "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1"
COMFY_CALL = {"class_type": "KSampler", "inputs": {"seed": 1, "model": ["4", 0]}}

DOCUMENTS: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "comfy-page": (
        {"last_node_id": 2, "nodes": [{"id": 1, "type": "KSampler"}], "links": [], "version": 0.4},
        "is a graph of ComfyUI, as its page saves it",
    ),
    "comfy-page-old": (
        {"nodes": [], "links": [], "version": 0},
        "is a graph of ComfyUI, as its page saves it",
    ),
    "comfy-api": (
        {"3": COMFY_CALL, "4": COMFY_CALL},
        "is a graph of ComfyUI, in the form of its API",
    ),
    "comfy-request": (
        {"prompt": {"3": COMFY_CALL}, "client_id": "x"},
        "is a graph of ComfyUI, in the form of its API",
    ),
    "invoke-workflow": (
        {"name": "x", "exposedFields": [], "nodes": [{"id": "a"}], "edges": []},
        "is a graph of InvokeAI",
    ),
    "invoke-graph": (
        {
            "id": "g",
            "nodes": {"a": {"id": "a", "type": "noise"}},
            "edges": [{"source": {"node_id": "a"}, "destination": {"node_id": "b"}}],
        },
        "is a graph of InvokeAI",
    ),
    "chainner": (
        {"version": "0.24", "content": {"nodes": [], "edges": [], "viewport": {}}},
        "is a chain of chaiNNer",
    ),
    "flow": ({"nodes": [{"id": "1"}], "edges": []}, "is a graph of another program"),
    "model-index": (
        {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "X"]},
        "is the configuration of a model",
    ),
    "answer": (
        {"name": "a", "version": "b", "workflow": {"format": 1, "nodes": {}}},
        "is what a server answers; the workflow is the part called 'workflow'",
    ),
    "format-0-list": (
        {"version": 0, "nodes": []},
        "this cannot be read as format 0: nodes should be an object",
    ),
    "format-0-call": (
        {"version": 0, "nodes": {"a": 1}},
        "this cannot be read as format 0: a should be an object",
    ),
    "list-of-nodes": ({"format": 1, "nodes": [1]}, "should be an object"),
    "package": ({"name": "x", "dependencies": {}}, 'is missing; a workflow begins with "format"'),
}
"""JSON objects, each with a part of the sentence that refuses it."""


def png(*texts: tuple[str, str]) -> bytes:
    """A PNG file of one pixel with these texts."""
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    bodies = [(b"tEXt", f"{key}\0{text}".encode("latin-1")) for key, text in texts]
    pixel = (b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in [(b"IHDR", header), *bodies, pixel, (b"IEND", b"")]
    )


FILES: Mapping[str, tuple[bytes, str]] = {
    **{name: (json.dumps(doc).encode(), words) for name, (doc, words) in DOCUMENTS.items()},
    "empty": (b"", "is empty"),
    "blank": (b" \n\t", "is empty"),
    "yaml": (b"# a comment\nnodes:\n  photo:\n    type: LoadImage\n", "is YAML"),
    "settings": (SETTINGS.encode(), "is the settings of a picture, as A1111's web UI writes them"),
    "page": (b"<!doctype html><html></html>", "is a page (HTML or XML)"),
    "drawing": (b'<?xml version="1.0"?><svg></svg>', "is a drawing (SVG)"),
    "prose": (b"hello", "is not JSON; line 1, column 1"),
    "half": (b'{"format": 1, ', "is not JSON; line 1"),
    "list": (b"[]", "should be an object with nodes"),
    "latin-1": ('{"title": "é"}'.encode("latin-1"), "is not text in UTF-8 (byte 11)"),
    "utf-16": ('{"format": 1}'.encode("utf-16"), "is text in UTF-16; save it as UTF-8"),
    "utf-16-le": ('{"format": 1}'.encode("utf-16-le"), "is text in UTF-16; save it as UTF-8"),
    "utf-16-be": ('{"format": 1}'.encode("utf-16-be"), "is text in UTF-16; save it as UTF-8"),
    "gzip": (gzip.compress(b"{}"), "is packed by gzip"),
    "zip": (b"PK\x03\x04\x14\0\0\0", "is a ZIP archive"),
    "pickle": (b"\x80\x02}q\0.", "is a pickle"),
    "safetensors": (b'\x08\0\0\0\0\0\0\0{"a":{}}', "is a model (safetensors)"),
    "gif": (b"GIF89a\x01\0\x01\0\xff", "is a GIF picture"),
    "noise": (bytes(range(256)), "is no text, but binary data"),
    "png": (png(), "carries no workflow; pictures that nodegraph saves do"),
    "png-a1111": (png(("parameters", SETTINGS)), "no workflow, but settings of A1111's web UI"),
    "png-comfy": (png(("prompt", "{}")), "carries no workflow, but a graph of ComfyUI"),
    "png-invoke": (png(("invokeai_graph", "{}")), "carries no workflow, but a graph of InvokeAI"),
    "png-half": (png(("nodegraph", "{")), "is not JSON; line 1"),
    "png-comfy-inside": (png(("nodegraph", '{"nodes": [], "links": []}')), "a graph of ComfyUI"),
    "cut-png": (png()[:20], "carries no workflow"),
}
"""Whole files, each with a part of the sentence that refuses it."""
