"""A pack: profiles with the indicators and lists they use, in folders of those names beside them."""

from collections.abc import Collection, Iterable
from pathlib import Path

from tidewaiter.core.profile import ProfileSet

NEIGHBOURS = ("indicators", "lists")


def with_neighbours(paths: Iterable[Path]) -> list[Path]:
    """Return the paths and, for each file, the folders of indicators and lists beside it or its folder."""
    named = list(paths)
    beside = (found for path in named if path.is_file() for found in _beside(path))
    return list({path.resolve(): path for path in (*named, *beside)}.values())


def _beside(file: Path) -> list[Path]:
    folder = file.resolve().parent
    near = (folder, folder.parent)
    return [found for place in near for name in NEIGHBOURS if (found := place / name).is_dir()]


def within(file: str | None, paths: Collection[Path]) -> bool:
    """Tell whether a file is one of the paths or below one of them."""
    if file is None:
        return False
    resolved = Path(file).resolve()
    return any(resolved.is_relative_to(path.resolve()) for path in paths)


def only_profiles_in(profile_set: ProfileSet, paths: Collection[Path]) -> ProfileSet:
    """Return the set without profiles of other files; its indicators and lists stay."""
    own = {code: one for code, one in profile_set.profiles.items() if within(one.place.file, paths)}
    return ProfileSet(own, profile_set.indicators, profile_set.lists)
