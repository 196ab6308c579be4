"""Tables as people have them, each with what it gets: the numbers that it means, or the words of the one message.

`test_own_tables.py` executes this list, and the book's page "What happens when" shows it.
"""

import bz2
import gzip
import io
import lzma
from dataclasses import dataclass, field, replace
from typing import Any

PLAIN = "a,b,y\n1,2,3\n4,5,7\n"
NUMBERS = [[1, 2, 3], [4, 5, 7]]


@dataclass(frozen=True)
class Case:
    """A file, and what it gets: rows of a, b, ..., y; or the words of a message; and words of a note or a remark."""

    what: str
    content: str | bytes
    rows: Any = None
    words: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    suffix: str = "csv"
    target: str = "y"
    kind: str = ""

    @property
    def given(self) -> list[str]:
        """The beginning of the file, where it is text, and the parameters that are given with it."""
        text = [self.content[:60].rstrip("\n")] if isinstance(self.content, str) else []
        return [*text, *(f"{name}={value!r}" for name, value in self.options.items())]

    @property
    def data(self) -> bytes:
        """The bytes of the file."""
        return self.content if isinstance(self.content, bytes) else self.content.encode()


def works(what, content, *words, rows=NUMBERS, target="y", suffix="csv", **options):
    """A file that is read, with words that its notes or remarks hold."""
    return Case(what, content, rows, words, options, suffix, target)


def refused(what, content, *words, target="y", suffix="csv", **options):
    """A file that is refused, with words that the message holds."""
    return Case(what, content, None, words, options, suffix, target)


