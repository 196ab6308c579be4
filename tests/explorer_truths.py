"""What each explorer must say and draw, computed by bngd: state of its controls -> numbers, words and lines.

Of each: `numbers` holds all that may be said, `always` names what must be, `words` which phrases are there, `drawn` the
points of lines by plot and class, to so many pixels but for a few stray ones. `noise` is what counts as zero.
"""

import json
from functools import lru_cache

import numpy as np
from scipy import stats

import bngd
from bngd import spectra
from bngd.studies.shared import by_dimension
from bngd.studies.shared.scans import SOLVED, scan

CONVERGED = bngd.Outcome.CONVERGED


@np.errstate(over="ignore", invalid="ignore")  # GD explodes, and that is drawn
def two_walkers(now, data):
    problem = bngd.Problem.from_spectrum([1.0, now["kappa"]], u=[1.0, 0.5])
    angle = np.radians(now["angle"])
    w0 = now["length"] * np.array([np.cos(angle), np.sin(angle)])
    gd, run = bngd.gd_trajectory(problem, w0, now["eps"], 60), bngd.bngd_trajectory(problem, w0, now["eps"], 60)
    limit, norm = bngd.gd_stability_limit(problem), run.norm_w
    of_gd = gd.excess_loss[-1] / gd.excess_loss[0]
    grown, first = norm[-1] / norm[0], norm[1] / norm[0]
    numbers = {
        "times": now["eps"] / limit, "limit": limit, "grown": grown, "first": first, "gd": of_gd,
        "bngd": run.excess_loss[-1] / run.excess_loss[0],
    }  # fmt: skip
    settled = run.outcome == CONVERGED
    words = {
        "GD converges": gd.outcome == CONVERGED,
        "GD explodes": gd.outcome != CONVERGED and not of_gd <= 1,
        "GD is on its way": gd.outcome != CONVERGED and of_gd <= 1,
        "and has converged": settled,
        "still moves": not settled,
        "hardly grew": grown < 1.1,
    }
    steps = np.arange(61)
    shortened = run.w / norm[:, None] * np.log10(1 + norm)[:, None]
    drawn = {
        ("bowl", "gd"): [(gd.w[:, 0], gd.w[:, 1])],
        ("rays", "bngd"): [(shortened[:, 0], shortened[:, 1])],
        ("norm", "gd"): [(steps, np.maximum(gd.norm_w, 1e-5))],
        ("norm", "bngd"): [(steps, np.maximum(norm, 1e-5))],
        ("loss", "bngd"): [(steps, np.maximum(run.excess_loss / problem.explained * 2, 1e-18))],
    }
    return {"numbers": numbers, "always": ["times", "limit", "grown"], "words": words, "drawn": drawn}


TENT_LR = 10 ** (-8 + np.arange(97) / 6)


def tent(now, data):
    problem = bngd.Problem.from_spectrum(spectra.log_spaced(len(data["u"]), now["kappa"]), u=data["u"])
    w0 = start_with_overlap(problem, now["overlap"], np.array(data["other"]))
    limit, level = bngd.bngd_stability_limit(problem), now["level"]
    lr = np.append(TENT_LR, now["eps"])
    end = run_all(problem, w0, lr, 400, now["eps_a"])
    *values, probe = bngd.limit_effective_step(problem, lr, end) / limit
    values = np.array(values)
    good = np.flatnonzero(np.diff(np.concatenate([[False], values >= level, [False]]).astype(int))).reshape(-1, 2)
    pieces = [bngd.workable_range(TENT_LR[cut], 1 / values[cut], 1 / level) for cut in map(around, good)]
    promised, gd = bngd.good_interval(problem, w0, level * limit), bngd.gd_stability_limit(problem) / (level * limit)
    numbers = {
        "eps": now["eps"], "probe": probe, "level": level, "pieces": len(pieces),
        "decades": sum(piece.decades for piece in pieces), "promised": max(0, float(promised.decades)),
        "gd": max(0, np.log10(gd)),
    }  # fmt: skip
    for i, piece in enumerate(pieces):
        numbers |= {f"low{i}": piece.low, f"high{i}": piece.high}
    small, large = bngd.effective_step_asymptotes(problem, w0)
    ends = TENT_LR[[0, -1]]
    drawn = {
        ("tent", "bngd"): [(TENT_LR, values)],
        ("tent", "bngd end"): [([now["eps"]], [probe])],
        ("tent", "small"): [(ends, small * ends / limit)],
        ("tent", "large"): [(ends, large / ends / limit)],
        ("tent", "good"): [([piece.low, piece.high], [level, 1e-7]) for piece in pieces],
    }
    words = {"No ε": not pieces, "one piece": len(pieces) == 1, "a notch between": len(pieces) > 1}
    # Near a saddle, and where a mode is hardly unstable, it is rounding that grows.
    return {
        "numbers": numbers,
        "always": ["eps", "probe", "level"],
        "words": words,
        "drawn": drawn,
        "rtol": 1e-3,
        "pixels": 0.3,
        "stray": 4,
    }


