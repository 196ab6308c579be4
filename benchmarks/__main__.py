"""Run the benchmarks: ``python -m benchmarks [--quick] [--output build/bench]``."""

import argparse
import json
import os
import platform
import time
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from benchmarks import comparison, convolutions, growth
from bngd.machine import commit, cores, installed
from bngd.studies.shared.style import COLOURS


def comparison_figure(table: pd.DataFrame) -> Figure:
    """Return bars of seconds, one for each contestant."""
    fig, ax = plt.subplots(figsize=(7, 0.5 * len(table) + 1), layout="constrained")
    colours = [COLOURS["bngd" if name.startswith("ours") else "limit"] for name in table["what"]]
    ax.barh(table["what"], table["seconds"], color=colours)
    ax.bar_label(ax.containers[0], [f"{s:.3g} s" for s in table["seconds"]], padding=4)
    ax.set(xscale="log", xlabel="seconds for 4000 step sizes x 2000 steps, d = 100")
    ax.margins(x=0.2)
    return fig


def dimension_figure(table: pd.DataFrame) -> Figure:
    """Return seconds against the dimension, with and without compression."""
    fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    both = table["seconds to compress"] + table["seconds to sweep the compressed"]
    ax.loglog(
        table["dimension"], table["seconds to sweep uncompressed"], "o-", color=COLOURS["gd"], label="uncompressed"
    )
    ax.loglog(table["dimension"], both, "s-", color=COLOURS["bngd"], label="compression and sweep")
    ax.set(xlabel="dimension d", ylabel="seconds for 1000 step sizes x 2000 steps")
    ax.legend()
    return fig


def processor() -> str:
    """Return the processor's name, as well as the system knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def provenance(seconds: float) -> dict[str, object]:
    """Return what the numbers depend on: the machine, the versions, the commit, and how busy the machine was."""
    return {
        "processor": processor(),
        "cores": cores(),
        "python": platform.python_version(),
        "packages": {name: found for name in ("numpy", "numba", "jax", "torch") if (found := installed(name))},
        "commit": (commit(Path(__file__).parent)["commit"] or "unknown")[:7],
        "seconds": round(seconds),
        "load average at the end": os.getloadavg()[0],
    }


def main() -> None:
    """Measure, print, and write tables and figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("build/bench"), help="folder for tables and figures")
    parser.add_argument("--quick", action="store_true", help="fewer repeats, dimensions up to 10^4")
    options = parser.parse_args()
    repeats, dimensions = (2, [10, 100, 1000, 10000]) if options.quick else (7, [10**k for k in range(1, 7)])
    begin = time.perf_counter()
    tables = {
        "convolutions": convolutions.compare(repeats),  # first: JAX computes in double precision after the others
        "comparison": comparison.compare(repeats),
        "cores": growth.with_cores(repeats),
        "size": growth.with_size(repeats),
        "memory": growth.memory(),
        "dimension": growth.with_dimension(dimensions, budget=20.0),
    }
    for folder in ("results", "figures"):
        (options.output / folder).mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        print(f"\n{name}\n{table.to_string(index=False, float_format=lambda x: f'{x:.4g}')}")
        table.to_csv(options.output / "results" / f"{name}.csv", index=False, float_format="%.4g")
    record = json.dumps(provenance(time.perf_counter() - begin), indent=2)
    (options.output / "provenance.json").write_text(record + "\n")
    print(record)
    for name, draw in {"comparison": comparison_figure, "dimension": dimension_figure}.items():
        fig = draw(tables[name])
        fig.savefig(options.output / "figures" / f"{name}.svg")
        plt.close(fig)


if __name__ == "__main__":
    main()
