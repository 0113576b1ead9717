"""Results of a job: as many and as long as may be, and what is more is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nodegraph.cache import Cache
from nodegraph.graph.workflow import Workflow
from nodegraph.settings import Settings
from nodegraph.worker import run as run_module
from nodegraph.worker.run import run
from nodegraph.worker.setup import Setup

from ..support.toys import TOYS


def ending(folder: Path, results: int) -> dict[str, Any]:
    """How a job of so many results of a number ends."""
    workflow = Workflow.read({
        "format": 1,
        "nodes": {"n": {"type": "Const", "values": {"value": 10**9}}},
        "results": {f"r{i}": "n.value" for i in range(results)},
    })  # fmt: skip
    setup = Setup(TOYS, Cache.in_memory(), Settings(), folder, folder)
    order = {"id": "0", "workflow": workflow.document(), "only": None, "on_oom": None}
    messages = run(order, setup, bool)
    while True:
        try:
            next(messages)
        except StopIteration as end:
            return dict(end.value)


def test_one_result_more_than_may_be_fails_the_job_and_keeps_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "MOST", 3)

    assert len(ending(tmp_path, 3)["done"]["results"]) == 3
    failed = ending(tmp_path, 4)["failed"]
    assert len(failed["results"]) == 3
    assert [problem["message"] for problem in failed["problems"]] == [
        "the job makes more than 3 results; the first are kept"
    ]


def test_values_that_are_too_long_together_are_told_by_their_sizes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "TEXTS", 25)
    monkeypatch.setattr(run_module, "_SHORTEST", 5)

    texts = [json.loads(result["text"]) for result in ending(tmp_path, 4)["done"]["results"]]

    assert texts == [10**9, 10**9, "10 characters of JSON", "10 characters of JSON"]
