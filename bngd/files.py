"""Files that are whole or absent, and strict JSON."""

import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def alone(folder: Path, waiting: str) -> Iterator[bool]:
    """Hold a folder for as long as the body runs, and yield whether another process had to be waited for.

    The system lets go of it when the process ends, however it ends: nothing is left behind that must be removed by
    hand. Where there are no such locks (Windows) nobody waits.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield False
        return
    held = os.open(folder, os.O_RDONLY)
    try:
        waited = False
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(waiting, flush=True)
            fcntl.flock(held, fcntl.LOCK_EX)
            waited = True
        yield waited
    finally:
        os.close(held)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a neighbour to write to, which takes the file's name at the end: no reader ever sees half of a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield unfinished
        os.replace(unfinished, path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk is noticed where the file has no name any more
        raise
    finally:
        unfinished.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that no reader ever sees half of it."""
    with replacing(path) as unfinished:
        unfinished.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write UTF-8 text as `write_bytes` does, with the same line ends on every system."""
    write_bytes(path, content.encode())


def write_text_if_changed(path: Path, content: str) -> bool:
    """Write only what differs, so that an unchanged file keeps its time and make sees nothing new."""
    if path.exists() and path.read_bytes() == content.encode():
        return False
    write_text(path, content)
    return True


def json_text(value: Any) -> str:
    """Return strict JSON with sorted keys: the same value always gives the same bytes."""
    return json.dumps(plain(value), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def plain(value: Any) -> Any:
    """Turn a value, NumPy's included, into what strict JSON can hold.

    NaN, which JSON lacks, becomes null: no number was measured. An infinity is a result, so it stays legible as the
    string ``"inf"`` or ``"-inf"``.

    Raises
    ------
    TypeError
        If the value is neither a number, a string, a boolean, None, nor a list, array or mapping of these.
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if hasattr(value, "tolist"):  # NumPy's scalars and arrays, and pandas' Series
        return plain(value.tolist())
    if isinstance(value, float):
        return _plain_float(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    raise TypeError(
        f"{value!r} ({type(value).__name__}) has no place in a JSON file; "
        "give a number, a string, a boolean, None, or a list, array or dict of these"
    )


def _plain_float(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value
