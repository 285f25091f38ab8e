"""Add what this program decides to the decisions replayed for ever: `python -m tests.golden.replay.add`.

What is there is never written again; README.md says why.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

from tidewaiter import __version__
from tidewaiter.faces.django_start import start_django


def main() -> None:
    """Decide the scenario in records and a lake of their own, and write what is not there yet."""
    arguments = argparse.ArgumentParser(prog="python -m tests.golden.replay.add", description=__doc__)
    arguments.add_argument("--as", dest="name", default=__version__, help="what the files are named after")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TIDEWAITER_DATABASE"] = str(Path(folder) / "records.sqlite3")
        start_django()
        from django.core.management import call_command  # noqa: PLC0415  # needs Django started

        call_command("migrate", verbosity=0)
        for line in added(Path(folder), given.name):
            print(line)  # noqa: T201  # a tool for the terminal


def added(folder: Path, name: str) -> list[str]:
    """Write the fixtures that are not there yet, and say of each what was done."""
    from tests.golden.replay.fixtures import FOLDER, SETS, written  # noqa: PLC0415  # needs Django started
    from tests.golden.replay.scenario import decided  # noqa: PLC0415

    from tidewaiter.actions.packing import unpacked  # noqa: PLC0415

    told = []
    for kind, stored in sorted(decided(folder).items()):
        file = FOLDER / f"{name}-{kind}.json"
        if file.exists():
            told.append(f"left as it is  {file.name}")
            continue
        SETS.mkdir(exist_ok=True)
        named = SETS / f"{stored.set_id}.json"
        if not named.exists():
            named.write_text(unpacked(stored.set.text), encoding="utf-8", newline="")
        text = json.dumps(written(stored), ensure_ascii=False, indent=1, sort_keys=True)
        file.write_text(f"{text}\n", encoding="utf-8")
        told.append(f"added          {file.name}")
    return told


if __name__ == "__main__":
    main()
