"""The reader's file as bytes of UTF-8 text, whatever it is stored as, and what was assumed on the way."""

import bz2
import codecs
import csv
import gzip
import io
import lzma
import re
import zlib
from pathlib import Path
from typing import Any

from bngd.memory import available_memory, require_memory

_MEMORY_PER_BYTE = 5.0
"""Bytes of memory that a byte of the file takes while it is read."""

_FOREIGN = {
    b"\xd0\xcf\x11\xe0": "an old Excel file (.xls)",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF file",
    b"\x89PNG": "a picture",
    b"SQLite": "an SQLite database",
    b"\x28\xb5\x2f\xfd": "a file compressed by zstd",
}
_TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".gz")
_MARKUP = {
    re.compile(rb"<(!|\?|html|table)", re.IGNORECASE): "HTML or XML",
    re.compile(rb'[\[{]\s*[\[{"\d]'): "JSON",
}
_PACKED: dict[bytes, tuple[str, Any]] = {
    b"\x1f\x8b": ("gzip", gzip.open),
    b"BZh": ("bzip2", bz2.open),
    b"\xfd7zXZ": ("xz", lzma.open),
}
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


class DataFileError(ValueError):
    """The reader's file cannot be taken as it is: the message says where, why, and what to do."""


def find(given: str) -> Path:
    """Return the path of a readable file.

    Raises
    ------
    FileNotFoundError
        If there is none.
    DataFileError
        If the text is an address, or names a folder or something else that is no file.
    """
    if "://" in given:
        raise DataFileError(f"{given!r} is an address; this page loads nothing from a network: download it first")
    try:
        path = Path(given).expanduser()
        if path.is_dir():
            inside = sorted(p.name for p in path.iterdir() if p.suffix.lower() in _TABLES)
            there = f"one of {', '.join(inside[:5])}" if inside else "a CSV file"
            raise DataFileError(f"{given!r} is a folder; name a file in it: {there}")
        if not path.exists():
            shown = f" (that is {path.absolute()})" if not Path(given).is_absolute() else ""
            raise FileNotFoundError(
                f"there is no file {given!r}{shown}; give the path from the folder that you started in, or a full one"
            )
        if not path.is_file():
            raise DataFileError(f"{given!r} is neither a file nor a folder; give the path of a CSV file")
    except (RuntimeError, ValueError, OSError) as error:
        if isinstance(error, FileNotFoundError | DataFileError):
            raise
        raise DataFileError(f"{given!r} cannot be looked up ({error}); give the full path of a CSV file") from None
    return path


def read(path: Path, encoding: str, sheet: str) -> tuple[bytes, list[str]]:
    """Return the table as UTF-8 with plain line ends, and sentences on what was assumed.

    Raises
    ------
    DataFileError
        If it is empty, no text, or not in the encoding that was given.
    TooLargeError
        If memory does not hold it.
    """
    raw, notes = _unpacked(path)
    if raw[:4] == b"PK\x03\x04":
        content, more = _of_workbook(path, raw, sheet)
        return content, notes + more
    if sheet:
        raise DataFileError(f"{path} is no Excel workbook, but sheet is {sheet!r}; leave sheet empty")
    for mark, kind in _FOREIGN.items():
        if raw.startswith(mark):
            raise DataFileError(f"{path} is {kind} by its first bytes {mark!r}; save the table as CSV or .xlsx")
    text, more = _decoded(path, raw, encoding)
    start = text[:200].lstrip()
    for form, kind in _MARKUP.items():
        if form.match(start):
            raise DataFileError(
                f"{path} begins with {start[:9].decode()!r} like {kind}; save the table as CSV or .xlsx"
            )
    if not start:
        raise DataFileError(f"{path} is empty ({len(raw)} bytes, no value); give a CSV table with a header")
    return (text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text), notes + more


