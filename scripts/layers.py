"""The layers of the code, lowest first: what may import what, said once for tests and docs.

A module imports from its own package and from those before it. Late imports and those for type
checkers count as well: an import inside a function may save time, it cannot change the order.
"""

from __future__ import annotations

from collections.abc import Mapping

ENGINE: Mapping[str, str] = {
    "_moved": "where modules of earlier versions lie now",
    "errors": "what goes wrong at the user's hands, as sentences with an address",
    "savings": "ways to need less memory, and what was used of them",
    "base": "keys, orders, safe paths, files written whole, strict JSON, wording",
    "node": "what a node is: inputs as fields, outputs, wires, the context it is given",
    "events": "what a run reports while it goes on",
    "carriers": "pictures that carry their workflow: PNG, JPEG, WebP",
    "pictures": "pictures from anywhere, decoded upright and in sRGB, whatever their files hold",
    "system": "devices, number formats and threads of this machine",
    "settings": "where and how a plan runs",
    "values": "what outputs hold: leaves, digests, their form on disk",
    "graph": "workflow documents, the registry of kinds, templates expanded",
    "planning": "every mistake at once, then calls in order, each with what is constant of its key",
    "cache": "values by key on three tiers, and the pool that leases weights",
    "tasks": "calls cut into tasks over items, and the frontier of those that are ready",
    "execution": "a plan executed as a generator of events; `local/` has threads and lanes",
    "inspection": "plans explained, compared and pinned without running them",
    "builder": "a workflow drawn in typed Python, and run",
    "jobs": "the durable queue, its database and its files",
    "worker": "a thread for each device that claims jobs, and the process it has run them",
    "web": "HTTP and websocket: middleware, routes, socket, workflows",
    "cli": "the command line; `draw/` shows graphs, `serve/` puts a server together",
}
"""The packages and modules of ``nodegraph/``, and half a sentence about each."""

PALETTE = (
    "combine", "geometry", "images", "info", "latents", "layout", "masks", "models",
    "preprocessors", "redraw", "retouch", "sampling", "surfaces", "sweeps", "text",
)  # fmt: skip
"""The modules of ``nodes/`` whose nodes a person sees: each is a group of the palette."""

NODES: Mapping[str, str] = {
    "_moved": "where modules of earlier versions lie now",
    "_packages": "the versions that results depend on",
    "builtin": "the models that come with the package",
    "pixels": "plain functions on pictures and masks",
    "files": "pictures found, decoded, named, written and fetched",
    "networks": "UNet, ControlNet and decoder computed our way",
    "checkpoints": "from a model's name to its files and their parts",
    "weights": "weights built, mapped, patched with LoRAs, lent out",
    "types": "the wires: Image, Latents, Conditioning, DiffusionModel, …",
    "prompts": "the syntax of prompts, wildcards, text encoders",
    "library": "the models there are, and what each is",
    "diffusion": "the denoising loop and all that it needs",
    "detectors": "the networks behind preprocessors, a module each",
    "_checks": "what nodes ask of their inputs before they run",
    "_fields": "inputs that several nodes have",
    "palette": "the nodes: " + ", ".join(f"`{module}`" for module in PALETTE),
}
"""The packages and modules of ``nodes/``; the palette's modules are one layer, without circles."""

SURFACE: Mapping[str, str] = {
    "nodegraph.node": "Node, Output, Wire, Progress, Context, ModelRef, …",
    "nodegraph.errors": "errors whose text is shown to people as it is",
    "nodegraph.graph.drawing": "composites drawn in typed Python",
    "nodegraph.carriers": "texts inside picture files",
    "nodegraph.pictures": "pictures decoded as everywhere else",
    "nodegraph.savings": "how sparing with memory a node has to be",
    "nodegraph.base.files": "files written whole or not at all",
    "nodegraph.base.file_memo": "what files hold, remembered while nothing was written to them",
    "nodegraph.base.file_names": "names that are file names on every system",
    "nodegraph.base.imports": "large libraries imported once, in one thread",
    "nodegraph.base.characters": "text without halves of characters",
    "nodegraph.base.safe_paths": "paths that stay inside the allowed folders",
    "nodegraph.cache.folder": "where the cache on disk lies",
    "nodegraph.inspection.pins": "the models that a workflow names, and their revisions",
}
"""What nodes may use of the engine: the API for other people's nodes as well."""

MOST_MODULES = 20
"""Of one folder, its ``__init__`` included; ``_moved`` holds no code and does not count."""