def around(piece):
    """The points of a piece and one more at each side, for its ends to lie between."""
    return slice(max(piece[0] - 1, 0), piece[1] + 1)


def start_with_overlap(problem, overlap, other):
    """A unit start with w'g = overlap ||g||, in the plane of g and another direction."""
    towards = problem.g / np.linalg.norm(problem.g)
    for _ in range(2):
        other = other - (other @ towards) * towards
    return overlap * towards + np.sqrt(1 - overlap**2) * other / np.linalg.norm(other)


def run_all(problem, w0, lr, steps, lr_a=1.0):
    """The weights after some steps of BNGD with each step size, by `bngd_step`, shape (n, d)."""
    w = np.tile(w0, (lr.size, 1))
    a = bngd.optimal_a(problem, w)
    for _ in range(steps):
        a, w = bngd.bngd_step(problem, a, w, lr, lr_a)
    return w


def one_step(now, data):
    problem = bngd.Problem.from_spectrum([1.0, 5.0], u=[1.0, 0.5])
    angle = np.radians(now["angle"])
    w, a = np.array([np.cos(angle), np.sin(angle)]), now["a"] * np.sqrt(problem.explained)
    _, after = bngd.bngd_step(problem, a, w, now["eps"], 1.0)
    eff, limit = float(bngd.effective_step(problem, a, w, now["eps"])), bngd.gd_stability_limit(problem)
    e, e_after = bngd.residual(problem, w), bngd.residual(problem, after)
    push, foot = np.sum((after - w) ** 2), problem.u - e
    numbers = {
        "push": push, "grown": np.linalg.norm(after), "eff": eff, "limit": limit,
        "error": bngd.sigma(problem, e), "after": bngd.sigma(problem, e_after),
    }  # fmt: skip
    words = {"wrong sign": eff < 0, "no step lengthens": 0 <= eff <= limit, "may lengthen": eff > limit}
    drawn = {
        ("triangle", "grown"): arrows([0, 0], after),
        ("triangle", "before"): arrows([0, 0], w), ("triangle", "residual"): arrows(foot, problem.u),
        ("squares", "square grown"): [([0, 1 + push], [0, -0.8])],
        ("squares", "square pushed"): [([1, 1 + push], [1, 0.2])],
    }  # fmt: skip
    if push > 4e-4:  # an arrow of less than a pixel is not drawn
        drawn["triangle", "bngd"] = arrows(w, after)
    always = ["push", "grown", "eff", "error", "after"]
    return {"numbers": numbers, "always": always, "words": words, "drawn": drawn, "heads": True}


def arrows(tail, head):
    """The shaft of an arrow; `compare` leaves its head out."""
    return [(np.array([tail[0], head[0]]), np.array([tail[1], head[1]]))]


