"""The server itself: alive, made of what, how busy."""

from __future__ import annotations

import platform
from importlib.metadata import version as version_of

from fastapi import APIRouter
from starlette.responses import Response

from .. import schemas
from ..middleware.metrics import TEXT, Counts, text
from ..page import built
from ..services import Services
from .common import may, router

VERSION = version_of("nodegraph-diffusion")


def routes(services: Services, counted: Counts) -> APIRouter:
    """The routes."""
    store = services.store
    api = router(services.limits)

    @api.get("/health", responses=may(), tags=["system"])
    def health() -> schemas.Health:
        """Say that the server answers. This needs no token."""
        return schemas.Health(status="ok", version=VERSION)

    @api.get("/system", responses=may(), tags=["system"])
    def system() -> schemas.System:
        """What this server is made of, and how busy it is."""
        counts, budgets = store.counts(), services.graphs.cache.budgets
        return schemas.System(
            version=VERSION,
            python=platform.python_version(),
            editor=schemas.Editor(built=built(services.page), stale=services.stale()),
            database=schemas.Database(kind=store.kind, journal=store.journal),
            devices=[schemas.Device.model_validate(device) for device in services.devices()],
            queue=schemas.Queue(
                queued=counts.get("queued", 0),
                running=counts.get("running", 0),
                limit=services.limits.queue,
            ),
            cache=tiers(services),
            budgets={"device": budgets.device, "host": budgets.host, "disk": budgets.disk},
        )

    @api.get(
        "/metrics",
        responses={200: {"content": {"text/plain": {}}, "description": "Metrics"}, **may()},
        response_class=Response,
        tags=["system"],
    )
    def metrics() -> Response:
        """Numbers for Prometheus."""
        return Response(text(services, counted), headers={"Content-Type": TEXT})

    return api


def tiers(services: Services) -> list[schemas.Tier]:
    """The disk as this process sees it, and memory as the workers last reported it."""
    by_name = {
        name: schemas.Tier(tier=name, bytes=size.bytes, limit=size.budget, entries=size.entries)
        for name, size in services.graphs.cache.sizes().items()
        if name == "disk"
    }
    for device in services.devices():
        for size in device.cache:
            tier = schemas.Tier.model_validate(dict(size))
            if tier.tier != "disk":
                named = tier.tier if tier.tier not in by_name else f"{tier.tier} {device.name}"
                by_name[named] = tier.model_copy(update={"tier": named})
    return list(by_name.values())
