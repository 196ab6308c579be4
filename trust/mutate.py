"""Mutation testing: change one operator, comparison or number at a time, and see whether a test fails.

A mutant that survives is a line that no test watches, or a change that changes nothing. For each file one process
imports it and collects its tests once. Its first child traces which test passes through which line; then every mutant
gets a child of its own, which replaces the code of the functions in memory and runs the tests that pass through the
mutated statement, fastest first, until one fails. No file is changed.

Run as ``python -m trust.mutate --seconds 600``: each file gets an equal share of the time, its mutants in a shuffled
order that is the same every time. ``--survivors`` tries only those that survived, after a test was added. ``--keep``
renews what the book quotes: a short run knows less than the long one that is on record.
"""

import argparse
import ast
import functools
import importlib.machinery
import importlib.util
import json
import os
import random
import resource
import signal
import sys
import tempfile
import threading
import time
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from trust import kept

TESTS = {
    "bngd/problem.py": ["test_problem", "test_preparation"],
    "bngd/dynamics.py": ["test_dynamics", "test_examples"],
    "bngd/theory.py": ["test_theory", "test_examples"],
    "bngd/guarantees.py": ["test_guarantees", "test_examples"],
    "bngd/equivalences.py": ["test_equivalences"],
    "bngd/measure.py": ["test_measure", "test_examples"],
    "bngd/krylov.py": ["test_krylov"],
    "bngd/lanczos.py": ["test_krylov"],
    "bngd/ensemble/kernels.py": ["test_kernels"],
    "bngd/companion/run.py": ["test_companion_run"],
    "bngd/companion/parameters.py": ["test_companion_profiles"],
    "bngd/companion/ranges.py": ["test_companion_ranges"],
}
"""What is mutated (the core, the kernels, the runner), and the tests that should notice."""

UNCOMPILED = {"bngd/ensemble/kernels.py"}
"""Files whose functions run uncompiled, since to compile every mutant takes a minute."""

SWAPS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Lt: ast.GtE, ast.LtE: ast.Gt,
    ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip

CONSOLE = os.dup(1)

SLOWEST = 6.0
"""Seconds of processor time; a test that takes longer is left to `make test`."""


EXAMPLES = 10


class Mutant(NamedTuple):
    """A change, and the lines of which one must run for it to matter; none where importing the module is enough."""

    number: int
    line: int
    was: str
    became: str
    lines: range | None


def mutants(source: str) -> list[Mutant]:
    """Return all mutants of a module."""
    found, tree = [], ast.parse(source)
    for number, (node, lines) in enumerate(_expressions(tree, None, None)):
        was = ast.unparse(node)
        undo = _change(node)
        if undo:
            found.append(Mutant(number, node.lineno, was, ast.unparse(node), lines))
            undo()
    return found


def mutated(source: str, number: int | None) -> ast.Module:
    """Return the syntax tree of a module with one change, or none."""
    tree = ast.parse(source)
    for index, (node, _) in enumerate(_expressions(tree, None, None)):
        if index == number:
            _change(node)
    return tree


def _expressions(node: ast.AST, lines: range | None, function: ast.AST | None) -> Iterator[tuple[ast.expr, Any]]:
    """Yield every expression, with the lines of its statement where that stands inside a function."""
    if isinstance(node, ast.stmt) and function is not None:
        body = getattr(node, "body", None)
        lines = range(node.lineno, body[0].lineno if body else node.end_lineno + 1)  # type: ignore[operator]
    if isinstance(node, ast.expr):
        yield node, lines
    header = (getattr(node, "args", None), *getattr(node, "decorator_list", ()), getattr(node, "returns", None))
    for child in ast.iter_child_nodes(node):
        inside = isinstance(node, ast.FunctionDef) and child not in header
        yield from _expressions(child, lines, node if inside else function)


def _change(node: ast.expr) -> Callable[[], None] | None:
    """Change a node in place and return what changes it back; None where there is nothing to change."""
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.UnaryOp):
        field, old = "op", node.op
        new: Any = ast.UAdd() if isinstance(old, ast.USub) else SWAPS.get(type(old), lambda: None)()
    elif isinstance(node, ast.Compare):
        field, old = "ops", node.ops  # type: ignore[assignment]
        new = [SWAPS[type(node.ops[0])](), *node.ops[1:]] if type(node.ops[0]) in SWAPS else None
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        field, old = "value", node.value
        new = node.value * 1.5 if isinstance(node.value, float) and node.value else node.value + 1
    else:
        return None
    if new is None:
        return None
    setattr(node, field, new)
    return lambda: setattr(node, field, old)


# --- a mutant in memory -----------------------------------------------------------------------------------------------


class Changed(importlib.machinery.SourceFileLoader):
    """Imports a file with the code of a changed tree."""

    def __init__(self, name: str, path: str, tree: ast.Module) -> None:
        super().__init__(name, path)
        self.tree = tree

    def get_code(self, fullname: str) -> types.CodeType:
        """Return the code of the tree, at the lines of the file."""
        return self.source_to_code(self.tree, self.path)  # type: ignore[arg-type]


