"""The OpenAPI document is true: whatever is sent, the answer is one of those it lists."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from nodegraph.web.app import create_app
from nodegraph.web.limits import Limits
from nodegraph.web.services import Services

from ..support.serving import HOST, client, serving

HEADERS = {"Host": HOST}
TRUE = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


BOUNDED = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with serving(tmp_path_factory.mktemp("openapi"), limits=Limits(queue=10_000)) as parts:
        yield parts


@pytest.fixture(scope="module")
def whole(services: Services) -> Any:
    return schemathesis.openapi.from_asgi("/v1/openapi.json", create_app(services), headers=HEADERS)


@pytest.mark.slow
@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
def test_every_answer_is_one_that_is_described(whole: Any, mode: GenerationMode) -> None:
    """Fifteen requests to each operation, as its schema allows, and as it does not."""
    asked = []
    for found in whole.get_all_operations():
        operation = found.ok()

        @BOUNDED
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            case.validate_response(case.call(headers=HEADERS), checks=TRUE)

        with suppress(Unsatisfiable):  # there is nothing about it that could be wrong
            ask()
        asked.append(operation.label)

    assert len(asked) == len(set(asked)) > 20


def test_every_operation_says_what_it_does_and_how_it_refuses(tmp_path: Path) -> None:
    with serving(tmp_path) as parts, client(parts) as asking:
        document = asking.get("/v1/openapi.json").json()

    operations = {
        f"{method} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert [name for name, one in operations.items() if not one.get("description")] == []
    assert all({"401", "403"} <= set(one["responses"]) for one in operations.values())
    assert len({one["operationId"] for one in operations.values()}) == len(operations)
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_all_that_can_be_sent_has_a_most(tmp_path: Path) -> None:
    """Every list and every text of a body has a maximum, or is part of a document."""
    with serving(tmp_path) as parts, client(parts) as asking:
        schemas = asking.get("/v1/openapi.json").json()["components"]["schemas"]

    endless = [
        f"{name}.{field}"
        for name, one in schemas.items()
        if name.endswith("Body")
        for field, about in one.get("properties", {}).items()
        for part in [about, *about.get("anyOf", [])]
        if (part.get("type") == "string" and not {"maxLength", "pattern", "enum"} & set(part))
        or (part.get("type") == "array" and "maxItems" not in part)
        or (part.get("type") in ("integer", "number") and "maximum" not in part)
    ]
    assert endless == []
