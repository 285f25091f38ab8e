"""What an operator's tools ask: is the process up, can it decide, and its figures.

`/health` and `/ready` need no token and tell nothing but that. `/metrics` is answered to this machine, when the request
was not passed on by a proxy, and to tokens that may use metrics.read.
"""

import json
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from ninja.errors import AuthenticationError
from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from tidewaiter.core.errors import NotAllowedError, Problem
from tidewaiter.faces.api.calling import needs
from tidewaiter.faces.api.observing import REGISTRY
from tidewaiter.faces.api.problems import CONTENT_TYPE, refusal
from tidewaiter.faces.api.service import service

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_HERE = frozenset({"127.0.0.1", "::1"})
_PASSED_ON = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP")


class Deciding(Collector):
    """The figures of the Decider, read when they are asked for."""

    def collect(self) -> Iterator[Metric]:
        """Return queue, groups, and what is in force."""
        decider, now = service().decider, service().in_force()
        if decider is not None:
            sizes = decider.group_sizes
            yield GaugeMetricFamily("tidewaiter_queue_depth", "Calls that wait for the Decider", decider.waiting)
            yield GaugeMetricFamily("tidewaiter_ready", "1 when declarations can be decided", not decider.ready())
            if sizes:
                mean = sum(sizes) / len(sizes)
                yield GaugeMetricFamily("tidewaiter_group_size_mean", "Declarations a group, last 100 groups", mean)
                yield GaugeMetricFamily("tidewaiter_group_size_largest", "Largest of the last 100 groups", max(sizes))
        if now is not None:
            labels = {
                "digest": now.set_digest,
                "policy": str(now.policy),
                "day": now.on.isoformat(),
                "statistics_day": now.statistics_on.isoformat(),
                "image": now.image,
            }
            yield InfoMetricFamily("tidewaiter_set", "What is decided by", labels)
            told = "1 unless what was published or closed since cannot be used"
            yield GaugeMetricFamily("tidewaiter_newest", told, not now.behind)
            yield GaugeMetricFamily("tidewaiter_image_day", "Day of the history in use", now.statistics_on.toordinal())


REGISTRY.register(Deciding())


def health(_request: HttpRequest) -> HttpResponse:
    """Answer that the process is up."""
    return HttpResponse(json.dumps({"status": "up"}), content_type=CONTENT_TYPE)


def ready(request: HttpRequest) -> HttpResponse:
    """Answer whether declarations can be decided; the reasons why not are told to this machine only."""
    decider = service().decider
    reasons = ["no decisions are taken by this process"] if decider is None else decider.ready()
    if not reasons:
        return HttpResponse(json.dumps({"status": "ready"}), content_type=CONTENT_TYPE)
    return refusal(503, [Problem(reason) for reason in reasons] if _from_here(request) else "not ready")


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with the figures in Prometheus's text format."""
    if not _from_here(request):
        try:
            needs("metrics.read")(request)
        except NotAllowedError as error:
            return refusal(403, error.problems)
        except AuthenticationError:
            return refusal(401, [Problem("who asks is not known", suggestion="send a token that may use metrics.read")])
    return HttpResponse(generate_latest(REGISTRY), content_type=_METRICS_TYPE)


def _from_here(request: HttpRequest) -> bool:
    passed_on = any(name in request.META for name in _PASSED_ON)
    return request.META.get("REMOTE_ADDR") in _HERE and not passed_on