def graft(module: types.ModuleType, tree: ast.Module) -> None:
    """Give a module the code of a changed tree: functions keep their identity, wherever they were imported."""
    loader = Changed(module.__name__, str(module.__file__), tree)
    changed = importlib.util.module_from_spec(importlib.machinery.ModuleSpec(module.__name__, loader))
    changed.__file__ = module.__file__
    loader.exec_module(changed)
    for key, new in vars(changed).items():
        old = vars(module).get(key)
        if key.startswith("__") or new is old:
            continue
        if getattr(new, "__module__", None) == module.__name__ and isinstance(new, types.FunctionType | type):
            _swap(old, new)
        else:
            for other in list(sys.modules.values()):
                if getattr(other, "__dict__", {}).get(key) is old:
                    setattr(other, key, new)


def _swap(old: Any, new: Any) -> None:
    """Give a function, a property or a class the code and the numbers of another."""
    if isinstance(new, type):
        for key, value in vars(new).items():
            if type(value) in (int, float, tuple):
                setattr(old, key, value)
            elif key in vars(old):
                _swap(vars(old)[key], value)
    elif isinstance(new, types.FunctionType):
        old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
    elif isinstance(new, property):
        _swap(old.fget, new.fget)
    elif isinstance(new, functools.cached_property):
        _swap(old.func, new.func)
    elif isinstance(new, classmethod | staticmethod):
        _swap(old.__func__, new.__func__)


def forked(work: Callable[[], Any], seconds: float) -> Any:
    """Return what a child makes of `work`; None where it dies, or takes more processor time than this.

    What `work` raises is raised here: a tool that is broken must not pass for a mutant that is killed.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 1, int(seconds) + 1))
            signal.alarm(100 * int(seconds) + 100)  # for one that waits for itself, on a machine that is busy
            os.write(writing, _answer(work).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = json.loads(pipe.read() or '{"made": null}')
    os.waitpid(child, 0)
    if "broken" in told:
        raise RuntimeError(told["broken"])
    return told["made"]


def _answer(work: Callable[[], Any]) -> str:
    try:
        return json.dumps({"made": work()})
    except Exception as error:
        return json.dumps({"broken": repr(error)})


# --- the tests --------------------------------------------------------------------------------------------------------


class Breaker:
    """A plugin of pytest that, in place of running the tests once, runs the right ones for every mutant."""

    def __init__(self, name: str, chosen: list[Mutant], seconds: float) -> None:
        self.name, self.chosen, self.seconds = name, chosen, seconds
        self.source = (kept.ROOT / name).read_text()
        self.survivors: list[Mutant] = []
        self.tried, self.failed = 0, False

    def pytest_configure(self) -> None:
        """Let Hypothesis try ten examples, and stop at the first that fails: nobody will read the smallest one."""
        from hypothesis import Phase, settings

        few = {"phases": [Phase.explicit, Phase.generate], "report_multiple_bugs": False, "max_examples": EXAMPLES}
        settings.register_profile("mutants", settings.get_profile("bngd"), **few)
        settings.load_profile("mutants")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        self.failed |= report.failed

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Trace the tests, then try mutants until the time is over."""
        if session.testsfailed:
            raise session.Interrupted(f"{self.name}: its tests cannot be collected")
        deadline, items = time.perf_counter() + self.seconds, session.items
        module = importlib.import_module(self.name.removesuffix(".py").replace("/", "."))
        traced = forked(lambda: self.trace(module, items), 3600)
        for item, told in zip(items, traced, strict=True):
            if told["failed"] or told["seconds"] > SLOWEST:
                say(f"{item.name}: {'slow' if told['seconds'] > SLOWEST else 'fails'}, left out")
        for mutant in self.chosen:
            if time.perf_counter() > deadline:
                break
            fit = [
                (told["seconds"], number)
                for number, told in enumerate(traced)
                if not told["failed"] and told["seconds"] <= SLOWEST
                if mutant.lines is None or not set(mutant.lines).isdisjoint(told["lines"])
            ]
            limit = 5 + 3 * sum(seconds for seconds, _ in fit)
            passing = [items[number] for _, number in sorted(fit)]
            survived = forked(lambda m=mutant, p=passing: self.passes(module, m, p), limit)  # type: ignore[misc]
            self.tried += 1
            if survived:
                self.survivors.append(mutant)
            said = f"SURVIVED {len(passing)} tests" if survived else "killed"
            say(f"{self.name}:{mutant.line}: {mutant.was} -> {mutant.became}: {said}")
        return True

    def trace(self, module: types.ModuleType, items: list[pytest.Item]) -> list[dict[str, Any]]:
        """Return each test's seconds, whether it fails, and the lines of the module that it passes through."""
        graft(module, mutated(self.source, None))
        seen: set[int] = set()

        def local(frame: types.FrameType, event: str, argument: Any) -> Any:
            seen.add(frame.f_lineno)
            return local

        def watch(frame: types.FrameType, event: str, argument: Any) -> Any:
            return local if frame.f_code.co_filename == module.__file__ else None

        def too_slow(number: int, frame: Any) -> None:
            raise TimeoutError("kernels that are not compiled may take hours")

        told = []
        signal.signal(signal.SIGPROF, too_slow)
        for item in items:
            seen.clear()
            self.failed, begun = False, time.process_time()
            signal.setitimer(signal.ITIMER_PROF, SLOWEST, SLOWEST)  # again: Hypothesis tries what failed again
            threading.settrace(watch)
            sys.settrace(watch)
            self.run(item, None)
            sys.settrace(None)
            threading.settrace(None)  # type: ignore[arg-type]
            signal.setitimer(signal.ITIMER_PROF, 0)
            seconds = time.process_time() - begun
            told.append({"seconds": seconds, "failed": self.failed, "lines": sorted(seen)})
        return told

    def passes(self, module: types.ModuleType, mutant: Mutant, items: list[pytest.Item]) -> bool:
        """Return whether all of these tests pass a mutant."""
        try:
            graft(module, mutated(self.source, mutant.number))
        except ArithmeticError:  # at import
            return False
        for item, following in zip(items, [*items[1:], None], strict=True):
            self.run(item, following)
            if self.failed:
                return False
        return True

    def run(self, item: pytest.Item, following: pytest.Item | None) -> None:
        """Run a test as pytest would."""
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)


