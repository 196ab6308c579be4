"""Figures of the notebook `variants_steps`: momentum, weight decay, and the edge of stability."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bngd.studies.shared.style import COLOURS, MARKERS, figure, lettered, mark_level, shades


def momentum(tents: pd.DataFrame, rates: pd.DataFrame) -> Figure:
    """Draw where the effective step settles against eps, and the factor near a minimiser, for several momenta.

    Parameters
    ----------
    tents, rates : DataFrame
        Of `bngd.studies.variants_steps.momentum`.
    """
    fig, axes = figure(2, width=9.4, height=3.8)
    momenta = tents["momentum"].unique()
    for colour, marker, m in zip(shades(len(momenta)), MARKERS, momenta, strict=False):
        one = tents[tents["momentum"] == m]
        unit = one["ceiling"].iloc[0] / (1 + m)  # 2/l*_d
        axes[0].loglog(
            one["lr"], one["limit_effective_step"] / unit, marker, color=colour, markersize=3.2, label=f"$m={m:g}$"
        )
        tail = one[one["large"] < 0.3 * unit]
        axes[0].loglog(tail["lr"], tail["large"] / unit, "-", color=colour, linewidth=1)
        axes[0].axhline(1 + m, color=colour, linestyle=":", linewidth=1)
        near = rates[rates["momentum"] == m]
        axes[1].plot(near["fraction"], near["measured"], marker, color=colour, markersize=4)
        axes[1].plot(near["fraction"], near["predicted"], "-", color=colour, linewidth=1)
    rise = tents[(tents["momentum"] == momenta[0]) & (tents["small"] < 0.6 * tents["ceiling"])]
    axes[0].loglog(rise["lr"], rise["small"] / rise["ceiling"], "--", color=COLOURS["small"], label=r"$A\varepsilon$")
    axes[0].set(xlabel=r"step size $\varepsilon$", ylabel=r"$\hat{\varepsilon}_\infty\,/\,(2/\lambda^*_d)$")
    axes[0].set_title("where it settles")
    axes[1].set(xlabel=r"$\hat{\varepsilon}\,/\,(2(1+m)/\lambda^*_d)$", ylabel=r"factor of $\|e_k\|_H$")
    axes[1].set_title("the rate near a minimiser")
    return lettered(fig, axes, legend=5)


def decay(steps: Mapping[float, NDArray], balance: pd.DataFrame, curves: pd.DataFrame, limit: float) -> Figure:
    """Draw how step sizes are forgotten, where the effective step settles, and the loss that remains.

    Parameters
    ----------
    steps : mapping
        By eps: the effective step along a run.
    balance : DataFrame
        Of `bngd.studies.variants_steps.study.balance`.
    curves : DataFrame
        decayed, noise, predicted: the law, finely.
    limit : float
        2/l*_d.
    """
    fig, axes = figure(3, width=11.0, height=3.8)
    for colour, (lr, values) in zip(shades(len(steps)), steps.items(), strict=True):
        axes[0].loglog(
            np.arange(1, values.size + 1), values / limit, color=colour, linewidth=1, label=rf"$\varepsilon={lr:g}$"
        )
    axes[0].set(xlabel="step $k$, counted from 1", title=r"one $\varepsilon\,$wd, many $\varepsilon$")
    axes[0].set_ylabel(r"$\hat{\varepsilon}_k\,/\,(2/\lambda^*_d)$")
    axes[0].legend(loc="upper right", fontsize=8)
    noises = balance["noise"].unique()
    for colour, marker, noise in zip(shades(len(noises)), MARKERS, noises, strict=False):
        one, curve = balance[balance["noise"] == noise], curves[curves["noise"] == noise]
        label = r"no noise" if noise == 0 else rf"$\nu={noise:g}$"
        axes[1].loglog(one["decayed"], one["effective_step"] / limit, marker, color=colour, markersize=4, label=label)
        axes[1].loglog(curve["decayed"], curve["predicted"] / limit, "-", color=colour, linewidth=1)
        axes[2].loglog(one["predicted_loss"], one["loss"], marker, color=colour, markersize=4)
    ends = np.array([balance["predicted_loss"].min(), balance["predicted_loss"].max()])
    axes[2].loglog(ends, ends, "--", color=COLOURS["theory"], linewidth=1.2)
    axes[1].set(xlabel=r"$\varepsilon\,$wd", title="where it settles")
    axes[1].set_ylabel(r"$\hat{\varepsilon}\,/\,(2/\lambda^*_d)$")
    axes[1].legend(loc="lower right", fontsize=8)
    axes[2].set(xlabel=r"$\varepsilon\,$wd$\,\|u\|^2/(2\hat{\varepsilon})$", ylabel=r"mean of $\|e_k\|_H^2/2$")
    axes[2].set_title("what it costs")
    return lettered(fig, axes)


def edge(without: Mapping[str, NDArray], within: Mapping[str, NDArray]) -> Figure:
    """Draw eps times the sharpness along runs without weight decay, and eff l*_d by the norm along runs with it.

    Parameters
    ----------
    without, within : mapping
        By label: one value for each step.
    """
    fig, axes = figure(2, width=9.4, height=3.6)
    styles = ("-", "--", "-.", ":")
    for ax, runs, draw in ((axes[0], without, "loglog"), (axes[1], within, "plot")):
        for colour, style, (label, values) in zip(shades(len(runs)), styles, runs.items(), strict=False):
            steps = np.arange(1, values.size + 1)
            getattr(ax, draw)(steps, values, linestyle=style, color=colour, linewidth=1.3, label=label)
        mark_level(ax, 2.0, "2", colour=COLOURS["theory"], left=0.97)
        ax.set_xlabel("step $k$, counted from 1")
        ax.legend(loc="best")
    axes[0].set(ylabel=r"$\varepsilon\,\lambda_{\max}(\nabla^2_w J)$", title="without weight decay")
    axes[1].set(ylabel=r"$\varepsilon\,\lambda^*_d\,\|u\|^2/\|w_k\|^2$", title="with weight decay")
    return lettered(fig, axes)
