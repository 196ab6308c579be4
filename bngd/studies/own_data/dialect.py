"""How a text is a table: its comments, separator, header, and whether every row has as many fields as the header."""

import csv
import io
import re
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from bngd.studies.own_data.source import DataFileError

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
BLANKS = r"\s+"
_SAMPLE_LINES = 200
_NUMBER = re.compile(r"[+\-\N{MINUS SIGN}]?(\d+([.,]\d*)*|[.,]\d+)([eE][+-]?\d+)?")
_EXCEL_HINT = re.compile(r'^"?sep=(.)"?$')


@dataclass
class Rows:
    """What a look over all rows found.

    Attributes
    ----------
    body : bytes
        The rows alone, as CSV with `separator`.
    names : list of str
        Of the columns.
    lines : array of int
        The line of the file in which each row begins.
    notes : list of str
        What was assumed.
    """

    body: bytes
    separator: str
    names: list[str]
    numbered: bool
    lines: "array[int]"
    notes: list[str] = field(default_factory=list)


def look(path: str, content: bytes, separator: str, header: bool | None, target: str) -> Rows:
    """Find out how the text is a table, and check that it is one throughout.

    Raises
    ------
    DataFileError
        If the separator cannot be told, a row has more or fewer fields than the header, or a quote is left open.
    """
    first, hint = _first_line(content)
    notes = [f"Lines of comments before the header, passed over: {first}."] if first and not hint else []
    sample = _sample(content, first)
    chosen = separator or hint or _separator(path, sample)
    if not separator and chosen != ",":
        words = "blanks" if chosen == BLANKS else _SEPARATORS.get(chosen, chosen)
        notes.append(f"Fields were taken to be separated by {words}.")
    rows = _rows(path, content, first, chosen)
    head_line, head, head_end = next(rows)
    numeric = all(_NUMBER.fullmatch(cell.strip()) for cell in head)
    numbered = header is False or (header is None and numeric and target not in [cell.strip() for cell in head])
    names = [f"column {j + 1}" for j in range(len(head))] if numbered else [cell.strip() for cell in head]
    if numbered and header is None:
        notes.append(f"Line {head_line} holds only numbers and was taken for data; the columns are numbered.")
    lines, left_out, blank, comments = array("q"), set(range(first)), 0, 0
    left_out |= set() if numbered else set(range(head_line - 1, head_end))
    if numbered:
        lines.append(head_line)
    for line, cells, end in rows:
        if not cells:
            continue
        if not any(cells):
            blank += 1
            left_out.update(range(line - 1, end))
        elif len(cells) != len(head):
            if cells[0].startswith("#"):
                comments += 1
                left_out.update(range(line - 1, end))
                continue
            raise _ragged(path, line, cells, head_line, head, chosen)
        elif cells[0].startswith("#"):
            raise DataFileError(
                f"{path}, line {line} begins with {cells[0]!r}, which may be a comment or a value; a comment has "
                "another number of fields than the header: delete the line, or quote the value and leave its column out"
            )
        else:
            lines.append(line)
    if numeric and header is None and not numbered:
        notes.append(f"Line {head_line} holds only numbers, the target among them, and was taken for the header.")
    if blank:
        notes.append(f"Rows without any value, passed over: {blank}.")
    if comments:
        notes.append(f"Lines that begin with a number sign, passed over as comments: {comments}.")
    if not lines:
        raise DataFileError(f"{path} has a header ({', '.join(map(repr, names[:5]))}) but no rows; add data below it")
    return Rows(_without(content, left_out), chosen, names, numbered, lines, notes)


def _first_line(content: bytes) -> tuple[int, str]:
    """Return how many lines stand before the table, and the separator that Excel's ``sep=;`` names."""
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="\n")
    count = 0
    for line in text:
        hint = _EXCEL_HINT.match(line.strip("\n")) if count == 0 else None
        if hint:
            return 1, hint[1]
        if line.strip() and not line.startswith("#"):
            return count, ""
        count += 1
    raise DataFileError(f"all {count} lines of the file are blank or comments (#); a table needs a header and rows")


