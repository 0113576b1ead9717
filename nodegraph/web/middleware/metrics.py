"""Numbers for Prometheus, read when they are asked for."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from time import perf_counter
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Message, Receive, Scope, Send

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from ..services import Services

TEXT = "text/plain; version=0.0.4; charset=utf-8"
_BOUNDS = (0.005, 0.02, 0.1, 0.5, 2.0)


class Counts:
    """What has been answered, by method, route and status, and how long it took."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, str, str]] = Counter()
        self.buckets = [0] * (len(_BOUNDS) + 1)
        self.seconds = 0.0

    def add(self, scope: Scope, status: int, seconds: float) -> None:
        # The route, not the path: as many kinds of line as there are routes.
        path = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if path != "other" else "any"
        self.answers[method, path, str(status)] += 1
        self.buckets[bisect_left(_BOUNDS, seconds)] += 1
        self.seconds += seconds


class Counting:
    """Count every answer."""

    def __init__(self, app: ASGIApp, counts: Counts) -> None:
        self.app, self.counts = app, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.counts.add(scope, message["status"], perf_counter() - began)
            await send(message)

        await self.app(scope, receive, send_counted)


class _Collector:
    def __init__(self, services: Services, counts: Counts) -> None:
        self.services, self.counts = services, counts

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily as Gauge

        yield from self._answers()
        states = Gauge("nodegraph_jobs", "Jobs by state", labels=["state"])
        for state, count in self.services.store.counts().items():
            states.add_metric([state], count)
        yield states
        devices = Gauge("nodegraph_device_up", "Whether its worker answers", labels=["device"])
        starts = Gauge("nodegraph_worker_starts", "Processes so far", labels=["device"])
        ooms = Gauge("nodegraph_device_ooms", "Out of memory in its process", labels=["device"])
        for device in self.services.devices():
            ooms.add_metric([device.name], device.ooms)
            devices.add_metric([device.name], device.state in ("idle", "busy"))
            starts.add_metric([device.name], device.starts)
        yield from (devices, starts, ooms)
        hub = self.services.hub
        yield Gauge("nodegraph_websockets", "Open websockets", len(hub.clients))
        yield Gauge("nodegraph_websockets_cut", "Websockets cut off, too slow", hub.cut)
        yield Gauge("nodegraph_event_seq", "The last event passed on", hub.position)
        cached = Gauge("nodegraph_cache_bytes", "What the cache holds", labels=["tier"])
        for name, size in self.services.graphs.cache.sizes().items():
            cached.add_metric([name], size.bytes)
        yield cached

    def _answers(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

        labels = ["method", "route", "status"]
        answers = CounterMetricFamily("nodegraph_http_answers", "HTTP answers", labels=labels)
        for key, count in sorted(self.counts.answers.items()):
            answers.add_metric(key, count)
        yield answers
        total, buckets = 0, list[tuple[str, float]]()
        for bound, count in zip((*map(str, _BOUNDS), "+Inf"), self.counts.buckets, strict=True):
            total += count
            buckets.append((bound, total))
        times = HistogramMetricFamily("nodegraph_http_seconds", "From request to answer")
        times.add_metric([], buckets, self.counts.seconds)
        yield times


def text(services: Services, counts: Counts) -> bytes:
    """Everything, as Prometheus reads it."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.process_collector import ProcessCollector

    registry = CollectorRegistry()
    registry.register(_Collector(services, counts))
    ProcessCollector(registry=registry)
    return generate_latest(registry)
