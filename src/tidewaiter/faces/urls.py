"""What stands at which address."""

from django.urls import URLPattern, URLResolver, path

from tidewaiter.faces.api.routes import api, openapi
from tidewaiter.faces.api.watching import health, metrics, ready

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/openapi.json", openapi, name="openapi"),
    path("api/v1/", api.urls),
    path("health", health, name="health"),
    path("ready", ready, name="ready"),
    path("metrics", metrics, name="metrics"),
]
handler400 = "tidewaiter.faces.api.problems.bad_request"
handler403 = "tidewaiter.faces.api.problems.forbidden"
handler404 = "tidewaiter.faces.api.problems.nothing_here"
handler500 = "tidewaiter.faces.api.problems.failed"