def plane(now, data):
    problem = bngd.Problem.from_spectrum(data["eigenvalues"], u=data["u"])
    with np.errstate(all="ignore"):
        run = bngd.bngd_trajectory(problem, data["w0"], now["eps"], data["steps"], lr_a=now["eps_a"])
        loss, norm = run.excess_loss / run.excess_loss[0], run.norm_w / run.norm_w[0]
    a, factor = np.abs(run.a) / np.sqrt(problem.explained), 1 - now["eps_a"]
    marks = np.unique(np.floor(data["steps"] ** (np.arange(120) / 119) + 0.5).astype(int))
    numbers = {
        "eps": now["eps"], "eps_a": now["eps_a"], "steps": data["steps"], "factor": factor,
        "loss": loss[-1], "norm": norm[-1], "a": a[-1],
    }  # fmt: skip
    words = {
        "has converged to a minimiser": run.outcome == CONVERGED,
        "still moving": run.outcome == bngd.Outcome.MOVING,
        "at a saddle": run.outcome == bngd.Outcome.SADDLE,
        "has diverged": run.outcome == bngd.Outcome.DIVERGED,
        "explodes": abs(factor) > 1,
        "fades": abs(factor) < 1,
        "changes sign": abs(factor) == 1,
    }
    cls = "gd" if run.outcome == bngd.Outcome.DIVERGED else "bngd"
    drawn = {
        ("loss", cls): [(marks, np.maximum(loss[marks], 1e-18))],
        ("norm", cls): [(marks, norm[marks])],
        ("a", cls): [(marks, np.maximum(a[marks], 1e-5))],
        ("plane", "handle"): [([now["eps"]], [now["eps_a"]])],
    }
    always = ["eps", "eps_a", "steps", "factor"]
    # Where a run explodes or hovers at the edge of stability, it is rounding that grows.
    return {"numbers": numbers, "always": always, "words": words, "drawn": drawn,
            "rtol": 1e-3, "pixels": 0.5, "noise": 1e-20, "stray": 12}  # fmt: skip


def ladder(now, data):
    rungs = sorted(((now[f"l{i}"], now[f"s{i}"]) for i in range(1, int(now["d"]) + 1)), key=lambda rung: rung[0])
    eigenvalues, shares = (np.array(values, dtype=float) for values in zip(*rungs, strict=True))
    shares = shares / shares.sum() if shares.sum() else np.full(shares.size, 1 / shares.size)
    problem = bngd.Problem.from_spectrum(eigenvalues, u=np.sqrt(shares / eigenvalues))
    starred = bngd.effective_eigenvalues(problem)[1:]
    kappa, kappa_star = problem.condition_number, starred[-1] / starred[0]
    numbers = {
        "kappa": kappa, "kappa_star": kappa_star, "gain": kappa / kappa_star, "low": starred[0] / eigenvalues[0],
        "high": eigenvalues[-1] / starred[-1], "bottom": 100 * shares[eigenvalues == eigenvalues[0]].sum(),
        "top": 100 * shares[eigenvalues == eigenvalues[-1]].sum(),
    }  # fmt: skip
    words = {
        "nothing gained": kappa / kappa_star < 1.005,
        "lower end stays": starred[0] < 1.005 * eigenvalues[0],
        "upper end stays": eigenvalues[-1] < 1.005 * starred[-1],
    }
    drawn = {
        ("ladder", "gd rung"): [([x, x], [1.75, 1.9 + share]) for x, share in zip(eigenvalues, shares, strict=True)],
        ("ladder", "bngd rung"): [([x, x], [0.5, 1.0]) for x in starred],
        ("secular", "bngd end"): [([x], [0.0]) for x in starred],
    }
    always = ["kappa", "kappa_star", "bottom", "top"]
    return {"numbers": numbers, "always": always, "words": words, "drawn": drawn, "pixels": 0.02}


WORKING_LR = np.unique(np.concatenate([10 ** (-6 + np.arange(85) / 6), 0.9 + np.arange(21) / 100]))
WORKING_MARKS = np.unique(np.floor(2000 ** (np.arange(181) / 180) + 0.5).astype(int))


@lru_cache
def working_scan(u, w0, kappa):
    """The losses of both methods at every mark, in units of u'Hu/2: method -> (marks, step sizes), by `bngd.sweep`."""
    problem = bngd.Problem.from_spectrum(spectra.log_spaced(len(u), kappa), u=u)
    lr = WORKING_LR * bngd.gd_stability_limit(problem)
    return scan(problem, np.array([w0]), lr, WORKING_MARKS)