def say(line: str) -> None:
    """Print past pytest, which takes the standard streams."""
    os.write(CONSOLE, f"{line}\n".encode())


def tested(name: str, chosen: list[Mutant], seconds: float) -> dict[str, Any]:
    """Return how many mutants of a file were tried, which survived, and which were not reached in time."""
    os.environ["NUMBA_DISABLE_JIT"] = "1" if name in UNCOMPILED else "0"
    breaker = Breaker(name, chosen, seconds)
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 1)
        tests = [str(kept.ROOT / "tests" / f"{test}.py") for test in TESTS[name]]
        options = ["-q", "-n", "0", "-p", "no:cacheprovider", f"--basetemp={folder}/pytest"]
        pytest.main([*options, *tests], plugins=[breaker])
    kinds = {"survivors": breaker.survivors, "untried": chosen[breaker.tried :]}
    told = {kind: [(one.line, one.was, one.became) for one in found] for kind, found in kinds.items()}
    return {"tried": breaker.tried, **told}


def main() -> int:
    """Try mutants for so long; if asked, keep counts by file and the survivors, with what was said of each before."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="such as bngd/theory.py; all where none is named")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--survivors", action="store_true", help="try only those that survived before")
    parser.add_argument("--keep", action="store_true", help="renew the record that the book quotes")
    options = parser.parse_args()
    names = options.files or list(TESTS)
    deadline = time.perf_counter() + options.seconds
    for place, name in enumerate(names):
        before = [one for one in kept.read("mutants").get("survivors", []) if one["file"] == name]
        why = {(one["was"], one["became"]): one["why"] for one in before}
        every = mutants((kept.ROOT / name).read_text())
        random.Random(options.seed).shuffle(every)
        chosen = [one for one in every if (one.was, one.became) in why] if options.survivors else every
        share = (deadline - time.perf_counter()) / (len(names) - place)
        told = forked(lambda n=name, c=chosen, s=share: tested(n, c, s), 36000)  # type: ignore[misc]
        if options.survivors:  # what the time did not reach has not been killed
            told["survivors"] += told["untried"]
        print(f"{name}: {told['tried']} of {len(every)} mutants tried, {len(told['survivors'])} survived", flush=True)
        if options.keep:
            keep(name, len(every), told, why, None if options.survivors else told["tried"])
    return 0


def keep(name: str, there: int, told: dict[str, Any], why: dict[tuple[str, str], str], tried: int | None) -> None:
    """Keep a file's score for the book; after a second look at survivors alone the number tried stays."""
    content = kept.read("mutants")
    files = content.get("files", {})
    tried = files[name]["tried"] if tried is None else tried
    files[name] = {"mutants": there, "tried": tried, "killed": tried - len(told["survivors"])}
    said = [one for one in content.get("survivors", []) if one["file"] != name]
    for line, was, became in told["survivors"]:
        reason = why.get((was, became), "not explained yet")
        said.append({"file": name, "line": line, "was": was, "became": became, "why": reason})
    order = list(TESTS)
    files = {one: files[one] for one in order if one in files}
    said.sort(key=lambda one: (order.index(one["file"]), one["line"]))
    kept.write("mutants", {"files": files, "survivors": said}, "make mutate")


if __name__ == "__main__":
    sys.exit(main())
