"""The tables of the book's pages on trust, from the results that are kept. Run as ``python -m trust.tables``."""

import csv
import io
from typing import Any

from trust import kept
from trust.formal import THEOREMS
from trust.hunt import WITHIN

FOLDER = kept.ROOT / "book" / "trust"
Rows = list[list[Any]]


def hunted() -> Rows:
    """Return a row for each statement: how hard it was tried, and the closest call."""
    rows: Rows = [["statement", "where", "tried", "restarts", "measured over allowed, at most"]]
    for one in kept.read("hunt").get("statements", []):
        closest = "attained: 1" if abs(one["closest"] - 1) < 1e-6 else f"{one['closest']:.3g}"
        rows.append([f"`{one['statement']}`", one["where"], one["evaluations"], one["restarts"], closest])
    return rows


def witnessed() -> Rows:
    """Return a row for each thing that a witness said."""
    rows: Rows = [["witness", "of what", "digits"]]
    for one in kept.read("witnesses").get("rows", []):
        digits = one["digits"] if one["digits"] == "exact" else f"{one['digits']:.1f}"
        rows.append([one["witness"], f"`{one['what']}`", digits])
    return rows


def enclosed() -> Rows:
    """Return a row for each run that was enclosed."""
    rows: Rows = [
        ["run", "d", "eps / (2/l_d)", "eps_a", "steps", "radius", "1 - rate", "eff_inf / (2/l*_d)", "200 steps on"]
    ]
    rows[0] = [f"`{title}`" for title in rows[0]]
    for one in kept.read("enclosures").get("instances", []):
        said = [one["regime"], one["d"], f"{one['lr_over_gd_limit']:.3g}", one["lr_a"]]
        if not one["proved"]:
            rows.append([*said, "not proved in 2000 steps", "", "", "", ""])
            continue
        within = f"{one['low_over_limit']:.2g} to {one['high_over_limit']:.2g}"
        later = f"{one['limit_over_bound']:.8g} (1 ± {one['width']:.0e})" if one.get("width", 1) < 1e-2 else ""
        rows.append([*said, one["steps"], f"{one['radius']:.2g}", f"{one['rate_gap']:.2g}", within, later])
    return rows


def formal() -> Rows:
    """Return a row for each theorem that Coq proved."""
    proved = kept.read("formal").get("theorems", [])
    rows: Rows = [["theorem", "what it says"]]
    return rows + [[f"`{name}`", f"`{says}`"] for name, says in THEOREMS.items() if name in proved]


def by_hand() -> Rows:
    """Return a row for each mutation by hand."""
    path = kept.RESULTS / "hand.csv"
    if not path.exists():
        return [["file", "was", "became", "first number that moved"]]
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    return [header, *([row[0], f"`{row[1]}`", f"`{row[2]}`", f"`{row[3][:150]}`"] for row in rows)]


def mutated() -> Rows:
    """Return a row for each file: mutants there are, tried, killed."""
    rows: Rows = [["file", "mutants", "tried", "killed"]]
    files = kept.read("mutants").get("files", {})
    rows += [[f"`{name}`", one["mutants"], one["tried"], one["killed"]] for name, one in files.items()]
    return rows


def survived() -> Rows:
    """Return a row for each mutant that no test noticed."""
    rows: Rows = [["file", "was", "became", "why it survives"]]
    for one in kept.read("mutants").get("survivors", []):
        place = f"`{one['file']}:{one['line']}`"
        rows.append([place, f"`{one['was'][:60]}`", f"`{one['became'][:60]}`", one["why"]])
    return rows


def figures() -> Rows:
    """Return the page's figures, each with the command that makes it."""
    tried = [one for one in kept.read("hunt").get("statements", []) if one["where"] == WITHIN]
    rows: Rows = [["what", "how much", "made by"]]
    violated = sum(one["closest"] > 1 + 1e-8 for one in tried)
    evaluations = sum(one["evaluations"] for one in tried)
    rows.append(
        ["statements hunted within their hypotheses", f"{len(tried)}, in {evaluations} evaluations", "`make hunt`"]
    )
    rows.append(["of these violated", violated, "`make hunt`"])
    outside = [one for one in kept.read("hunt").get("statements", []) if one["where"] != WITHIN]
    refuted = sum(one["closest"] > 1 for one in outside)
    rows.append(
        ["sentences just outside, or false, that the same hunt refuted", f"{refuted} of {len(outside)}", "`make hunt`"]
    )
    instances = kept.read("enclosures").get("instances", [])
    proved = [one for one in instances if one["proved"]]
    rows.append(["runs proved to converge linearly", f"{len(proved)} of {len(instances)}", "`make proofs`"])
    contracted = sum(one["contracted"] for one in proved), sum(one["steps"] for one in proved)
    rows.append(["steps before that, proved to contract", f"{contracted[0]} of {contracted[1]}", "`make proofs`"])
    rows.append(["theorems proved in Coq", len(kept.read("formal").get("theorems", [])), "`make formal`"])
    said = kept.read("witnesses").get("rows", [])
    digits = [one["digits"] for one in said if one["digits"] != "exact" and "eps" not in one["witness"]]
    rows.append(
        [
            "fewest digits in which a witness agrees",
            f"{min(digits, default=0):.1f}, in {len(digits)} comparisons",
            "`make witnesses`",
        ]
    )
    rows.append(
        ["derivations carried out by a computer", sum(one["digits"] == "exact" for one in said), "`make witnesses`"]
    )
    hand = kept.read("hand")
    rows.append(
        [
            "mutations by hand that the record noticed",
            f"{hand.get('noticed', 0)} of {hand.get('tried', 0)}",
            "`python -m trust.hand`",
        ]
    )
    files = kept.read("mutants").get("files", {}).values()
    killed, of = sum(one["killed"] for one in files), sum(one["tried"] for one in files)
    there = sum(one["mutants"] for one in files)
    rows.append(["random mutants that the tests killed", f"{killed} of {of} tried, of {there}", "`make mutate`"])
    supply = kept.read("supply")
    rows.append(["packages installed", supply.get("components", 0), "`make sbom`"])
    rows.append(
        ["known to be vulnerable", f"{len(supply.get('vulnerable', []))}; {supply.get('list', '')}", "`make audit`"]
    )
    return rows


TABLES = {
    "figures": figures, "formal": formal, "hunt": hunted, "witnesses": witnessed, "enclosures": enclosed,
    "hand": by_hand, "mutants": mutated, "survivors": survived,
}  # fmt: skip


def text(rows: Rows) -> str:
    """Return rows as CSV; a table without rows says so."""
    rows = rows if len(rows) > 1 else [*rows, ["none", *[""] * (len(rows[0]) - 1)]]
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()


def main() -> None:
    """Write all tables."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, rows in TABLES.items():
        (FOLDER / f"{name}.csv").write_text(text(rows()))


if __name__ == "__main__":
    main()
