"""Figures of the notebook `overshoot`: a dip, what makes it, where dips occur, and the mirror law."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bngd.studies.overshoot.study import Passage
from bngd.studies.shared.style import COLOURS, MARKERS, SEQUENCE, figure, lettered, mark_level, mark_lr


def dip(scan: pd.DataFrame, limit: float, centre: float) -> Figure:
    """Draw the effective step at the limit over eps around a dip, with the height after two steps and the floor."""
    fig, ax = figure(width=7.2, height=3.8)
    ax.loglog(scan["lr"], scan["effective_step"] / limit, "o", color=COLOURS["bngd"], markersize=3, label="measured")
    ax.loglog(scan["lr"], scan["predicted"] / limit, "--", color=COLOURS["theory"], label="after two steps, $1/T_2$")
    ax.loglog(scan["lr"], scan["floor"] / limit, "-.", color=COLOURS["large"], label="proved from below")
    mark_level(ax, 1.0, r"$2/\lambda^*_d$")
    mark_lr(ax, centre, "$w_{1,d}=0$", top=0.2)
    ax.set(xlabel=r"step size $\varepsilon$", ylabel=r"$\hat{\varepsilon}\,/\,(2/\lambda^*_d)$")
    ax.legend(loc="upper right")
    return fig


def anatomy(runs: Mapping[str, pd.DataFrame], limit: float) -> Figure:
    """Draw s, the gradient in w, ||w|| and the effective step along runs (`study.anatomy`), by their names."""
    fig, axes = figure(4, width=11.0, height=3.0)
    titles = {
        "s": "$s_k$",
        "gradient": r"$\|\nabla_w J\|$",
        "norm": r"$\|w_k\|$",
        "effective_step": r"$|\hat{\varepsilon}_k|\,/\,(2/\lambda^*_d)$",
    }
    for colour, marker, (label, run) in zip(SEQUENCE, MARKERS, runs.items(), strict=False):
        for ax, column in zip(axes, titles, strict=True):
            scale = limit if column == "effective_step" else 1.0
            ax.semilogy(run.index, np.abs(run[column]) / scale, marker + "-", color=colour, markersize=4, label=label)
    for ax, title in zip(axes, titles.values(), strict=True):
        ax.set(title=title, xlabel="step $k$")
    axes[3].axhline(1, color=COLOURS["theory"], linestyle=":")
    return lettered(fig, axes, legend=len(runs))


def where(problems: pd.DataFrame, example: pd.DataFrame) -> Figure:
    """Draw the depth of dips against the top eigenvector's share, and the example that attains the bound."""
    fig, axes = figure(2, width=9.2, height=3.6)
    axes[0].semilogy(problems["share"], problems["lowest"], "o", color=COLOURS["bngd"], markersize=3.5)
    deep = problems[problems["lowest"] < 0.1]
    label = "after two steps"
    axes[0].semilogy(deep["share"], deep["predicted"].clip(upper=1), "x", color=COLOURS["accent"], label=label)
    axes[0].axhline(0.1, color=COLOURS["limit"], linestyle=":")
    axes[0].set_xlabel(r"share of the top eigenvector in $u^\top Hu$")
    axes[0].set_title(r"lowest $\hat{\varepsilon}\,/\,(2/\lambda^*_d)$ on the plateau")
    axes[0].legend(loc="lower left")
    kappa = example["condition_number"]
    axes[1].semilogx(kappa, 1 - example["attained"], "o-", color=COLOURS["large"])
    axes[1].set(yscale="log", xlabel=r"condition number $\kappa$", title="unused part of the proved floor")
    return lettered(fig, axes)


def mirror(runs: Mapping[str, Passage], limit_of: str) -> Figure:
    """Draw one problem's paths in the plane of sigma and zeta, and (1 - eff_inf/L)/sigma for all."""
    fig, axes = figure(2, width=9.2, height=3.6)
    one = runs[limit_of]
    for i, (sigma, colour) in enumerate(zip(one.sigma, SEQUENCE, strict=False)):
        s, zeta = one.path_sigma[:, i] / sigma, one.path_zeta[:, i] / sigma**2
        axes[0].plot(s, zeta, ".", color=colour, markersize=2, label=rf"$\sigma={sigma:g}$", rasterized=True)
    circle = np.linspace(-1, 1, 200)
    axes[0].plot(circle, (1 - circle**2) / 2, "--", color=COLOURS["theory"], linewidth=1.2)
    axes[0].set(xlabel=r"$\sigma_k/\sigma_0$", title=rf"$\zeta_k/\sigma_0^2$, {limit_of}")
    axes[0].legend(markerscale=5)
    for colour, marker, (label, run) in zip(SEQUENCE, MARKERS, runs.items(), strict=False):
        axes[1].semilogx(run.sigma, -run.final / run.sigma, marker + "-", color=colour, label=label)
    axes[1].axhline(1, color=COLOURS["theory"], linestyle=":")
    axes[1].set_xlabel(r"$\sigma_0$: the run leaves at $(1+\sigma_0)\,2/\lambda^*_d$")
    axes[1].set_title(r"where it ends: $-\sigma_\infty/\sigma_0$")
    axes[1].legend()
    return lettered(fig, axes)