def working(now, data):
    runs, shaken = (
        working_scan(tuple(data["u"]), tuple(factor * np.array(data["w0"])), data["kappa"]) for factor in (1, 1 + 4e-15)
    )
    mark = lambda steps: int(WORKING_MARKS[np.flatnonzero(max(1, steps) >= WORKING_MARKS)[-1]])  # noqa: E731
    steps = mark(now["steps"])
    earlier = mark(np.floor(steps / now["slowdown"] + 0.5))
    ranges, drawn = {}, {}
    for method, y in (("gd", 2e-11), ("bngd", 1e-10)):
        loss = _as_rounding_decided(
            runs.loss(method, steps), shaken.loss(method, steps), data["page"][method]["values"]
        )
        best = _as_rounding_decided(
            *([np.nanmin(r.loss(method, earlier))] for r in (runs, shaken)), [data["page"][method]["threshold"]]
        )
        asked = now["loss"] if now["demand"] == 1 else max(best[0], SOLVED)
        ranges[method] = found = bngd.workable_range(WORKING_LR, loss, asked)
        drawn["losses", method] = [(WORKING_LR, np.maximum(loss, 1e-13))]
        drawn["losses", f"range {method}"] = [([found.low, found.high], [y, y])] if found.low < found.high else []
    gd, of_bngd = ranges["gd"].decades, ranges["bngd"].decades
    numbers = {"steps": steps, "gd": gd, "bngd": of_bngd, "lead": of_bngd - gd}
    numbers |= {"loss": now["loss"]} if now["demand"] == 1 else {"earlier": earlier, "slowdown": now["slowdown"]}
    words = {
        "no ε does it for GD": np.isnan(gd), "no ε does it for BNGD": np.isnan(of_bngd),
        "as good as gone": abs(of_bngd - gd) < 0.15, "A loss of": now["demand"] == 1,
    }  # fmt: skip
    # A rate at GD's very limit keeps what rounding made of it.
    return {
        "numbers": numbers,
        "always": ["steps"],
        "words": words,
        "drawn": drawn,
        "rtol": 1e-3,
        "atol": 2e-3,
        "pixels": 0.5,
        "stray": 4,
    }


def _as_rounding_decided(loss, shaken, of_page):
    """The losses by bngd; but those of the page where a start that is longer by rounding changes them."""
    loss, shaken, of_page = (np.asarray(values, dtype=float).ravel() for values in (loss, shaken, of_page))
    return np.where(np.isclose(shaken, loss, rtol=1e-3, atol=0, equal_nan=True), loss, of_page)


@lru_cache(maxsize=1)
def drawn_by_luck(draws):
    """The problems and starts that a page gives out, as text: others only where d, kappa or the draw is another."""
    return [(bngd.Problem.from_spectrum(one["eigenvalues"], u=one["u"]), one["w0"]) for one in json.loads(draws)]


def luck(now, data):
    level = now["level"] * 2 / now["kappa"]
    logs = np.array([bngd.good_interval(*one, level).decades for one in drawn_by_luck(data["draws"])])
    spectrum = spectra.log_spaced(min(int(now["d"]), 20), now["kappa"])
    centre = np.log10(now["d"] * (spectrum.mean() / np.mean(spectrum**2)) ** 2 / level**2)
    order = np.sort(logs)
    numbers = {
        "d": now["d"], "mean": logs.mean(), "deviation": logs.std(ddof=1), "spread": by_dimension.LOG_CHI_DEVIATION,
        "limit": centre - by_dimension.LOG_CHI_MEAN, "unlucky": order[40], "lucky": order[360],
        "gd": -np.log10(now["level"]),
    }  # fmt: skip
    edges = np.linspace(-2, 18, 41)
    counts = np.histogram(np.clip(logs, -1.99, 17.99), edges)[0]
    bars = [([edges[i], edges[i + 1]], [n / 200, 0]) for i, n in enumerate(counts) if n]
    at = np.linspace(-2, 18, 201)
    chi = 10 ** (centre - at)
    theory = np.log(10) * chi * stats.chi2(1).pdf(chi)
    drawn = {("histogram", "bar"): bars, ("histogram", "theory"): [(at, theory)]}
    return {"numbers": numbers, "always": list(numbers), "words": {}, "drawn": drawn, "rtol": 1e-6}


