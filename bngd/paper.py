"""What is particular to this paper: its summary table, and the chapters and statements that claims are about.

A companion to another paper would replace this file; the machinery of claims reads it and knows no more of it.
"""

from typing import NamedTuple

TABLE_COLUMNS = {
    "gd": "Gradient descent",
    "bngd": "With batch normalization",
    "networks": "In neural networks",
}
"""The columns of the paper's summary table, and the book's own for the sentence after it."""

TABLE_ROWS = {
    "convergence": (
        "Convergence",
        r"only for small $\varepsilon$",
        r"arbitrary $\varepsilon$ provided $\varepsilon_a \le 1$",
        r"no $\varepsilon$ ends much worse than a guess if $\varepsilon_a \le 1$",
    ),
    "rate": (
        "Rate of convergence",
        "linear",
        "linear (can be faster)",
        r"at its best $\varepsilon$, a loss no worse after as many updates",
    ),
    "learning_rate": (
        "Robustness to the learning rate",
        r"small range of $\varepsilon$",
        r"wide range of $\varepsilon$",
        r"also: a wider range of $\varepsilon$",
    ),
    "dimension": (
        "Robustness to the dimension",
        "no effect",
        "the higher the better",
        "also: BN's range, and BN's alone, is wider in a wide network",
    ),
}
"""Its rows: their names, the words of the authors' talk in the first two columns, and ours in the third."""

TABLE_CELLS = tuple(f"{row}/{column}" for row in TABLE_ROWS for column in TABLE_COLUMNS)
"""Its cells, as ``row/column``: what a claim can support."""


class _Chapter(NamedTuple):
    """A chapter of the book: its number and title there, and the labels of its statements."""

    number: int
    title: str
    statements: tuple[str, ...]


CHAPTERS = {
    "problem": _Chapter(1, "The problem", ("def-loss", "lem-gradient", "lem-decomposition", "prop-stationary")),
    "convergence": _Chapter(
        2,
        "Convergence",
        (
            *("thm-gd", "lem-norm-growth", "def-effective-step", "lem-contraction", "thm-paper", "lem-descent"),
            *("thm-bounded", "thm-convergence", "thm-almost-every", "thm-past-two", "rem-slow", "thm-self-tuning"),
        ),
    ),
    "rate": _Chapter(
        3,
        "Rate of convergence",
        ("lem-hessian", "thm-interlacing", "thm-rate", "thm-attained", "thm-steps", "prop-no-sooner", "prop-own-time"),
    ),
    "learning_rate": _Chapter(
        4, "Robustness to the learning rate", ("thm-tent", "prop-asymptotes", "def-good-interval")
    ),
    "dimension": _Chapter(5, "Robustness to the dimension", ("lem-alignment", "prop-dimension")),
    "equivalences": _Chapter(6, "Equivalent configurations", ("thm-equivalences",)),
    "beyond": _Chapter(
        7,
        "Past the paper",
        (
            *("lem-dominated", "lem-preimage", "prop-attained", "prop-ends", "prop-dip", "obs-dip", "thm-mirror"),
            *("thm-two", "thm-away"),
        ),
    ),
    "variants": _Chapter(
        9,
        "Beyond least squares of this kind",
        ("prop-uncentred", "prop-decay", "prop-momentum", "prop-batches", "prop-metrics"),
    ),
    "networks": _Chapter(
        10,
        "Neural networks",
        (
            "thm-network-scaling",
            "thm-network-norm",
            "prop-layer-tent",
            "thm-network-scales",
            "prop-reach",
            "prop-floor",
            "prop-scale",
            "prop-safe-scale",
        ),
    ),
}
"""The chapters that a claim can belong to, by the names of their pages, as the book numbers them."""

REQUIRED_CHAPTERS = ("problem", "convergence", "rate", "learning_rate", "dimension", "equivalences")
"""The chapters that at least one claim must illustrate."""

CHAPTER_OF = {label: page for page, chapter in CHAPTERS.items() for label in (*chapter.statements, page)}
"""The chapter of everything that a claim can be about: of each statement, and of itself."""


def place(about: str) -> tuple[int, int]:
    """Return where a claim about a statement or a chapter stands: its chapter, then its place there."""
    chapter = CHAPTERS[CHAPTER_OF[about]]
    return chapter.number, (*chapter.statements, CHAPTER_OF[about]).index(about)
