"""Settings of all tests: time is no test, and `make check` asks laws fewer examples than `make test`."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("full", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("full"), max_examples=15)
settings.load_profile(os.environ.get("LAWS", "full"))
