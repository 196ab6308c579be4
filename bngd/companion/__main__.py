"""The companion's command line: ``python -m bngd.companion --help``. The Makefile calls it; so may a reader."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from shlex import quote
from typing import Any

from bngd.companion.errors import CompanionError, explained
from bngd.companion.layout import Layout, find_root

# Each command imports what it needs when it runs: papermill and Sphinx take a second each, and no command needs both.


def _execute(options: argparse.Namespace) -> None:
    """Execute notebooks with a profile's parameters, for the book."""
    from bngd.companion import execute as runner
    from bngd.companion import profiles

    layout = _layout(options)
    for name in options.notebook:
        layout.require_notebook(name)
        job = runner.Execution(
            layout=layout,
            name=name,
            profile=options.profile,
            parameters=profiles.of_notebook(layout, options.profile, name),
            command=f"make {name}" if options.profile == "full" else f"make {name} PROFILE={options.profile}",
            folder=layout.source(name).parent,
            ledger=layout.ledger,
        )
        _execute_and_tell(job)


def run(options: argparse.Namespace) -> None:
    """Execute one notebook with parameters of your own, apart from the book's results."""
    from bngd.companion import cost, parameters, profiles
    from bngd.companion import execute as runner

    book = _layout(options)
    book.require_notebook(options.notebook)
    given = profiles.load(book, options.profile)[options.notebook]
    names = [name for name, _ in options.parameter]
    if repeated := [name for name in names if names.count(name) > 1]:
        raise CompanionError(f"parameter {repeated[0]!r} is given {names.count(repeated[0])} times; give it once")
    own = parameters.parse(book.source(options.notebook), dict(options.parameter))
    about = _about(book, options.notebook, {**given, **own}, given)
    if not options.long:
        cost.require_short(options.notebook, *about, 'add --long, as in ARGS="... --long"')
    typed = "".join(f" -p {name} {quote(text)}" for name, text in options.parameter)
    output = options.output or book.root / "build" / "own" / options.notebook
    job = runner.Execution(
        layout=Layout.of_own(book.root, output, options.notebook),
        name=options.notebook,
        profile=options.profile,
        parameters={**given, **own},
        command=f"python -m bngd.companion run {options.notebook} --profile {options.profile}{typed}",
        folder=Path.cwd(),  # a file that the reader names is found where the reader stands
        ledger=book.ledger,
        for_book=False,
    )
    _execute_and_tell(job)


def _about(book: Layout, name: str, own: dict[str, Any], given: dict[str, Any]) -> tuple[dict, dict, float]:
    """Return a run's parameters, those of the book's run, and the seconds that it took."""
    from bngd.companion import cost, parameters

    usual = {**parameters.defaults(book.source(name)), **given}
    if not (record := book.provenance(name)).exists():
        return {**usual, **own}, usual, cost.TYPICAL_SECONDS
    made = json.loads(record.read_text())
    return {**usual, **own}, {**usual, **made["parameters"]}, made["seconds"]


def _execute_and_tell(job) -> None:  # type: ignore[no-untyped-def]  # its type would import papermill
    from bngd.companion.execute import execute

    print(f"{job.name}: executing with profile {job.profile}", flush=True)
    seconds = execute(job)
    layout = job.layout
    figures = len(list(layout.figures.glob(f"{job.name}-*.pdf")))
    places = f"{layout.shown(layout.executed(job.name))}, {figures} figures in {layout.shown(layout.figures)}"
    print(f"{job.name}: done in {seconds:.1f} s: {places}", flush=True)


def _split_parameters(options: argparse.Namespace) -> None:
    """Check a profile and write each notebook's parameters to a file of its own."""
    from bngd.companion import profiles

    profiles.split(_layout(options), options.profile)


def _collect_ledger(options: argparse.Namespace) -> None:
    """Collect the claims of all notebooks into the ledger."""
    from bngd.companion import ledger

    layout = _layout(options)
    entries = ledger.collect(layout)
    print(f"ledger: {len(entries)} claims in {layout.shown(layout.ledger)}")


def _verify(options: argparse.Namespace) -> int:
    """Check that every claim of the ledger stands as on record, and that none is missing."""
    from bngd.companion import ledger

    entries = ledger.load_ledger(_layout(options).ledger)
    print(ledger.report(entries))
    return 1 if ledger.problems(entries) else 0


def _book(options: argparse.Namespace) -> None:
    """Build the book, or its PDF, from what the notebooks left."""
    from bngd.companion import book as assembly

    layout = _layout(options)
    build = assembly.build_pdf if options.pdf else assembly.build
    print(f"book: {layout.shown(build(options.profile, layout.root))}")


def _show_list(options: argparse.Namespace) -> None:
    """List the notebooks with their parameters, and the profiles."""
    from bngd.companion import parameters

    layout = _layout(options)
    for name in layout.notebook_names():
        print(name)
        for parameter, value in parameters.defaults(layout.source(name)).items():
            print(f"    {parameter} = {value!r}")
    print(f"profiles: {', '.join(layout.profile_names())}")


def _layout(options: argparse.Namespace) -> Layout:
    layout = Layout.of_profile(find_root(Path.cwd()), options.profile)
    layout.require_profile(options.profile)
    return layout


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bngd.companion", description="Turn notebooks into a book.")
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, action: Callable[[argparse.Namespace], int | None]) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=action.__doc__, description=action.__doc__)
        command.set_defaults(action=action)
        command.add_argument("--profile", default="full", help="a file in notebooks/profiles (default: full)")
        return command

    add("execute", _execute).add_argument("notebook", nargs="+")
    own = add("run", run)
    own.add_argument("notebook")
    own.add_argument("-p", "--parameter", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    own.add_argument("--long", action="store_true", help="begin, although it may take more than an hour")
    own.add_argument("--output", type=Path, help="where the outputs go (default: build/own/<notebook>)")
    add("parameters", _split_parameters)
    add("ledger", _collect_ledger)
    add("verify", _verify)
    add("book", _book).add_argument("--pdf", action="store_true", help="print it to one PDF; needs Chromium")
    add("list", _show_list)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; an error that is the reader's to mend prints as its message alone."""
    options = _parser().parse_args(arguments)
    try:
        status = options.action(options) or 0
        sys.stdout.flush()
        return status
    except CompanionError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # who reads the output, such as head, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"error: {explained(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; nothing half-done was left in place", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
