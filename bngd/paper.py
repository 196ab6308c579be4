"""What is particular to this paper: its summary table, and the sections of the mathematics that claims belong to.

A companion to another paper would replace this file; the machinery of claims reads it and knows no more of it.
"""

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

SECTIONS = {
    2: "What is exactly known of gradient descent",
    3: "Loss decomposition",
    4: "Stationary points",
    5: "Over-parameterisation improves conditioning",
    6: "Norm growth and the effective step size",
    7: "Convergence for every step size",
    8: "Asymptotic rate",
    9: "Effective step size as a function of the step size",
    10: "Robustness to dimension",
    11: "Equivalent configurations",
    12: "Krylov compression",
    13: "Neural networks",
    15: "Beyond least squares of this kind",
}
"""The sections of the mathematical reference that a claim can belong to, by number."""

REQUIRED_SECTIONS = range(2, 12)
"""The sections that at least one claim must illustrate."""