def _unpacked(path: Path) -> tuple[bytes, list[str]]:
    size = path.stat().st_size
    require_memory(_MEMORY_PER_BYTE * size, f"reading {path} ({size:,} bytes)", "cut it, or take a sample of its rows")
    with path.open("rb") as file:
        raw = file.read()
    for mark, (name, opened) in _PACKED.items():
        if raw.startswith(mark):
            limit = int((available_memory() or 2**32) / _MEMORY_PER_BYTE)
            try:
                content = opened(io.BytesIO(raw)).read(limit + 1)
            except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
                raise DataFileError(
                    f"{path} is damaged: it begins as {name}, but does not unpack ({error}); make it again"
                ) from None
            require_memory(_MEMORY_PER_BYTE * len(content), f"reading {path}, unpacked,", "take a sample of its rows")
            return content, [f"It was unpacked ({name})."]
    return raw, []


def _decoded(path: Path, raw: bytes, encoding: str) -> tuple[bytes, list[str]]:
    if encoding:
        try:
            return raw.decode(encoding).encode(), []
        except LookupError:
            raise DataFileError(
                f"encoding is {encoding!r}, which Python does not know; use a name such as utf-8, cp1252 or utf-16"
            ) from None
        except UnicodeError as error:
            raise DataFileError(
                f"{path} is not in the encoding {encoding!r} ({error}); give another, or leave it empty"
            ) from None
    for mark, name in _MARKS.items():
        if raw.startswith(mark):
            return _strictly(path, raw, name), [] if name == "utf-8-sig" else [f"It was read as {name.upper()}."]
    if b"\0" in raw[:1000]:
        for offset, name in ((1, "utf-16-le"), (0, "utf-16-be")):
            if raw[offset:1000:2].count(0) > 0.8 * len(raw[offset:1000:2]):
                return _strictly(path, raw, name), [f"It was read as {name.upper()}, without a mark that says so."]
        at = raw.index(b"\0")
        raise DataFileError(f"{path} is no text: byte {at} is {raw[at]}, which no CSV holds; save the table as CSV")
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        note = f"It is not UTF-8 (byte 0x{raw[error.start]:02x} in line {line}) and was read as Windows-1252."
        try:
            return raw.decode("cp1252").encode(), [note]
        except UnicodeDecodeError:
            return raw.decode("latin-1").encode(), [note.replace("Windows-1252", "Latin-1")]
    return raw, []


def _strictly(path: Path, raw: bytes, name: str) -> bytes:
    try:
        return raw.decode(name).encode()
    except UnicodeError as error:
        raise DataFileError(
            f"{path} begins as {name.upper()}, but does not go on so ({error}); save it again"
        ) from None


def _of_workbook(path: Path, raw: bytes, sheet: str) -> tuple[bytes, list[str]]:
    """Return a sheet of an Excel workbook as CSV, row by row, so that line numbers are the sheet's."""
    import zipfile

    import openpyxl

    try:
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise DataFileError(
            f"{path} is a zip file, but no Excel workbook ({error}); unpack it, or save as CSV"
        ) from None
    names = book.sheetnames
    if sheet and sheet not in names:
        raise DataFileError(f"{path} has no sheet {sheet!r}; its sheets are {', '.join(map(repr, names))}")
    if not sheet and len(names) > 1:
        raise DataFileError(f"{path} has {len(names)} sheets; say which with sheet: {', '.join(map(repr, names))}")
    chosen = sheet or names[0]
    text = io.StringIO()
    rows = [[_cell(value) for value in row] for row in book[chosen].iter_rows(values_only=True)]
    width = max((j + 1 for row in rows for j, value in enumerate(row) if value), default=0)
    if not width:
        raise DataFileError(f"sheet {chosen!r} of {path} is empty; give a sheet that holds a table")
    csv.writer(text, lineterminator="\n").writerows(row[:width] + [""] * (width - len(row)) for row in rows)
    return text.getvalue().encode(), [f"It is the sheet {chosen!r} of an Excel workbook."]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else " ".join(str(value).splitlines())
