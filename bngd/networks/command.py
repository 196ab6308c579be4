"""Rows of the authors' protocol from the command line, resumed where they were interrupted.

``python -m bngd.networks protocol --list`` names the rows; with the name of one, such as ``fmnist_m2_gdlr``, it runs.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bngd.networks import resumable, together
from bngd.networks.data import DATASETS
from bngd.networks.pooling import pooled
from bngd.networks.protocol import REPETITIONS, ROWS, Row

if TYPE_CHECKING:
    from distributed import Client

_SCHEDULER_PATIENCE = "10s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run rows of the authors' protocol; what was done already is not done again."""
    parser = argparse.ArgumentParser(prog="python -m bngd.networks protocol", description=main.__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="names of scripts, as --list shows them")
    parser.add_argument("--list", action="store_true", help="name every row with its number of runs")
    parser.add_argument("--output", type=Path, default=Path("build/paper/rows"), help="folder of results (%(default)s)")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS, help="of the authors' %(default)s")
    parser.add_argument("--data", choices=DATASETS, help="data set; the script's own unless given")
    parser.add_argument("--hidden", type=int, metavar="H", help="a row of m5 at this hidden width only")
    parser.add_argument(
        "--rest", type=float, metavar="RATE", help="step size of all but the first layer, which alone gets the row's"
    )
    parser.add_argument("--pooled", type=int, default=1, metavar="B", help="average blocks of B x B pixels first")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="every K-th step size only")
    parser.add_argument("--described", action="store_true", help="train the BN networks as meant, not as published")
    parser.add_argument("--from-kept", action="store_true", help="take the runs that the package keeps; run the others")
    parser.add_argument("--workers", type=int, help="processes; every core unless given")
    parser.add_argument(
        "--device", help="such as gpu: as many runs at once as it holds; runs in processes unless given"
    )
    parser.add_argument("--scheduler", help="address of a Dask scheduler to run on instead")
    options = parser.parse_args(arguments)
    if options.list:
        for row in ROWS.values():
            print(f"{row.name:22} {len(row.jobs()):6} runs of {row.steps + 1} updates")
    unknown = [name for name in options.rows if name not in ROWS]
    if unknown or not (options.rows or options.list):
        problem = f"unknown row {unknown[0]!r}" if unknown else "name at least one row"
        print(f"{problem}; --list shows them all", file=sys.stderr)
        return 2
    return _run_rows(options)


def _run_rows(options: argparse.Namespace) -> int:
    try:
        for name in ("repetitions", "every", "pooled"):
            if (value := getattr(options, name)) < 1:
                raise ValueError(f"--{name} is {value}; give at least 1")
        client = None
        if options.scheduler:
            from distributed import Client

            client = Client(options.scheduler, timeout=_SCHEDULER_PATIENCE)
        for name in options.rows:
            _run_row(ROWS[name], options, client)
    except (MemoryError, OSError, ValueError) as error:  # DataError is a ValueError
        print(f"protocol: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; the runs that were finished are kept: call it again to go on", file=sys.stderr)
        return 130
    return 0


def _run_row(row: Row, options: argparse.Namespace, client: "Client | None") -> None:
    runs = [row.name]  # in the title is what makes the runs others than the row's
    if options.hidden is not None:
        row = row.with_hidden(options.hidden)
        runs.append(f"h{options.hidden}")
    if options.data not in (None, row.dataset):
        row = replace(row, dataset=options.data)
        runs.append(f"on-{options.data}")
    if options.described:
        runs.append("described")
    if options.pooled > 1:
        runs.append(f"pooled-{options.pooled}")
    if options.rest is not None:
        runs.append(f"rest-{options.rest!r}".removesuffix(".0"))  # every digit: another rate is another row
    part = [f"every-{options.every}"] if options.every > 1 else []
    part += [f"{options.repetitions}-repetitions"] if options.repetitions != REPETITIONS else []
    jobs = row.jobs(repetitions=options.repetitions, described=options.described)
    jobs = [replace(job, lr_rest=options.rest) for job in jobs if job.stream % options.every == 0]
    resumable.run_row(
        "-".join(runs + part),
        jobs,
        pooled(row.data(), options.pooled),
        options.output,
        runs="-".join(runs),  # what is run for a part is not run again for the whole
        from_kept=options.from_kept,
        workers=options.workers,
        client=client,
        device=together.device(options.device) if options.device else None,
    )
