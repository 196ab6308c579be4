"""Figures of the notebook `variants_norms`: uncentred inputs, statistics from few samples, other norms."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bngd.studies.shared.style import COLOURS, figure, lettered, mark_level, shades


def shifted(table: pd.DataFrame, conditions: pd.DataFrame) -> Figure:
    """Draw what GD and BNGD reach on inputs with a mean, and the condition numbers that they see.

    Parameters
    ----------
    table : DataFrame
        method, shift, lr, loss: a row for each run.
    conditions : DataFrame
        shift, kappa (of GD with an intercept), bound, kappa_star.
    """
    fig, axes = figure(2, width=9.4, height=3.6)
    best = table.groupby(["method", "shift"])["loss"].min()
    for method, marker, label in (("gd", "o", "GD with an intercept"), ("bngd", "s", "BNGD")):
        axes[0].loglog(best[method].index, best[method], marker + "-", color=COLOURS[method], markersize=4, label=label)
    axes[0].set(ylabel="relative loss at the best step size", title="after a fixed number of steps")
    axes[1].loglog(conditions["shift"], conditions["kappa"], "o", color=COLOURS["gd"], markersize=4)
    axes[1].loglog(
        conditions["shift"], conditions["bound"], "--", color=COLOURS["theory"], label=r"bound $\sim\|\mu\|^4$"
    )
    axes[1].loglog(conditions["shift"], conditions["kappa_star"], "s", color=COLOURS["bngd"], markersize=4)
    axes[1].set_title("condition number")
    axes[1].legend(loc="upper left")
    for ax in axes:
        ax.set_xlabel(r"length of the inputs' mean $\|\mu\|$")
    axes[0].legend(loc="center left")
    return lettered(fig, axes)


def batches(
    shares: pd.DataFrame,
    runs: Mapping[int, tuple[NDArray, NDArray]],
    settled: pd.DataFrame,
    limits: Mapping[int, float],
    full: float,
) -> Figure:
    """Draw what batches explain, the effective step under noisy labels, and where it settles without noise.

    Parameters
    ----------
    shares : DataFrame
        m, measured, predicted.
    runs : mapping
        By m: the effective step at steps 1, 2, ... and its law, both in units of 2/l*_d.
    settled : DataFrame
        m, effective_step in units of 2/l*_d: a row for each run.
    limits : mapping
        By m: up to which effective step a minimiser attracts, in the same units.
    full : float
        The effective step that the full batch settles at.
    """
    fig, axes = figure(3, width=11.0, height=3.8)
    axes[0].semilogx(shares["m"], shares["predicted"], "-", color=COLOURS["theory"], linewidth=1.2, label="$c_m^2$")
    axes[0].semilogx(shares["m"], shares["measured"], "o", color=COLOURS["bngd"], label="measured")
    axes[0].set(ylabel=r"share of $\|u\|_H^2$ that is explained", ylim=(0, 1.03), title="what replaces $J$")
    axes[0].legend(loc="lower right")
    for colour, (m, (values, law)) in zip(shades(len(runs)), runs.items(), strict=True):
        steps = np.arange(1, values.size + 1)
        axes[1].loglog(steps, values, color=colour, linewidth=1.3, label=f"$m={m}$")
        axes[1].loglog(steps, np.where(law < 1.5, law, np.nan), "--", color=colour, linewidth=1)
    axes[1].set(xlabel="step $k$", ylabel=r"$\hat{\varepsilon}_k\,/\,(2/\lambda^*_d)$", title="noisy labels")
    axes[1].legend(loc="lower left", fontsize=8)
    axes[2].semilogx(settled["m"], settled["effective_step"], "o", color=COLOURS["bngd"], markersize=4, alpha=0.6)
    axes[2].semilogx(list(limits), list(limits.values()), "_", color=COLOURS["theory"], markersize=14)
    axes[2].axhline(full, color=COLOURS["bngd"], linewidth=1)
    axes[2].set(ylabel=r"$\hat{\varepsilon}\,/\,(2/\lambda^*_d)$", ylim=(0, None), title="labels without noise")
    for ax, sizes in ((axes[0], shares["m"]), (axes[2], list(limits))):
        ax.set_xlabel("samples in a batch $m$")
        ax.set_xticks(list(sizes), [str(m) for m in sizes])
        ax.minorticks_off()
    return lettered(fig, axes)


def norms(losses: Mapping[str, NDArray], floor: float, conditions: pd.DataFrame) -> Figure:
    """Draw the losses of four normalizations on one problem, and the condition numbers of three.

    Parameters
    ----------
    losses : mapping
        By label: the loss in units of u'Hu/2 before each step.
    floor : float
        What no function of the inputs' directions goes below.
    conditions : DataFrame
        Of `bngd.studies.variants_norms.study.compare_conditions`.
    """
    fig, axes = figure(2, width=9.4, height=3.8)
    styles = zip(("bngd", "accent", "small", "large"), ("-", "--", "-.", ":"), losses.items(), strict=True)
    for colour, style, (label, values) in styles:
        axes[0].loglog(np.arange(1, values.size + 1), values, linestyle=style, color=COLOURS[colour], label=label)
    mark_level(axes[0], floor, "floor of a direction", colour=COLOURS["theory"])
    axes[0].set(xlabel="step $k$, counted from 1", ylabel=r"excess loss $/\,(\|u\|_H^2/2)$", ylim=(1e-8, 3))
    axes[0].set_title("on one problem")
    axes[0].legend(loc="lower left")
    gain = conditions["kappa"] / conditions["kappa_star"]
    for column, colour, marker, label in (
        ("weight", "accent", "D", "weight normalization at its best"),
        ("batch", "bngd", "o", "batch normalization"),
    ):
        above = conditions[column] / conditions["kappa_star"]
        axes[1].loglog(gain, above, marker, color=COLOURS[colour], markersize=4, label=label)
    ends = np.array([1.0, gain.max()])
    axes[1].loglog(ends, ends, "--", color=COLOURS["gd"], linewidth=1.2, label="gradient descent")
    axes[1].set(xlabel=r"$\kappa\,/\,\kappa^*$", ylabel=r"condition number$\,/\,\kappa^*$", title="near a minimiser")
    axes[1].legend(loc="upper left")
    return lettered(fig, axes)
