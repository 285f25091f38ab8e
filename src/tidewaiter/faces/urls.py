"""What stands at which address."""

from django.urls import URLPattern, URLResolver, path

from tidewaiter.faces.api.routes import api, openapi

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/openapi.json", openapi, name="openapi"),
    path("api/v1/", api.urls),
]
handler400 = "tidewaiter.faces.api.problems.bad_request"
handler403 = "tidewaiter.faces.api.problems.forbidden"
handler404 = "tidewaiter.faces.api.problems.nothing_here"
handler500 = "tidewaiter.faces.api.problems.failed"
