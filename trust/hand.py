"""Twenty mutations by hand: each changes one constant, sign or exponent, and the numbers on record must notice.

Run as ``python -m trust.hand``: one notebook of the quick profile for each, in a copy of the sources.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from trust import kept, reference
from trust.rerun import elsewhere


class Mutation(NamedTuple):
    """Where, what becomes what, and the notebook that should notice."""

    file: str
    old: str
    new: str
    notebook: str


MUTATIONS = [
    Mutation("dynamics", "w + lr * (problem.g - ", "w + 1.001 * lr * (problem.g - ", "gradient_descent"),
    Mutation("dynamics", "(wg / s**2)[..., None]", "(wg / s**2.001)[..., None]", "effective_step"),
    Mutation(
        "dynamics", "a + np.asarray(lr_a) * (wg / s - a)", "a + 0.999 * np.asarray(lr_a) * (wg / s - a)", "landscape"
    ),
    Mutation("dynamics", "w + (np.asarray(lr) * (a / s))", "w - (np.asarray(lr) * (a / s))", "landscape"),
    Mutation("dynamics", "float)) ** 2, axis=-1) / 2", "float)) ** 2, axis=-1) / 2.001", "gradient_descent"),
    Mutation("dynamics", "sigma(problem, w) ** 3", "sigma(problem, w) ** 2.999", "effective_step"),
    Mutation("dynamics", "problem.u - q[..., None]", "problem.u + q[..., None]", "landscape"),
    Mutation("theory", "float(2 / problem.eigenvalues[-1])", "float(2.001 / problem.eigenvalues[-1])", "compression"),
    Mutation("theory", "eigenvalues[0] + problem", "eigenvalues[0] - problem", "gradient_descent"),
    Mutation("theory", "(problem.eigenvalues) - np.outer", "(problem.eigenvalues) + np.outer", "effective_hessian"),
    Mutation("theory", "u_squared * sigma(problem, w0) ** 2", "u_squared * sigma(problem, w0) ** 3", "effective_step"),
    Mutation("theory", "large / np.asarray(level)", "large * np.asarray(level)", "robustness_dimension"),
    Mutation(
        "theory", "problem.g / problem.dimension)", "problem.g / (problem.dimension + 1))", "robustness_dimension"
    ),
    Mutation("lanczos", "eigenvalues * seeds[0]", "eigenvalues**1.001 * seeds[0]", "compression"),
    Mutation("lanczos", "(diagonal + diagonal.T) / 2", "(diagonal + diagonal.T) / 2.001", "compression"),
    Mutation("lanczos", "block * self.full.eigenvalues", "block / self.full.eigenvalues", "compression"),
    Mutation("ensemble/kernels", "lr[j] * a[j] / sigma\n", "1.001 * lr[j] * a[j] / sigma\n", "robustness_dimension"),
    Mutation("ensemble/kernels", "(best_a - a[j])", "(best_a + a[j])", "robustness_dimension"),
    Mutation("ensemble/kernels", "seen[1, j]) / 2 + known", "seen[1, j]) / 2.001 + known", "compression"),
    Mutation(
        "ensemble/kernels", "z[i, j] / eigenvalues[i]", "z[i, j] / eigenvalues[i] ** 1.001", "robustness_dimension"
    ),
]


def notices(mutation: Mutation, root: Path) -> str:
    """Return what the record says of the mutated sources at `root`: the first thing that moved, empty if nothing."""
    path = root / "bngd" / f"{mutation.file}.py"
    source = path.read_text()
    if source.count(mutation.old) != 1:
        raise ValueError(f"{mutation.file} holds {mutation.old!r} {source.count(mutation.old)} times; it must be once")
    path.write_text(source.replace(mutation.old, mutation.new))
    try:
        with tempfile.TemporaryDirectory() as output:
            if elsewhere(mutation.notebook, "quick", Path(output), root=root):
                return f"{mutation.notebook}: the notebook stops with an error"
            told, _, _ = reference.examine("quick", [mutation.notebook], Path(output) / "results")
    finally:
        path.write_text(source)
    return f"{told[0]} ({len(told)} in all)" if told else ""


def copy_sources(folder: Path) -> Path:
    """Copy what a notebook needs to a folder, and return the root of the copy."""
    for name in ("bngd", "trust", "notebooks"):
        shutil.copytree(kept.ROOT / name, folder / name, ignore=shutil.ignore_patterns("results", "reference"))
    return folder


def main() -> int:
    """Try all of them, or those whose numbers are given; keep what each moved; return 1 if one went unnoticed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("numbers", nargs="*", type=int, help=f"1 to {len(MUTATIONS)}; all where none is named")
    rows = dict(enumerate(kept.rows("hand"), 1))
    with tempfile.TemporaryDirectory() as folder:
        root = copy_sources(Path(folder))
        for number in parser.parse_args().numbers or range(1, len(MUTATIONS) + 1):
            mutation = MUTATIONS[number - 1]
            told = notices(mutation, root) or "NOTHING"
            rows[number] = [mutation.file, mutation.old.strip(), mutation.new.strip(), told]
            print(f"{number:2} {mutation.file}: {mutation.new.strip()}: {told}", flush=True)
            noticed = sum(row[-1] != "NOTHING" for row in rows.values())
            header = ["file", "was", "became", "first number that moved"]
            kept.table("hand", header, [rows[one] for one in sorted(rows)])
            kept.write("hand", {"tried": len(rows), "noticed": noticed}, "python -m trust.hand")
    return 1 if noticed < len(rows) else 0


if __name__ == "__main__":
    sys.exit(main())
