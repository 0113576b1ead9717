"""Provenance of a picture: texts for its file on workflow, params, versions, keys, shortages."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..base.packages import installed
from ..carriers.png import KEY
from ..planning.types import Plan
from ..savings import NO_SHORTAGES, Shortages

PARAMS = f"{KEY}:params"
"""The keyword of the text that holds the value of every param, as JSON."""
VERSIONS = f"{KEY}:versions"
"""The keyword of the text that holds the versions of nodegraph, packages and nodes, as JSON."""
RESULTS = f"{KEY}:results"
"""The keyword of the text that holds the key of what the file shows, by result, as JSON."""
DEGRADED = f"{KEY}:degraded"
"""The keyword of the text that holds how nodes were made to fit into memory, by name, as JSON."""

_OWN = "nodegraph-diffusion"


def texts(
    plan: Plan, signature: str, results: Mapping[str, str], shortages: Shortages = NO_SHORTAGES
) -> dict[str, str]:
    """Everything to keep in a file that was made by ``plan``, by keyword.

    Args:
        signature: The device's kind and the dtype (see Settings).
        results: The key of what the file shows.
        shortages: How that and all it depends on was made to fit into memory.
    """
    by_keyword = {
        KEY: plan.workflow.to_json(),
        PARAMS: _json(plan.params),
        VERSIONS: _json(versions(plan, signature)),
        RESULTS: _json(results),
        DEGRADED: _json(shortages),
    }
    return {keyword: text for keyword, text in by_keyword.items() if text != "{}"}


def versions(plan: Plan, signature: str) -> dict[str, str]:
    """The version of all that results may depend on, by name; nothing is imported to find out."""
    kinds = {call.kind for call in plan.calls}
    packages = sorted({package for kind in kinds for package in kind.packages})
    device = {"device": signature} if any(kind.lane == "device" for kind in kinds) else {}
    return {
        "nodegraph": installed(_OWN),
        **{package: installed(package) for package in packages},
        **{f"node {kind.__name__}": str(kind.version) for kind in sorted(kinds, key=_name)},
        **device,
    }


def _name(kind: type) -> str:
    return kind.__name__


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False)