def workbook(*sheets, names=()):
    """An Excel workbook of the given sheets, which are numbered where they have no names."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(names[number] if names else f"sheet {number}")
        for row in rows:
            sheet.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


TABLE = [["a", "b", "y"], [1, 2, 3], [4, 5, 7]]
LEAVE = {"rows_with_missing": "leave out"}

PLAIN_ONES = [
    works("plain CSV", PLAIN),
    works("Windows line ends", PLAIN.replace("\n", "\r\n")),
    works("line ends of an old Mac", PLAIN.replace("\n", "\r")),
    works("no line end after the last row", PLAIN.rstrip()),
    works("semicolons", PLAIN.replace(",", ";"), "semicolons"),
    works("tabs", PLAIN.replace(",", "\t"), "tabs"),
    works("bars", PLAIN.replace(",", "|"), "bars"),
    works("blanks", "a   b y\n1 2   3\n4 5 7\n", "blanks"),
    works("Excel's sep=;", "sep=;\n" + PLAIN.replace(",", ";"), "semicolons"),
    works("another separator, named", PLAIN.replace(",", "~"), separator="~"),
    refused("a separator of two characters", PLAIN.replace(",", "::"), "'::'", "one character", separator="::"),
    refused("two separators alike", "a,b;c\n1,2;3\n", "'a,b;c'", "separator"),
    works("blanks around values and names", " a , b , y \n 1 , 2 , 3 \n4,5,7\n"),
    works("quotes", '"a","b","y"\n"1","2","3"\n4,5,7\n'),
    works("a line end in a quoted name", '"a",b,y\n1,2,3\n4,5,7\n'),
    works("comments before the header", "# made by hand\n# in 2019\n" + PLAIN, "passed over: 2."),
    works("comments between rows", "a,b,y\n1,2,3\n# half way\n4,5,7\n", "comments: 1."),
    refused("a comment with as many fields", "a,b,y\n1,2,3\n# x,y,z\n4,5,7\n", "line 3", "'# x'", "comment"),
    works("blank lines and rows of separators", "a,b,y\n1,2,3\n\n,,\n4,5,7\n\n,,\n", "passed over: 2."),
]  # fmt: skip

NUMBERS_AS_WRITTEN = [
    works("decimal commas", "a;b;y\n1,5;2;3\n4;5;7,25\n", "decimal marks", rows=[[1.5, 2, 3], [4, 5, 7.25]]),
    works("decimal commas and points for thousands", "a;b;y\n1.234,5;2.500;3\n4;5;7\n", "decimal marks",
          rows=[[1234.5, 2500, 3], [4, 5, 7]]),
    works("thousands by commas", 'a,b,y\n"1,234,567",2,3\n4,5,7\n', "group", rows=[[1234567, 2, 3], [4, 5, 7]]),
    works("thousands by commas, cents", 'a,b,y\n"1,234.50",2,3\n4,5,7\n', "group", rows=[[1234.5, 2, 3], [4, 5, 7]]),
    works("thousands by blanks", "a,b,y\n1 234,2,3\n4,5,7\n", "group thousands", rows=[[1234, 2, 3], [4, 5, 7]]),
    works("thousands by apostrophes", "a,b,y\n1'234,2,3\n4,5,7\n", "group thousands", rows=[[1234, 2, 3], [4, 5, 7]]),
    refused("1,500, which may be either", "a;b;y\n1,500;2;3\n4;5;7\n", "'1,500'", "1500 or 1.5", "decimal"),
    works("1,500 with decimal comma, said", "a;b;y\n1,500;2;3\n4;5;7\n", rows=[[1.5, 2, 3], [4, 5, 7]], decimal=","),
    works("1,500 with decimal point, said", "a;b;y\n1,500;2;3\n4;5;7\n", rows=[[1500, 2, 3], [4, 5, 7]], decimal="."),
    refused("2.500 beside decimal commas", "a;b;y\n1,5;2.500;3\n4;5;7\n", "line 2", "'b'", "'2.500'", "decimal"),
    refused("2.25 beside decimal commas", "a;b;y\n1,5;2.25;3\n4;5;7\n", "line 2", "'b'", "'2.25'"),
    refused("both kinds of commas", 'a;b;y\n"1,234,567";2,5;3\n4;5;7\n', "'2,5'", "'1,234,567'", "one way"),
    refused("decimal commas between commas", "a,y\n1,5,2,5\n", "line 2", "4 fields", "decimal commas"),
    refused("a decimal mark that is none", PLAIN, "'x'", decimal="x"),
    works("a minus sign as typeset", "a,b,y\n\N{MINUS SIGN}1,2,3\n4,5,7\n", rows=[[-1, 2, 3], [4, 5, 7]]),
    works("exponents", "a,b,y\n1e3,2E-1,+3\n4,.5,7.\n", rows=[[1000, 0.2, 3], [4, 0.5, 7]]),
]  # fmt: skip

ENCODINGS = [
    works("UTF-8 with a mark", b"\xef\xbb\xbf" + PLAIN.encode()),
    works("UTF-16 with a mark", PLAIN.encode("utf-16"), "UTF-16"),
    refused("UTF-16 that breaks off", PLAIN.encode("utf-16")[:-1], "UTF-16", "save it again"),
    works("UTF-16 without a mark", PLAIN.encode("utf-16-le"), "UTF-16-LE"),
    works("UTF-32 with a mark", PLAIN.encode("utf-32"), "UTF-32"),
    works("Windows-1252", PLAIN.replace("a", "\xe9").encode("cp1252"), "0xe9 in line 1", "Windows-1252"),
    works("an encoding, named", PLAIN.encode("cp037"), encoding="cp037"),
    refused("an encoding that is none", PLAIN, "'utf-99'", encoding="utf-99"),
    refused("not in the encoding named", "\xe9,y\n1,2\n".encode("latin-1"), "'utf-8'", encoding="utf-8"),
    refused("zero bytes", b"a,b\0,y\n1,2,3\n", "byte 3", "no text"),
]  # fmt: skip

PACKED = [
    works("gzip", gzip.compress(PLAIN.encode()), "gzip", suffix="csv.gz"),
    works("bzip2", bz2.compress(PLAIN.encode()), "bzip2"),
    works("xz", lzma.compress(PLAIN.encode()), "xz"),
    refused("half a gzip file", gzip.compress(PLAIN.encode())[:20], "damaged"),
    works("an Excel workbook", workbook(TABLE), "'sheet 0'", suffix="xlsx"),
    refused("a workbook of two sheets", workbook(TABLE, TABLE), "2 sheets", "'sheet 1'", suffix="xlsx"),
    works("a sheet, named", workbook([["x"]], TABLE), suffix="xlsx", sheet="sheet 1"),
    refused("a sheet that is none", workbook(TABLE), "'sheet 9'", "'sheet 0'", suffix="xlsx", sheet="sheet 9"),
    refused("an empty sheet", workbook([]), "empty", suffix="xlsx"),
    refused("a sheet of a CSV file", PLAIN, "'sheet 0'", sheet="sheet 0"),
    refused("another zip file", b"PK\x03\x04nothing", "zip"),
    refused("an old Excel file", b"\xd0\xcf\x11\xe0....", "xls"),
    refused("a Parquet file", b"PAR1....", "Parquet"),
    refused("a web page", "<!DOCTYPE html><table></table>", "HTML"),
    refused("JSON", '[{"a": 1}]', "JSON"),
    refused("an empty file", "", "0 bytes"),
    refused("only blank lines", "\n \n\n", "empty"),
    refused("only comments", "# a\n# b\n", "2 lines"),
    refused("only a header", "a,b,y\n", "'a', 'b', 'y'", "no rows"),
]  # fmt: skip

NAMES = [
    refused("only the target", "y\n1\n2\n", "'y'", "feature"),
    refused("no such target", PLAIN, "'z'", "'a', 'b', 'y'", target="z"),
    works("no header", "1,2,3\n4,5,7\n", "only numbers", "numbered", target="column 3"),
    works("numbers as a header", "1,2,3\n1,2,3\n4,5,7\n", "taken for the header", target="3"),
    works("numbers as a header, said", "1,2,3\n1,2,3\n4,5,7\n", target="3", header=True),
    refused("numbers as a header, unsaid", "10,20,30\n1,2,3\n", "'y'", "header true"),
    works("names for data, said", "1,2,3\n4,5,7\n", target="column 3", header=False),
    works("pandas' index column", ",a,b,y\n0,1,2,3\n1,4,5,7\n", "counts the rows: an index"),
    works("pandas' index column, twice saved", "Unnamed: 0,a,b,y\n0,1,2,3\n1,4,5,7\n", "counts the rows: an index"),
    works("an empty column without a name", "a,b,y,\n1,2,3,\n4,5,7,\n", "no name and no value"),
    refused("a column without a name", "a,,y\n1,2,3\n4,5,7\n", "column 2", "no name", "'2'"),
    works("a column that counts the rows", "id,b,y\n1,2,3\n2,5,7\n3,1,1\n", "identifier",
          rows=[[1, 2, 3], [2, 5, 7], [3, 1, 1]]),
    refused("two columns of one name", "a,a,y\n1,2,3\n4,5,7\n", "columns 1 and 2", "'a'"),
    refused("two columns named as the target", "a,y,y\n1,2,3\n4,5,7\n", "columns 2 and 3", "'y'"),
    works("two columns of one name, left out", "c,a,b,c,y\n1,1,2,9,3\n4,4,5,9,7\n", leave_out=["c"]),
]  # fmt: skip

ROWS = [
    refused("a row with more fields", "a,b,y\n1,2,3,99\n4,5,7\n", "line 2", "4 fields", "'99'", "3"),
    refused("all rows with more fields", "b,y\n1,2,3\n4,5,7\n", "line 2", "3 fields"),
    refused("a row with fewer fields", "a,b,y\n1,2,3\n4,5\n", "line 3", "2 fields"),
    refused("an open quote", 'a,b,y\n"1,2,3\n4,5,7\n', "line 2", "quote"),
]  # fmt: skip

VALUES = [
    refused("text", "a,b,y\nred,2,3\n4,5,7\n", "line 2", "'a'", "'red'", "text", "leave_out"),
    refused("text in the target", "a,b,y\n1,2,3\n4,5,dear\n", "line 3", "'y'", "'dear'"),
    works("text, left out", "a,b,c,y\n1,2,red,3\n4,5,blue,7\n", "as asked", leave_out=["c"]),
    refused("leaving out what is not there", PLAIN, "'c'", leave_out=["c"]),
    refused("leaving out the target", PLAIN, "'y'", leave_out=["y"]),
    refused("dates", "a,b,y\n2019-06-11,2,3\n4,5,7\n", "line 2", "'a'", "'2019-06-11'", "dates"),
    refused("a percentage", "a,b,y\n5 %,2,3\n4,5,7\n", "line 2", "'5 %'"),
    refused("an amount", "a,b,y\n$5,2,3\n4,5,7\n", "line 2", "'$5'"),
    refused("a hexadecimal number", "a,b,y\n0x1F,2,3\n4,5,7\n", "line 2", "'0x1F'"),
    works("true and false", "a,b,y\nTrue,2,3\nfalse,5,7\n", "true/false", rows=[[1, 2, 3], [0, 5, 7]]),
    works("yes and no", "a,b,y\nyes,2,3\nNo,5,7\n", "yes/no", rows=[[1, 2, 3], [0, 5, 7]]),
]  # fmt: skip

MISSING = [
    refused("booleans with gaps", "a,b,y\nTrue,2,3\n,5,7\n", "line 3", "'a'", "1 of 2 rows", "rows_with_missing"),
    works("booleans with gaps, left out", "a,b,y\nTrue,2,3\n,5,7\nFalse,4,4\n", "1 of 3",
          rows=[[1, 2, 3], [0, 4, 4]], **LEAVE),
    refused("missing values", "a,b,y\n1,NA,3\n4,5,7\n3,5,?\n", "line 2", "'b'", "2 of 3 rows"),
    works("missing values, left out", "a,b,y\n1,NA,3\n1,2,3\n3,5,?\n4,5,7\n", "2 of 4", **LEAVE),
    refused("rows_with_missing as it is not", PLAIN, "'maybe'", "'stop'", rows_with_missing="maybe"),
    refused("another word for missing", "a,b,y\n1,none given,3\n4,5,7\n", "'none given'", "missing"),
    works("another word for missing, said", "a,b,y\n1,gone,3\n1,2,3\n4,5,7\n", "1 of 3", missing=["gone"], **LEAVE),
    works("a code with a leading zero", "a,b,y\n02134,2,3\n?,1,1\n94025,5,7\n", "begins with a zero, as codes do",
          rows=[[2134, 2, 3], [94025, 5, 7]], **LEAVE),
    works("-999", "a,b,y\n-999,2,3\n4,5,7\n", "may stand for a missing value", rows=[[-999, 2, 3], [4, 5, 7]]),
    refused("too few rows left", "a,b,y\n1,NA,3\n4,5,7\n", "1 of 2 rows", **LEAVE),
    refused("an empty column", "a,b,y\n1,,3\n4,,7\n", "'b'", "empty", "leave_out"),
]  # fmt: skip

SIZES = [
    refused("infinity", "a,b,y\ninf,2,3\n4,5,7\n", "line 2", "'a'", "'inf'"),
    refused("a number too large", "a,b,y\n1e400,2,3\n4,5,7\n", "line 2", "'a'", "'1e400'"),
    works("integers beyond 2^53", f"a,b,y\n{2**63 + 1},2,3\n{2**63 + 4},5,7\n", rows=[[0, 2, 3], [3, 5, 7]]),
    works("integers beyond 2^64", f"a,b,y\n{10**25 + 1},2,3\n{10**25 + 4},5,7\n", rows=[[0, 2, 3], [3, 5, 7]]),
    works("integers beyond 2^53, with gaps", f"a,b,y\n{2**60 + 1},2,3\n,1,1\n{2**60 + 4},5,7\n", "1 of 3",
          rows=[[0, 2, 3], [3, 5, 7]], **LEAVE),
    works("one value that decides all", "a,b,y\n" + "1,2,3\n2,1,4\n" * 6 + "1e300,5,7\n", "nearly all of its variance",
          rows=[[1, 2, 3], [2, 1, 4]] * 6 + [[1e300, 5, 7]]),
]  # fmt: skip

GROUPS = {
    "layout": PLAIN_ONES, "numbers": NUMBERS_AS_WRITTEN, "encodings": ENCODINGS, "packed": PACKED, "names": NAMES,
    "rows": ROWS, "values": VALUES, "missing": MISSING, "sizes": SIZES,
}  # fmt: skip
"""The tables of the appendix: name -> cases."""

CASES = [replace(case, kind=kind) for kind, cases in GROUPS.items() for case in cases]

HOSTILE = [
    "<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "[x](javascript:alert(1))", r"\(x\)", "**bold**",
    r"$\href{javascript:0}{x}$", "`x`{=html}", "_it_", "www.example.org", "https://example.org", "a|b", "&lt;b&gt;",
    "\u202egnp", "\x1b[31mred", "{value}`own_data:kappa`", "![x](y)", "![](x)", "<javascript:x>", "x" * 500,
    "=cmd|' /C calc'!A0", "@SUM(1)", "-1+2", "\"a\" and 'b'", r"\input{x}", "$x$", "# a", "```", "<!--",
    "{{ x }}", "a\nb",
]  # fmt: skip
"""Names of columns that would like to be more than text."""
