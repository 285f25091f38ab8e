"""Load a file into the lake and bring the day-close statistics up to date."""

from datetime import datetime
from pathlib import Path

from tidewaiter.core.administration import Administration
from tidewaiter.core.facts import Catalogue
from tidewaiter.core.mapping import FileMapping
from tidewaiter.core.progress import Progress
from tidewaiter.storage.lake.facts.statistics import update_statistics
from tidewaiter.storage.lake.ingest.run import IngestReport, ingest_file
from tidewaiter.storage.lake.lake import Lake


def load_file(
    folder: Path,
    file: Path,
    mapping: FileMapping | None,
    *,
    catalogue: Catalogue,
    loaded_at: datetime,
    administration: Administration | None,
    progress: Progress,
) -> IngestReport:
    """Ingest a file, then build the statistics of the months it touched.

    The file is committed before the statistics are built; what is not built then is built when it is first asked for.
    Raises InputError when the file or the mapping cannot be used, LakeError when the lake cannot.
    """
    report = ingest_file(folder, file, mapping, loaded_at=loaded_at, administration=administration, progress=progress)
    if report.accepted:
        progress("history statistics", 0, None)
        update_statistics(Lake.open(folder), catalogue)
    return report