def _sample(content: bytes, first: int) -> list[str]:
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="\n")
    lines = [line for _, line in zip(range(first + _SAMPLE_LINES), text, strict=False)][first:]
    return [line for line in lines if line.strip() and not line.startswith("#")]


def _separator(path: str, sample: list[str]) -> str:
    """Return what splits the most rows into as many fields as the header, at least two; the Sniffer breaks ties."""
    scores = {}
    for mark in _SEPARATORS:
        try:
            counts = [len(row) for row in csv.reader(sample, delimiter=mark) if row]
        except csv.Error:
            continue
        if counts and counts[0] > 1:
            scores[mark] = Counter(counts[1:])[counts[0]] / max(len(counts) - 1, 1), counts[0]
    most = max((score for score, _ in scores.values()), default=0.0)
    best = [mark for mark, (score, _) in scores.items() if score == most]
    if not most:  # no row agrees with the header, whatever splits it: the likeliest is the one that splits it most
        best = sorted(best, key=lambda mark: -scores[mark][1])[:1]
    if len(best) > 1:
        try:
            sniffed = csv.Sniffer().sniff("".join(sample), "".join(best)).delimiter
        except csv.Error:
            sniffed = ""
        raise DataFileError(
            f"{path}: {' and '.join(_SEPARATORS[mark] for mark in best)} split {sample[0].strip()!r} alike"
            f"{f' (the likelier: {sniffed!r})' if sniffed else ''}; say which with separator"
        )
    if best:
        return best[0]
    widths = Counter(len(line.split()) for line in sample)
    if len(sample[0].split()) > 1 and len(widths) == 1:
        return BLANKS
    return ","


def _rows(path: str, content: bytes, first: int, separator: str) -> Iterator[tuple[int, list[str], int]]:
    """Yield the line in which a row begins, its fields, and the line in which it ends."""
    text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline="\n")
    for _ in range(first):
        next(text)
    if separator == BLANKS:
        for number, line in enumerate(text, first + 1):
            yield number, line.split(), number
        return
    try:
        reader = csv.reader(text, delimiter=separator, strict=True, skipinitialspace=True)
    except TypeError:
        raise DataFileError(f"separator is {separator!r}; it must be one character, or empty to be found out") from None
    begun = first + 1
    try:
        for row in reader:
            end = first + reader.line_num
            yield begun, row, end
            begun = end + 1
    except csv.Error as error:
        raise DataFileError(
            f"{path}, the row that begins in line {begun} cannot be split into fields ({error}, at line "
            f'{first + reader.line_num}); close each quote, and write a quote inside of quotes as ""'
        ) from None


def _ragged(path: str, line: int, cells: list[str], head_line: int, head: list[str], separator: str) -> DataFileError:
    hint = "quote fields that hold the separator" if len(cells) > len(head) else "fill the row"
    if separator == "," and len(cells) == 2 * len(head):
        hint = "decimal commas need another separator, such as ;"
    shown = repr(cells[len(head)]) if len(cells) > len(head) else repr(cells[-1] if cells else "")
    where = "the first too many is" if len(cells) > len(head) else "the last is"
    return DataFileError(
        f"{path}, line {line} has {len(cells)} fields ({where} {shown}), but the header in line {head_line} has "
        f"{len(head)}; every row needs as many as the header: {hint}, or name the separator"
    )


def _without(content: bytes, left_out: set[int]) -> bytes:
    if not left_out:
        return content
    if left_out == set(range(len(left_out))):  # the usual case: the header alone, off the top
        start = 0
        for _ in left_out:
            start = content.index(b"\n", start) + 1
        return content[start:]
    lines = content.split(b"\n")
    return b"\n".join(line for number, line in enumerate(lines) if number not in left_out)
