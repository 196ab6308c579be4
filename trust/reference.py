"""Numbers on record: every value, claim and table of every notebook against a committed reference.

How far a number may move is measured, not chosen: the reference is made again as if on each of two older processors,
where nothing but rounding differs (`trust.rerun`); and every real processor on which the same code gave other digits is
one more measurement (``widen``). A number belongs to one of three classes.

exact        text, booleans and whole numbers that did not move between them.
rounding     within 1e-6 of itself, or both below 1e-11, where differences of equal numbers end.
statistical  it moved between them: rounding is amplified, by a run at the edge of stability or by training, and the
             digits are no result. It may move by ten times what it moved then; in a list of eight or more a tenth of
             the entries may move further. Networks are trained in single precision: 2 % always.

Run as ``python -m trust.reference verify|renew|widen --profile full``.
"""

import argparse
import csv
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trust import kept
from trust.rerun import PROCESSORS, elsewhere

ROUNDING, NOISE = 1e-6, 1e-11
AMPLIFIED, MOVED = 10.0, 1e-9
NETWORK, NETWORK_PREFIX = 0.02, "network_"
LONG_LIST, SHARE = 8, 0.1
DIGITS = 9
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?")

Leaf = float | int | str | bool | None
Groups = dict[str, list[Leaf]]


def read_results(folder: Path, name: str) -> Groups:
    """Return all that a notebook recorded, as lists of leaves by where they stand."""
    record = json.loads((folder / f"{name}.json").read_text())
    groups: Groups = {}
    for path, value in _lists("value", record["values"]):
        groups[path] = value
    for claim in record["claims"]:
        for field in ("verdict", "predicted", "measured"):
            for path, value in _lists(f"claim {claim['id']}: {field}", claim[field]):
                groups[path] = value
    for path in sorted(folder.glob(f"{name}-*.csv")):
        with path.open(newline="") as file:
            for column in zip(*csv.reader(file), strict=True):
                groups[f"table {path.stem.removeprefix(f'{name}-')}: {column[0]}"] = [_cell(c) for c in column[1:]]
    return groups


def _lists(path: str, value: Any) -> Iterator[tuple[str, list[Leaf]]]:
    """Yield the lists of leaves in a nested value: a single leaf is a list of one."""
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _lists(f"{path} {key}", entry)
    elif isinstance(value, list) and any(isinstance(entry, list | dict) for entry in value):
        for number, entry in enumerate(value):
            yield from _lists(f"{path} [{number}]", entry)
    else:
        yield path, [_short(entry) for entry in (value if isinstance(value, list) else [value])]


def _cell(text: str) -> Leaf:
    for convert in (int, float):
        try:
            return _short(convert(text))
        except ValueError:
            pass
    return text


def _short(leaf: Leaf) -> Leaf:
    if isinstance(leaf, float) and leaf == leaf and abs(leaf) != float("inf"):
        return float(f"{leaf:.{DIGITS}g}")
    return str(leaf) if isinstance(leaf, float) else leaf


def difference(record: Leaf, now: Leaf) -> float:
    """Return by how much a leaf moved, relative to what is on record; infinite where they cannot be compared.

    In a text with numbers each is compared, to a unit of its last place.
    """
    if record == now and type(record) is type(now):
        return 0.0
    if isinstance(record, str) and isinstance(now, str) and NUMBER.sub("#", record) == NUMBER.sub("#", now):
        pairs = zip(NUMBER.findall(record), NUMBER.findall(now), strict=True)
        return max(
            max(0.0, abs(float(r) - float(n)) - 1.001 * _unit(r)) / (max(abs(float(r)), _unit(r)) or 1.0)
            for r, n in pairs
        )
    if not (_is_number(record) and _is_number(now)):
        return float("inf")
    if abs(record) <= NOISE and abs(now) <= NOISE:  # type: ignore[operator, arg-type]
        return 0.0
    return abs(now - record) / abs(record) if record else float("inf")  # type: ignore[operator, arg-type]


def _unit(text: str) -> float:
    """Return the unit of the last place of a number as it is printed: 1.89 -> 0.01; none of a whole number."""
    mantissa, _, exponent = text.partition("e")
    places = len(mantissa.partition(".")[2])
    return 10.0 ** (int(exponent or 0) - places) if places else 0.0


def _is_number(leaf: Leaf) -> bool:
    return isinstance(leaf, int | float) and not isinstance(leaf, bool)


