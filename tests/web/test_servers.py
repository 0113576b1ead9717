"""Two servers of one PostgreSQL: what one does, the clients of the other hear."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from nodegraph.jobs.store import Store
from nodegraph.jobs.types import FINISHED

from ..cli.test_serve import ask, started
from ..support.postgres import Postgres, emptied
from ..support.serving import Running, running, serving
from ..support.working import TOYS
from .test_events import heard, joined

pytestmark = pytest.mark.slow


def order(value: int, steps: int = 12) -> dict[str, Any]:
    """A job of many items and many steps."""
    nodes = {
        "many": {"type": "Plus", "values": {"value": [*range(value, value + 20)]}},
        "slow": {"type": "Strolls", "values": {"value": value, "steps": steps, "seconds": 0.02}},
    }
    return {"workflow": {"format": 1, "nodes": nodes, "results": {"r": "slow.value"}}}


def until_ended(store: Store, jobs: list[str]) -> None:
    late = time.monotonic() + 120
    while not all(store.get(job).state in FINISHED for job in jobs):
        assert time.monotonic() < late, "the jobs did not end"
        time.sleep(0.1)


def test_events_of_jobs_that_another_server_runs_come_whole_and_in_order(
    postgres_url: str, tmp_path: Path
) -> None:
    for part in ("here", "there"):
        (tmp_path / part).mkdir()
    other = started(
        tmp_path / "there", "--database", postgres_url, "--device", "cpu", "--nodes", str(TOYS)
    )
    with (
        serving(tmp_path / "here", url=postgres_url) as services,
        running(services) as here,
        other as (_, there),
        joined(here, jobs="all") as talking,
    ):
        from_ = services.hub.position
        jobs = []
        for number in range(10):
            jobs.append(ask(f"{there}/v1/jobs", order(100 * number))["id"])
            # Events of this server come in between those of the other.
            services.store.append([(None, "node.progress", {"mark": number})])
        until_ended(services.store, jobs)
        last = services.store.last_seq()
        told = [heard(talking)]
        while told[-1]["seq"] < last:
            told.append(heard(talking))
        elsewhere = Running(int(there.rpartition(":")[2]), here.server)
        with joined(elsewhere, jobs="all", after=told[20]["seq"]) as second:
            again = [heard(second)]
            while again[-1]["seq"] < last:
                again.append(heard(second))
        kept = services.store.events_after(from_, limit=10**6)

    assert [event["seq"] for event in told] == [event.seq for event in kept]
    assert [event["kind"] for event in told] == [event.kind for event in kept]
    assert again == told[21:]
    kinds = [event["kind"] for event in told if event["job"] == jobs[0]]
    assert (kinds[0], kinds[1], kinds[-1]) == ("job.queued", "job.started", "job.done")
    assert sum(event["kind"] == "job.done" for event in told) == 10


def test_a_database_that_restarts_is_waited_for(own_postgres: Postgres, tmp_path: Path) -> None:
    url = emptied(own_postgres.url)
    with (
        serving(tmp_path, url=url) as services,
        running(services) as here,
        joined(here, jobs="all") as talking,
    ):
        services.store.append([(None, "node.progress", {"mark": 1})])
        assert heard(talking)["data"] == {"mark": 1}
        own_postgres.stop("immediate")
        answers = [status(here, "jobs"), status(here, "health")]
        time.sleep(1)  # some looks at a database that is not there
        own_postgres.start()

        assert answers == [503, 200]
        assert status(here, "jobs") == 200
        other = Store(url)
        other.append([(None, "node.progress", {"mark": 2})])
        assert heard(talking)["data"] == {"mark": 2}
        other.close()


def status(server: Running, path: str) -> int:
    answer = httpx.get(f"http://{server.host}/v1/{path}", timeout=60)
    assert answer.status_code != 503 or answer.headers["Retry-After"]
    return answer.status_code
