"""`python -m tools.tour`: run the tour and show it; `--record` also writes docs/guide/tour.md."""

import argparse
import sys
import tempfile
from pathlib import Path

from tools.tour.place import ROOT
from tools.tour.run import page, run
from tools.tour.told import Told

PAGE = ROOT / "docs" / "guide" / "tour.md"
ITEMS = 20_000
PROFILES = 100


def main() -> None:
    """Run the tour in a folder of its own."""
    arguments = argparse.ArgumentParser(prog="python -m tools.tour", description=__doc__)
    arguments.add_argument("--record", action="store_true", help="write docs/guide/tour.md")
    arguments.add_argument("--items", type=int, default=ITEMS, help="about how many items of history")
    arguments.add_argument("--profiles", type=int, default=PROFILES, help="how many of the starter profiles at most")
    arguments.add_argument("--folder", type=Path, help="an empty folder, kept (default: a temporary one, removed)")
    given = arguments.parse_args()
    told = Told()
    if given.folder is not None:
        given.folder.mkdir(parents=True, exist_ok=True)
        run(given.folder, told, items=given.items, profiles=given.profiles)
    else:
        with tempfile.TemporaryDirectory(prefix="tour-") as folder:
            run(Path(folder), told, items=given.items, profiles=given.profiles)
    if given.record:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(told), encoding="utf-8")
        sys.stderr.write(f"written: {PAGE.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