@dataclass(frozen=True)
class Change:
    """A group that left its tolerance: the leaf that went furthest beyond it."""

    notebook: str
    where: str
    kind: str
    record: Leaf
    now: Leaf
    moved: float
    allowed: float

    def __str__(self) -> str:
        by = f"by {self.moved:.2g} of itself, {self.allowed:.2g} allowed" if self.moved < float("inf") else "changed"
        return f"{self.notebook}: {self.where}: {self.record!r} -> {self.now!r} ({by}; {self.kind})"


def tolerances(notebook: str, record: list[Leaf], moves: list[float]) -> tuple[str, list[float]]:
    """Return the class of a group, and what each of its leaves may move."""
    network = notebook.startswith(NETWORK_PREFIX)
    if not any(move > MOVED for move in moves):
        if network and any(isinstance(leaf, float | str) for leaf in record):
            return "statistical: single precision", [NETWORK] * len(record)
        whole = all(not isinstance(leaf, float) for leaf in record)
        return ("exact", [0.0] * len(record)) if whole else ("rounding", [ROUNDING] * len(record))
    finite = sorted(move for move in moves if move < float("inf")) or [0.0]
    common = finite[len(finite) // 2] if len(record) >= LONG_LIST else finite[-1]
    floor = max(ROUNDING, NETWORK if network else 0.0, AMPLIFIED * common)
    moved = sum(move > MOVED for move in moves)
    reason = f"statistical: {moved} of {len(record)} moved by up to {max(moves):.1g} with the rounding"
    return reason, [max(floor, AMPLIFIED * move) for move in moves]


def compare(notebook: str, record: Groups, moves: dict[str, list[float]], now: Groups) -> list[Change]:
    """Return what left its tolerance, the worst leaf of each group."""
    changes = []
    for where in [*record, *(extra for extra in now if extra not in record)]:
        old, new = record.get(where), now.get(where)
        if old is None or new is None or len(old) != len(new):
            sizes = [None if group is None else f"{len(group)} entries" for group in (old, new)]
            changes.append(Change(notebook, where, "exact", *sizes, float("inf"), 0.0))
            continue
        kind, allowed = tolerances(notebook, old, moves.get(where, []) or [0.0] * len(old))
        moved = [difference(*pair) for pair in zip(old, new, strict=True)]
        beyond = [i for i in range(len(old)) if moved[i] > allowed[i]]
        spared = max(1, int(SHARE * len(old))) if kind.startswith("stat") and len(old) >= LONG_LIST else 0
        if len(beyond) > spared:
            worst = max(beyond, key=lambda i: moved[i] - allowed[i])
            changes.append(Change(notebook, where, kind, old[worst], new[worst], moved[worst], allowed[worst]))
    return changes


# --- the committed files ---------------------------------------------------------------------------------------------


def folder_of(profile: str) -> Path:
    """Return where a profile's reference is kept."""
    return kept.ROOT / "trust" / "reference" / profile


def results_of(profile: str) -> Path:
    """Return where a profile's notebooks leave their numbers."""
    return kept.ROOT / "build" / profile / "results"


def build_of(kind: str, profile: str) -> Path:
    """Return where notebooks leave numbers that are run for the record alone: ``fresh``, or as if on a processor."""
    return kept.ROOT / "build" / kind / profile / "results"


def notebooks() -> list[str]:
    """Return the names of all notebooks."""
    return sorted(path.stem for path in (kept.ROOT / "notebooks").glob("*.ipynb"))


def load(profile: str, name: str) -> tuple[Groups, dict[str, list[float]], bool]:
    """Return a notebook's numbers on record, how far each moved with the rounding, and whether that was measured."""
    path = folder_of(profile) / f"{name}.json"
    content = json.loads(path.read_text()) if path.exists() else {"numbers": {}, "moves": {}}
    moves = {where: [float(move) for move in group] for where, group in content["moves"].items()}
    return content["numbers"], moves, content.get("shaken", False)


def save(profile: str, name: str, numbers: Groups, moves: dict[str, list[float]], shaken: bool) -> None:
    """Write a notebook's reference: a line for each group, so that a difference of two versions can be read."""
    brief = {where: [f"{m:.1g}" for m in group] for where, group in moves.items() if any(m > MOVED for m in group)}
    parts = [f' "shaken": {json.dumps(shaken)}']
    for title, groups in (("numbers", numbers), ("moves", brief)):
        lines = [f"  {json.dumps(where)}: {json.dumps(group, allow_nan=False)}" for where, group in groups.items()]
        parts.append(f' "{title}": {{\n' + ",\n".join(lines) + "\n }")
    path = folder_of(profile) / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n")


def examine(profile: str, names: list[str], results: Path | None = None) -> tuple[list[str], int, int]:
    """Return what is wrong, one sentence each, and how many numbers were compared in how many notebooks."""
    told, compared, seen = [], 0, 0
    for name in names:
        record, moves, _ = load(profile, name)
        if not record:
            told.append(f"{name}: not on record; `make reference` puts its numbers there")
            continue
        changes = compare(name, record, moves, read_results(results or results_of(profile), name))
        told += [str(change) for change in changes]
        compared, seen = compared + sum(map(len, record.values())), seen + 1
    return told, compared, seen


def verify(profile: str, names: list[str], results: Path | None = None) -> int:
    """Print what moved and return 1 if anything did."""
    told, compared, seen = examine(profile, names, results)
    print(f"{compared} numbers of {seen} notebooks compared with the record: {len(told) or 'nothing'} moved")
    for line in told:
        print(f"MOVED: {line}")
    return 1 if told else 0


def renew(profile: str, names: list[str], *, shake: bool, run: bool) -> int:
    """Show what the new reference changes, then write it, notebook by notebook; return 1 if one cannot be run.

    With `shake` each is run as if on other processors, which measures what moves with the rounding; with `run` it is
    run here first, instead of reading what `make notebooks` left. What is known of a number that did not change stays.
    """
    failed = []
    for name in names:
        results = build_of("fresh", profile) if run else results_of(profile)
        others = {processor: build_of(processor, profile) for processor in PROCESSORS if shake}
        if (run and elsewhere(name, profile, results.parent)) or any(
            elsewhere(name, profile, there.parent, processor=processor) for processor, there in others.items()
        ):
            failed.append(name)
            continue
        for line in examine(profile, [name], results)[0]:
            print(f"RENEWED: {line}", flush=True)
        numbers, (record, known, measured) = read_results(results, name), load(profile, name)
        changed = {change.where for change in compare(name, record, known, numbers)}
        moves = {where: group for where, group in known.items() if where not in changed}
        for there in others.values():
            moves = _widened(moves, numbers, read_results(there, name))
        save(profile, name, numbers, moves, shake or measured)
        print(f"{name}: on record", flush=True)
    for path in folder_of(profile).glob("*.json"):
        if path.stem not in notebooks():
            path.unlink()
    if failed:
        print(f"NOT RENEWED, since they stop with an error: {', '.join(failed)}")
    return 1 if failed else 0


def widen(profile: str, names: list[str]) -> int:
    """Note how far the numbers of this processor are from those on record, which stay: for code that did not change."""
    for name in names:
        numbers, moves, measured = load(profile, name)
        here = read_results(results_of(profile), name)
        for change in compare(name, numbers, moves, here):
            print(f"WIDENED: {change}")
        moves = _widened(moves, numbers, here)
        save(profile, name, numbers, moves, measured)
    return 0


def _widened(moves: dict[str, list[float]], numbers: Groups, other: Groups) -> dict[str, list[float]]:
    """Return how far each number is known to move, with what another processor made of it."""
    known = {where: moves.get(where) or [0.0] * len(group) for where, group in numbers.items()}
    return {
        where: [max(pair) for pair in zip(known[where], _moves(group, other.get(where, [])), strict=True)]
        for where, group in numbers.items()
    }


def _moves(group: list[Leaf], other: list[Leaf]) -> list[float]:
    if len(group) != len(other):
        return [float("inf")] * len(group)
    return [difference(*pair) for pair in zip(group, other, strict=True)]


def main() -> int:
    """Run one command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["verify", "renew", "widen"])
    parser.add_argument("notebook", nargs="*", help="all where none is named")
    parser.add_argument("--profile", default="full")
    parser.add_argument("--no-shake", action="store_true", help="keep what was measured of each number's rounding")
    parser.add_argument("--run", action="store_true", help="run them first, for their numbers alone")
    options = parser.parse_intermixed_args()  # a notebook may come after an option
    names = options.notebook or notebooks()
    if options.command == "verify":
        return verify(options.profile, names)
    if options.command == "widen":
        return widen(options.profile, names)
    return renew(options.profile, names, shake=not options.no_shake, run=options.run)


if __name__ == "__main__":
    sys.exit(main())
