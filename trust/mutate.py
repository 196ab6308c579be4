"""Mutation testing: change one operator, comparison or number at a time, and see whether a test fails.

A mutant that survives is a line that no test watches, or a change that changes nothing. Mutants are drawn at random,
the same ones every time, until the seconds are over. Run as ``python -m trust.mutate --seconds 600``.
"""

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trust import kept

TESTS = {
    "bngd/dynamics.py": ["test_dynamics"],
    "bngd/theory.py": ["test_theory"],
    "bngd/problem.py": ["test_problem", "test_dynamics"],
    "bngd/measure.py": ["test_measure"],
    "bngd/equivalences.py": ["test_equivalences"],
    "bngd/claims.py": ["test_claims"],
    "bngd/krylov.py": ["test_krylov"],
    "bngd/lanczos.py": ["test_krylov"],
    "bngd/ensemble/kernels.py": ["test_ensemble"],
    "bngd/companion/parameters.py": ["test_companion_profiles"],
    "bngd/companion/run.py": ["test_companion_run"],
}
"""What is mutated (the core, the kernels, the runner), and the tests that should notice."""

SWAPS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Lt: ast.GtE, ast.LtE: ast.Gt,
    ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield line, old code, new code and the whole mutated source of every mutant of a module."""
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        changed = copy.deepcopy(tree)
        twin = next(one for index, one in enumerate(ast.walk(changed)) if index == number)
        if isinstance(node, ast.expr) and _change(twin):
            yield node.lineno, ast.unparse(node), ast.unparse(twin), ast.unparse(changed)


def _change(node: ast.AST) -> bool:
    """Change a node in place; False where there is nothing to change."""
    if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPS:
        node.op = SWAPS[type(node.op)]()
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        node.ops[0] = SWAPS[type(node.ops[0])]()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node.op = ast.UAdd()
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        node.value = node.value + 1 if isinstance(node.value, int) else node.value * 1.5
    else:
        return False
    return True


def drawn(seed: int) -> list[tuple[str, tuple[int, str, str, str]]]:
    """Return all mutants of all files, shuffled, the files taking turns."""
    piles = []
    for name in TESTS:
        pile = [(name, one) for one in mutants((kept.ROOT / name).read_text())]
        random.Random(seed).shuffle(pile)
        piles.append(pile)
    return [pile[turn] for turn in range(max(map(len, piles))) for pile in piles if turn < len(pile)]


def killed(root: Path, name: str, source: str) -> bool:
    """Return whether a test fails with this source in the copy at `root`; a test that hangs has noticed."""
    path, original = root / name, (root / name).read_text()
    path.write_text(source)
    tests = [f"tests/{test}.py" for test in TESTS[name]]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(root), "NUMBA_CACHE_DIR": str(root / ".numba")}
    try:
        return subprocess.run(command, cwd=root, env=environment, capture_output=True, timeout=300).returncode != 0
    except subprocess.TimeoutExpired:
        return True
    finally:
        path.write_text(original)


def main() -> int:
    """Try mutants for so long; keep counts by file and the survivors, with what was said of each before."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    why = {(one["file"], one["was"], one["became"]): one["why"] for one in kept.read("mutants").get("survivors", [])}
    chosen, deadline, survivors = drawn(options.seed), time.perf_counter() + options.seconds, []
    files = {name: {"mutants": sum(one[0] == name for one in chosen), "tried": 0, "killed": 0} for name in TESTS}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("bngd", "tests", "notebooks", "book", "trust"):
            shutil.copytree(kept.ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(kept.ROOT / "pyproject.toml", root)
        for name, (line, was, became, source) in chosen:
            if time.perf_counter() > deadline:
                break
            dead = killed(root, name, source)
            files[name]["tried"] += 1
            files[name]["killed"] += dead
            if not dead:
                said = why.get((name, was, became), "not explained yet")
                survivors.append({"file": name, "line": line, "was": was, "became": became, "why": said})
            print(f"{name}:{line}: {was} -> {became}: {'killed' if dead else 'SURVIVED'}", flush=True)
    keep(files, survivors)
    return 0


def keep(files: dict[str, dict[str, int]], survivors: list[dict[str, Any]]) -> None:
    """Keep the score for the book."""
    kept.write("mutants", {"files": files, "survivors": survivors}, "make mutate")


if __name__ == "__main__":
    sys.exit(main())
