"""Plans as they run: order, items, batches, failures, cancelling, and what is not run again."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path

import pytest

from nodegraph import RunError, execute, plan, run
from nodegraph.cache import Budgets, Cache
from nodegraph.errors import Stopped
from nodegraph.events import Event, Failed, Finished, Outcome, Progressed, Skipped, Started
from nodegraph.settings import Settings

from ..support.running_toys import TOYS, Batched, Log, Slow, Writes, computed, drive, workflow


def chain(right: int) -> dict[str, object]:
    return {
        "two": {"type": "Const", "values": {"value": 2}},
        "three": {"type": "Add", "values": {"right": right}, "links": {"left": "two.value"}},
        "five": {"type": "Add", "links": {"left": "two.value", "right": "three.value"}},
    }


def test_results_are_returned_by_name() -> None:
    results = run(plan(workflow(chain(1), sum="five.value", start="two.value"), TOYS))

    assert results == {"sum": 5, "start": 2}


def test_all_that_is_at_work_is_told_before_it_begins() -> None:
    nodes = {f"n{at}": {"type": "Const", "values": {"value": at}} for at in range(300)}
    told: list[Sequence[Started]] = []
    events = execute(plan(workflow(nodes), TOYS), Cache.in_memory(), at_work=told.append)

    for event in events:
        if isinstance(event, Finished):
            assert any(Started(event.name, ()) in row for row in told)

    # One at a time in their lane or in place: what has ended is at work no more.
    assert [[at.name for at in row] for row in told] == [[name] for name in nodes]


@pytest.mark.parametrize("known", [False, True])
def test_a_node_that_is_refused_fails_with_the_reason_unless_it_is_known(known: bool) -> None:
    cache = Cache.in_memory()
    if known:
        drive(chain(1), cache)
    document = workflow(chain(1), sum="five.value", start="two.value")
    events = execute(plan(document, TOYS), cache, refused={"three": "it ended its process"})

    outcome = ended(events)

    assert outcome.results == {"start": 2, **({"sum": 5} if known else {})}
    said = [(str(failure.cause), failure.node) for failure in outcome.failures]
    assert said == ([] if known else [("it ended its process", "three")])


def ended(events: Generator[Event, None, Outcome]) -> Outcome:
    while True:
        try:
            next(events)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome


def test_nodes_that_wait_for_files_wait_together() -> None:
    nodes = {f"n{at}": {"type": "Meets", "values": {"value": at}} for at in range(4)}

    events, _ = drive(nodes, Cache.in_memory())

    assert sorted(computed(events)) == list(nodes)


def test_items_that_wait_for_files_wait_together_and_keep_their_order() -> None:
    nodes = {"each": {"type": "Meets", "values": {"value": [3, 1, 4, 2]}}}

    _, outcome = drive(nodes, Cache.in_memory(), each="each.value")

    assert outcome.results == {"each": [3, 1, 4, 2]}


def test_nodes_with_side_effects_run_one_by_one_in_order() -> None:
    Writes.written.clear()

    drive({"all": {"type": "Writes", "values": {"value": list(range(50))}}}, Cache.in_memory())

    assert Writes.written == list(range(50))


def test_a_second_run_computes_nothing() -> None:
    cache = Cache.in_memory()
    drive(chain(1), cache)

    events, _ = drive(chain(1), cache)

    assert computed(events) == []


def test_a_change_recomputes_only_what_depends_on_it() -> None:
    cache = Cache.in_memory()
    drive(chain(1), cache)

    events, _ = drive(chain(8), cache)

    assert computed(events) == ["three", "five"]


def test_results_of_an_earlier_workflow_are_still_there_after_a_change_and_a_change_back() -> None:
    cache = Cache.in_memory()
    drive(chain(1), cache)
    drive(chain(8), cache)

    events, outcome = drive(chain(1), cache, sum="five.value")

    assert (computed(events), outcome.results) == ([], {"sum": 5})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, []),
        ({"right": 9}, ["both", "pair"]),
        ({"left": 9}, ["both", "left", "pair"]),
        ({"left": 3, "right": 2}, ["both", "left", "pair"]),
    ],
)
def test_a_change_runs_what_reads_the_field_that_changed(
    change: dict[str, int], expected: list[str]
) -> None:
    def apart(**values: int) -> dict[str, object]:
        return {
            "pair": {"type": "Join", "values": {"left": 2, "right": 3, **values}},
            "left": {"type": "Left", "links": {"pair": "pair.pair"}},
            "both": {"type": "Both", "links": {"pair": "pair.pair"}},
        }

    cache = Cache.in_memory()
    drive(apart(), cache)

    events, outcome = drive(apart(**change), cache, left="left.value")

    # A result that depends on nothing that is wanted is not asked for.
    assert sorted({*computed(events), "both"} if expected else computed(events)) == expected
    assert outcome.results == {"left": change.get("left", 2)}


def test_nothing_below_a_recomputed_but_equal_value_runs() -> None:
    def halved(value: int) -> dict[str, object]:
        return {
            "start": {"type": "Const", "values": {"value": value}},
            "half": {"type": "Half", "links": {"value": "start.value"}},
            "end": {"type": "Add", "links": {"left": "half.value"}},
        }

    cache = Cache.in_memory()
    drive(halved(4), cache)

    events, _ = drive(halved(5), cache)

    assert computed(events) == ["start", "half"]


def test_the_same_sub_graph_under_other_names_is_known() -> None:
    cache = Cache.in_memory()
    drive(chain(1), cache)

    events, _ = drive({"other": {"type": "Const", "values": {"value": 2}}}, cache)

    assert computed(events) == []


def mapped(*lefts: int) -> dict[str, object]:
    return {
        "sums": {"type": "Add", "values": {"left": list(lefts)}},
        "halves": {"type": "Half", "links": {"value": "sums.value"}},
        "total": {"type": "Sum", "links": {"values": "halves.value"}},
    }


def test_a_list_maps_a_node_and_a_list_input_takes_it_whole() -> None:
    _, outcome = drive(
        mapped(1, 3, 5), Cache.in_memory(), halves="halves.value", total="total.value"
    )

    assert outcome.results == {"halves": [1, 2, 3], "total": 6}


def test_changing_one_item_of_four_computes_one() -> None:
    cache = Cache.in_memory()
    drive(mapped(1, 3, 5, 7), cache)

    events, _ = drive(mapped(1, 3, 50, 7), cache)

    assert computed(events) == ["sums[2]", "halves[2]", "total"]


def test_adding_an_item_computes_one() -> None:
    cache = Cache.in_memory()
    drive(mapped(1, 3, 5), cache)

    events, _ = drive(mapped(1, 3, 5, 7), cache)

    assert computed(events) == ["sums[3]", "halves[3]", "total"]


def test_an_array_of_links_gathers_one_element_of_each_link_for_every_item() -> None:
    nodes = {
        "many": {"type": "Add", "values": {"left": [10, 20]}},
        "one": {"type": "Const", "values": {"value": 1}},
        "pairs": {"type": "Sum", "links": {"values": ["many.value", "one.value"]}},
    }

    _, outcome = drive(nodes, Cache.in_memory(), pairs="pairs.value")

    assert outcome.results == {"pairs": [12, 22]}


def test_an_array_of_links_into_a_single_input_maps_over_all_of_them() -> None:
    nodes = {
        "many": {"type": "Add", "values": {"left": [10, 20]}},
        "one": {"type": "Const", "values": {"value": 1}},
        "halves": {"type": "Half", "links": {"value": ["many.value", "one.value"]}},
    }

    _, outcome = drive(nodes, Cache.in_memory(), halves="halves.value")

    assert outcome.results == {"halves": [5, 10, 0]}


def test_an_output_that_is_a_list_maps_what_follows() -> None:
    nodes = {
        "count": {"type": "Count", "values": {"to": 3}},
        "more": {"type": "Add", "values": {"right": 10}, "links": {"left": "count.values"}},
        "total": {"type": "Sum", "links": {"values": "more.value"}},
        "whole": {"type": "Sum", "links": {"values": "count.values"}},
    }

    _, outcome = drive(
        nodes, Cache.in_memory(), more="more.value", total="total.value", whole="whole.value"
    )

    assert outcome.results == {"more": [10, 11, 12], "total": 33, "whole": 3}


def test_a_list_of_nothing_is_no_work_and_an_empty_sum() -> None:
    nodes = {
        "count": {"type": "Count", "values": {"to": 0}},
        "more": {"type": "Add", "links": {"left": "count.values"}},
        "again": {"type": "Add", "links": {"left": "more.value"}},
        "total": {"type": "Sum", "links": {"values": "again.value"}},
    }

    _, outcome = drive(nodes, Cache.in_memory(), again="again.value", total="total.value")

    assert outcome.results == {"again": [], "total": 0}


def test_lists_of_different_lengths_name_both() -> None:
    nodes = {
        "count": {"type": "Count", "values": {"to": 3}},
        "add": {"type": "Add", "values": {"right": [1, 2]}, "links": {"left": "count.values"}},
        "after": {"type": "Half", "links": {"value": "add.value"}},
    }

    events, outcome = drive(nodes, Cache.in_memory(), after="after.value")

    assert str(outcome.failures[0]).startswith(
        "add (Add) failed: right has 2 items but left has 3 items"
    )
    assert [(e.name, e.because) for e in events if isinstance(e, Skipped)] == [("after", "add")]


def test_items_that_must_run_are_run_together_by_group() -> None:
    Batched.batches.clear()
    nodes = {"squares": {"type": "Batched", "values": {"value": [2, 4, 6, 8, 10, 3]}}}

    _, outcome = drive(nodes, Cache.in_memory(), Settings(batch=4), squares="squares.value")

    assert outcome.results == {"squares": [4, 16, 36, 64, 100, 9]}
    assert Batched.batches == [[2, 4, 6, 8], [10], [3]]


def test_a_batch_that_does_not_fit_is_halved() -> None:
    Batched.batches.clear()
    nodes = {"squares": {"type": "Batched", "values": {"value": [2, 4, 6, 8], "fits": 2}}}

    _, outcome = drive(nodes, Cache.in_memory(), Settings(batch=4), squares="squares.value")

    assert outcome.results == {"squares": [4, 16, 36, 64]}
    assert Batched.batches == [[2, 4, 6, 8], [2, 4], [6, 8]]


def test_one_bad_item_does_not_take_its_batch_with_it() -> None:
    nodes = {
        "squares": {"type": "Batched", "values": {"value": [11, 13, 15]}},
        "after": {"type": "Half", "links": {"value": "squares.value"}},
    }

    events, outcome = drive(nodes, Cache.in_memory(), Settings(batch=4))

    assert [error.node for error in outcome.failures] == ["squares[1]"]
    assert sorted(computed(events)) == ["after[0]", "after[2]", "squares[0]", "squares[2]"]


def test_a_failed_node_fails_only_what_depends_on_it() -> None:
    nodes = {
        "one": {"type": "Const", "values": {"value": 1}},
        "boom": {"type": "Boom", "links": {"value": "one.value"}},
        "after": {"type": "Add", "links": {"left": "boom.value"}},
        "beside": {"type": "Add", "links": {"left": "one.value"}},
    }

    events, outcome = drive(nodes, Cache.in_memory(), after="after.value", beside="beside.value")

    assert outcome.results == {"beside": 2}
    assert [e.name for e in events if isinstance(e, Failed)] == ["boom"]
    assert [(e.name, e.because) for e in events if isinstance(e, Skipped)] == [("after", "boom")]


def test_a_failing_node_names_itself_and_its_inputs() -> None:
    nodes = {"boom": {"type": "Boom", "values": {"value": 1}}}

    with pytest.raises(RunError) as caught:
        run(plan(workflow(nodes, boom="boom.value"), TOYS))

    assert (
        str(caught.value) == "boom (Boom) failed: RuntimeError: out of paint\n  value = 1\n  on = 1"
    )


def test_a_failure_skips_a_long_chain_without_recursion() -> None:
    nodes: dict[str, object] = {"n0": {"type": "Boom", "values": {"value": 1}}}
    for i in range(1, 5000):
        nodes[f"n{i}"] = {"type": "Add", "links": {"left": f"n{i - 1}.value"}}

    events, _ = drive(nodes, Cache.in_memory())

    assert sum(isinstance(event, Skipped) for event in events) == 4999


@pytest.mark.slow
def test_a_long_chain_runs_and_hits_without_recursion() -> None:
    nodes: dict[str, object] = {"n0": {"type": "Add"}}
    for i in range(1, 50_000):
        nodes[f"n{i}"] = {"type": "Add", "links": {"left": f"n{i - 1}.value"}}
    planned = plan(workflow(nodes, last="n49999.value"), TOYS)
    cache = Cache.in_memory()

    first = run(planned, cache)
    again = [event for event in execute(planned, cache) if isinstance(event, Finished)]

    assert first == {"last": 50_000}
    assert all(event.cached for event in again)


def test_progress_is_told_as_it_comes() -> None:
    events, _ = drive({"slow": {"type": "Slow", "values": {"value": 7}}}, Cache.in_memory())

    assert [type(event) for event in events] == [
        Started,
        Progressed,
        Progressed,
        Progressed,
        Finished,
    ]


def test_closing_the_run_closes_the_running_node() -> None:
    Slow.closed.clear()
    nodes = {"slow": {"type": "Slow", "values": {"value": 1, "steps": 10**9}}}
    running = execute(plan(workflow(nodes), TOYS), Cache.in_memory())
    next(event for event in running if isinstance(event, Progressed))

    running.close()

    assert Slow.closed == [1]


def test_what_was_done_before_a_cancel_is_kept() -> None:
    cache = Cache.in_memory()
    nodes = {
        "add": {"type": "Add", "values": {"left": 41}},
        "slow": {"type": "Slow", "values": {"steps": 10**9}, "links": {"value": "add.value"}},
    }
    running = execute(plan(workflow(nodes), TOYS), cache)
    next(event for event in running if isinstance(event, Progressed))
    running.close()

    events, _ = drive({"add": nodes["add"]}, cache)

    assert computed(events) == []


def test_a_run_that_waits_for_another_one_is_cancelled() -> None:
    cache = Cache.in_memory()
    nodes = {"slow": {"type": "Slow", "values": {"value": 1, "steps": 10**9}}}
    other = execute(plan(workflow(nodes), TOYS), cache)
    next(event for event in other if isinstance(event, Progressed))

    with pytest.raises(Stopped):
        list(execute(plan(workflow(nodes), TOYS), cache, cancelled=lambda: True))

    other.close()


def test_a_side_effect_happens_every_time() -> None:
    Log.noted.clear()
    cache = Cache.in_memory()
    nodes = {
        "one": {"type": "Const", "values": {"value": 1}},
        "log": {"type": "Log", "links": {"value": "one.value"}},
    }

    drive(nodes, cache)
    drive(nodes, cache)

    assert Log.noted == [1, 1]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "number"
    cache = Cache.in_memory()
    nodes = {"read": {"type": "Read", "values": {"path": str(file)}}}
    file.write_text("1")
    drive(nodes, cache)
    file.write_text("2")

    _, outcome = drive(nodes, cache, read="read.value")

    assert outcome.results == {"read": 2}


def test_a_node_that_writes_into_its_input_is_named_and_spoils_nothing() -> None:
    cache = Cache.in_memory()
    nodes = {
        "mix": {"type": "Mix", "values": {"drops": 3}},
        "spoil": {"type": "Spoil", "links": {"paint": "mix.paint"}},
    }
    _, outcome = drive(nodes, cache)

    _, after = drive({"mix": nodes["mix"]}, cache, paint="mix.paint")

    assert "spoil (Spoil) failed: wrote into its input 'paint'" in str(outcome.failures[0])
    assert after.results["paint"].drops == [3]  # type: ignore[attr-defined]


def test_equal_calls_are_computed_once() -> None:
    nodes = {name: {"type": "Slow", "values": {"value": 5}} for name in ("a", "b", "c")}

    events, _ = drive(nodes, Cache.in_memory())

    assert computed(events) == ["a"]


def test_lanes_overlap() -> None:
    nodes = {
        "left": {"type": "Meet", "values": {"value": 1}},
        "right": {"type": "MeetToo", "values": {"value": 2}},
    }

    events, outcome = drive(nodes, Cache.in_memory())

    assert outcome.failures == ()
    assert sorted(computed(events)) == ["left", "right"]


def test_a_value_that_is_gone_is_computed_again_when_it_is_needed() -> None:
    cache = Cache.in_memory(Budgets(host=0))
    drive(chain(1), cache)
    nodes = chain(1) | {"new": {"type": "Half", "links": {"value": "three.value"}}}

    events, outcome = drive(nodes, cache, new="new.value")

    assert outcome.results == {"new": 1}
    assert computed(events) == ["two", "three", "new"]
