r"""Text that comes from a file, made safe to show: the one place where a name meets HTML, Markdown, TeX or a table.

A column may be called ``<img src=x onerror=...>``, ``$\href{javascript:...}{x}$``, ``=HYPERLINK(...)`` or hold a line
break. It stays readable, and does nothing.
"""

import html as _html
import re
import unicodedata

_LONGEST = 60
"""Characters of a name that are shown."""

_LOOKALIKES = {"$": "\N{FULLWIDTH DOLLAR SIGN}", "\\": "\N{FULLWIDTH REVERSE SOLIDUS}"}
"""What begins TeX wherever it stands, in a table's cells too, is shown by what looks like it."""

_FORMULA = {c: chr(ord(c) + ord("\N{FULLWIDTH EQUALS SIGN}") - ord("=")) for c in "=+-@"}
"""What a spreadsheet computes where a cell begins with it, unless it is a number, and what looks like it."""

_NUMBER = re.compile(r"[-+](\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")

_STRUCTURE = re.compile(r"[^\w\s.,]|_|[.](?=\S)")
"""What Markdown may take for something else than text."""

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories of characters that steer or hide text: controls, directions, halves of pairs, unassigned ones."""


def plain(text: object, longest: int | None = _LONGEST) -> str:
    """Return text in one line, without what steers a terminal, a page, TeX or a spreadsheet; cut where it is long."""
    whole = str(text)
    if whole[:1] in _FORMULA and not _NUMBER.fullmatch(whole):
        whole = _FORMULA[whole[0]] + whole[1:]
    shown = "".join(
        f"\N{LEFT WHITE SQUARE BRACKET}{ord(c):04X}\N{RIGHT WHITE SQUARE BRACKET}"
        if unicodedata.category(c) in _UNSEEN
        else _LOOKALIKES.get(c, c)
        for c in whole[:longest]
    )
    return shown + "\N{HORIZONTAL ELLIPSIS}" if longest is not None and len(whole) > longest else shown


def html(text: object) -> str:
    """Return text as HTML that shows it."""
    return _html.escape(plain(text, longest=None))


def markdown(text: object, longest: int | None = _LONGEST) -> str:
    """Return text as Markdown that shows it, in code, in tables and in links, too.

    All but letters, digits, blanks, and points that end a sentence are character references, which CommonMark never
    takes for structure: neither for emphasis, links and HTML, nor for addresses that renderers turn into links.
    """
    return _STRUCTURE.sub(lambda found: f"&#{ord(found[0])};", plain(text, longest))


def duration(seconds: float) -> str:
    """Return a duration in the unit that one would use: 40 s, 12 min, 3.5 h, 12 days."""
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{float(f'{seconds / size:.2g}'):g} {unit}"
    return f"{float(f'{seconds:.2g}'):g} s"
