"""One folder as the image of another."""

import filecmp
import time
from collections.abc import Callable, Collection
from pathlib import Path

from bngd.files import write_bytes


def mirror(
    source: Path,
    target: Path,
    wanted: Callable[[str], bool] = lambda path: True,
    spare: Collection[str] = (),
    *,
    trust_times: bool = False,
) -> None:
    """Make ``target`` hold the wanted files of ``source`` and nothing else, writing only what differs.

    Parameters
    ----------
    source, target : Path
        Folders; a source that does not exist counts as empty.
    wanted : callable
        Says of a path relative to ``source``, with forward slashes, whether it belongs.
    spare : collection of str
        Names of entries of ``target`` that are someone else's.
    trust_times : bool
        Whether a copy that is as long as its source and younger counts as the same unread. Not for what people edit:
        an older file that is put back has an older time.
    """
    files = {p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file()} if source.is_dir() else set()
    files = {path for path in files if wanted(path)}
    for path in sorted(files):
        if not _is_copied(source / path, target / path, trust_times):
            write_bytes(target / path, (source / path).read_bytes())
    for old in sorted(target.rglob("*")):
        relative = old.relative_to(target)
        if old.is_file() and relative.as_posix() not in files and relative.parts[0] not in spare:
            old.unlink()


def _is_copied(source: Path, target: Path, trust_times: bool) -> bool:
    if not target.is_file():
        return False
    before, after = source.stat(), target.stat()
    younger = before.st_mtime_ns < after.st_mtime_ns <= time.time_ns()  # the clock may have been set back
    if trust_times and before.st_size == after.st_size and younger:
        return True
    return filecmp.cmp(source, target, shallow=False)