PATIENCE_MARKS = np.unique(np.floor(4500 ** (np.arange(61) / 60) + 0.5).astype(int))


@lru_cache(maxsize=20)
def patience_scan(u, w0, kappa, method, lr_a):
    """The relative losses of one method at every mark, a row for each of the rates; by `bngd.sweep`."""
    problem = bngd.Problem.from_spectrum(spectra.log_spaced(len(u), kappa), u=u)
    lr = patience_lr(problem, method)
    rates = {"method": "gd"} if method == "gd" else {"lr_a": lr[:, None] if method == "joint" else lr_a}
    runs = bngd.sweep(problem, lr[:, None], steps=4500, w0=np.array([w0]), checkpoints=PATIENCE_MARKS, **rates)
    return runs.pivot_table(index="lr", columns="step", values="relative_loss", dropna=False).to_numpy()


def patience_lr(problem, method):
    near = np.array([0.9, 0.94, 0.97, 0.99, 0.999, 1.001, 1.01, 1.03, 1.06, 1.1])
    limit = {"gd": [bngd.gd_stability_limit(problem)], "joint": [2.0], "own": []}[method]
    return np.sort(np.concatenate([10 ** (-6 + np.arange(37) / 3), *(near * end for end in limit)]))


def patience(now, data):
    problem = bngd.Problem.from_spectrum(spectra.log_spaced(len(data["u"]), data["kappa"]), u=data["u"])
    numbers, drawn, words = {"steps": now["steps"], "loss": now["loss"], "eps_a": now["eps_a"]}, {}, {}
    granted = now["steps"]
    for method, y in (("gd", 0.375), ("joint", 0.52), ("own", 0.72)):
        lr, lr_a = patience_lr(problem, method), now["eps_a"] if method == "own" else None
        losses, shaken = (
            patience_scan(tuple(data["u"]), tuple(factor * np.array(data["w0"])), data["kappa"], method, lr_a)
            for factor in (1, 1 + 4e-15)
        )
        needed, moved = (np.array([steps_needed(run, now["loss"]) for run in of]) for of in (losses, shaken))
        needed = _as_rounding_decided(needed, moved, data["page"][method])
        ranges = [bngd.workable_range(lr, needed, steps) for steps in (granted, granted / 10)]
        decades, before = (0.0 if np.isnan(found.decades) else found.decades for found in ranges)
        numbers |= {method: decades, f"{method}_before": before}
        drawn["needed", method] = [(lr, needed)]
        ends = ranges[0][:2]
        drawn["needed", f"range {method}"] = [(ends, [y, y])] if decades else []
    words = {"at no ε": min(numbers[method] for method in ("gd", "joint", "own")) == 0}
    drawn["needed", "level"] = [([1e-6], [granted])]
    always = ["steps", "loss", "eps_a", *(f"{method}_before" for method in ("gd", "joint", "own"))]
    return {"numbers": numbers, "always": always, "words": words, "drawn": drawn,
            "rtol": 1e-3, "atol": 2e-3, "pixels": 0.5, "stray": 4}  # fmt: skip


def steps_needed(losses, level):
    """After how many steps a run has come down to the level, log against log; never, if it is above it in the end."""
    below = np.flatnonzero(losses <= level)
    if not below.size or not losses[-1] <= level:
        return np.inf
    first = below[0]
    if first == 0 or not np.isfinite(losses[first - 1]) or losses[first] <= 0:
        return PATIENCE_MARKS[first]
    here = [first, first - 1]
    return np.exp(np.interp(np.log(level), np.log(losses[here]), np.log(PATIENCE_MARKS[here])))


TRUTHS = {
    "two-walkers": two_walkers, "one-step": one_step, "plane": plane, "ladder": ladder, "tent": tent,
    "working": working, "luck": luck, "patience": patience,
}  # fmt: skip
PREDICTIONS = {
    "two-walkers": 1,
    "one-step": 1,
    "plane": 1,
    "ladder": 1,
    "tent": 2,
    "working": 2,
    "luck": 1,
    "patience": 2,
}
"""Of each explorer's choices, which is right."""
