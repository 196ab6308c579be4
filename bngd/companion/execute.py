"""Execute one notebook with papermill: all of its outputs move into place, or none."""

import filecmp
import os
import shutil
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbformat import NotebookNode
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError

from bngd.companion import kernel, pages, parameters, provenance
from bngd.companion.errors import NotebookFailed, way_out
from bngd.companion.layout import Layout
from bngd.files import json_text, write_text

_KERNEL_START_SECONDS = 300
"""Several kernels that start at once on a busy machine need far longer than papermill's minute."""

_SHOWN_SOURCE_LINES = 6


class _SavingOnce(NBClientEngine):
    """Papermill's own engine, but it saves the notebook when it ends, well or not, instead of twice for each cell.

    Every save writes all drawings so far, which in a notebook with large ones takes longer than its kernel's start.
    """

    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, *arguments: Any, **options: Any
    ) -> None:
        path, nb_man.output_path = nb_man.output_path, None
        try:
            super().execute_managed_notebook(nb_man, kernel_name, *arguments, **options)
        finally:
            nb_man.output_path = path


papermill_engines.register("bngd", _SavingOnce)


@dataclass(frozen=True)
class Execution:
    """One notebook to execute.

    Attributes
    ----------
    layout : Layout
        Where it is read and its outputs go.
    name : str
        The notebook's name.
    profile : str
        The profile that the parameters came from, for the record.
    parameters : mapping
        What differs from the notebook's defaults, not yet checked.
    command : str
        What a reader types to do the same.
    folder : Path
        The working folder of the notebook's code.
    ledger : Path
        The ledger that a notebook reads if it asks for one.
    for_book : bool
        Whether figures are dressed for the book; otherwise the notebook stays as JupyterLab would show it.
    """

    layout: Layout
    name: str
    profile: str
    parameters: Mapping[str, Any]
    command: str
    folder: Path
    ledger: Path
    for_book: bool = True

    @property
    def source(self) -> Path:
        """The notebook as it is stored."""
        return self.layout.source(self.name)


def execute(job: Execution) -> float:
    """Execute a notebook and move its outputs into place; return the seconds that its cells took.

    Outputs are made in a folder of their own and moved after success, the executed notebook last: where it exists,
    everything that it shows does. Two processes that execute the same notebook wait for each other.

    Raises
    ------
    CompanionError
        If the notebook or a parameter is unknown or badly typed; nothing was run then.
    NotebookFailed
        If a cell raised an error, the kernel died, or the notebook did not finish its `Run`. What had been there
        before stays.
    """
    job.layout.require_notebook(job.name)
    chosen = parameters.check(job.source, job.parameters)
    with job.layout.alone(job.layout.staging / job.name, f"executing {job.name}") as waited:
        return 0.0 if waited and _is_made(job) else _execute(job, chosen)


def _is_made(job: Execution) -> bool:
    """Return whether the executed notebook is newer than all that it may depend on: the other process made it."""
    made = job.layout.executed(job.name)
    if not (job.for_book and made.exists()):
        return False
    root = job.layout.root
    sources = [job.source, job.layout.parameters(job.name), root / "requirements.lock", *(root / "bngd").rglob("*.py")]
    return all(path.stat().st_mtime < made.stat().st_mtime for path in sources if path.exists())


def _execute(job: Execution, chosen: dict[str, Any]) -> float:
    stage = _fresh_stage(job)
    try:
        started = time.perf_counter()
        notebook = _run_cells(job, chosen, stage)
        seconds = time.perf_counter() - started
        _require_results(job, stage)
        _finish(job, notebook, chosen, seconds, stage)
        _publish(job, stage)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return seconds


def _fresh_stage(job: Execution) -> Path:
    # The process id keeps an interrupted run's kernel, which may live a second longer, out of this run's outputs.
    for old in (job.layout.staging / job.name).iterdir():
        shutil.rmtree(old, ignore_errors=True)
    stage = job.layout.staging / job.name / str(os.getpid())
    (stage / "ipython").mkdir(parents=True)
    return stage


def _run_cells(job: Execution, chosen: dict[str, Any], stage: Path) -> NotebookNode:
    kernel.require_loopback()
    executed = stage / "executed.ipynb"
    env = kernel.environment(BNGD_OUTPUT=stage.resolve(), BNGD_LEDGER=job.ledger.resolve(), **kernel.home(stage))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # papermill's and its libraries'; those of the notebook are in its outputs
            return papermill.execute_notebook(
                job.source,
                executed,
                parameters=chosen,
                engine_name="bngd",
                kernel_name="python3",
                language="python",  # for a notebook without a kernelspec, as some editors store them
                cwd=job.folder,
                progress_bar=False,
                shutdown_kernel="immediate",  # all that it made is here or in files by now
                start_timeout=_KERNEL_START_SECONDS,
                kernel_manager_class=kernel.manager((stage / "ipython").resolve(), env),
            )
    except PapermillExecutionError as error:
        reason = f"{error.ename}: {error.evalue}{way_out(error.evalue)}"
        raise _failure(job, executed, error.cell_index, reason) from None
    except (DeadKernelError, CellControlSignal, RuntimeError) as error:
        raise _failure(job, executed, _running_cell(executed), f"{error or type(error).__name__}") from error


def _running_cell(executed: Path) -> int | None:
    """Return the index of the cell in which the kernel was lost, None if it never started."""
    if not executed.exists():
        return None
    cells = nbformat.read(executed, as_version=4).cells
    begun = [index for index, cell in enumerate(cells) if cell.metadata.papermill.start_time]
    return max(begun, default=None)


def _failure(job: Execution, executed: Path, index: int | None, reason: str) -> NotebookFailed:
    """Keep the notebook as far as it ran, and return the error that says where it stopped and why."""
    where = "before its first cell"
    if executed.exists():
        kept = job.layout.failed(job.name)
        kept.parent.mkdir(parents=True, exist_ok=True)
        if index is not None:
            where = _place(nbformat.read(executed, as_version=4).cells, index)
        os.replace(executed, kept)
        reason += f"\nThe notebook as far as it ran: {job.layout.shown(kept)}"
    return NotebookFailed(f"notebook {job.name!r} failed {where}\n{reason}")


def _place(cells: list[NotebookNode], index: int) -> str:
    """Name a cell by its number in the source, which has neither papermill's parameters nor its error markers."""
    marker, injected = "papermill-error-cell-tag", "injected-parameters"
    ran = [cell for cell in cells if marker not in cell.metadata.get("tags", [])]
    number = sum(injected not in cell.metadata.get("tags", []) for cell in ran[: index + 1])
    lines = ran[index].source.splitlines()
    shown = [f"    {line}" for line in lines[:_SHOWN_SOURCE_LINES]]
    if len(lines) > _SHOWN_SOURCE_LINES:
        shown.append("    ...")
    return "\n".join([f"in its cell {number}:", *shown])


def _require_results(job: Execution, stage: Path) -> None:
    written = [path for folder in ("results", "figures") for path in (stage / folder).glob("*")]
    foreign = sorted(
        path.name for path in written if path.stem != job.name and not path.name.startswith(f"{job.name}-")
    )
    if foreign:
        raise NotebookFailed(f"notebook {job.name!r} wrote {', '.join(foreign)}: it must begin with Run({job.name!r})")
    if not (stage / "results" / f"{job.name}.json").exists():
        raise NotebookFailed(f"notebook {job.name!r} wrote no results: its last cell must call run.finish()")


def _finish(job: Execution, notebook: NotebookNode, chosen: dict[str, Any], seconds: float, stage: Path) -> None:
    pages.strip_times(notebook)
    if job.for_book:
        pages.dress(notebook, name=job.name, command=job.command)
    nbformat.write(notebook, stage / "executed.ipynb")
    used = {**parameters.defaults(job.source), **chosen}
    told = provenance.describe(
        job.layout.root, notebook=job.name, profile=job.profile, command=job.command, parameters=used, seconds=seconds
    )
    write_text(stage / "provenance.json", json_text(told))


def _publish(job: Execution, stage: Path) -> None:
    layout = job.layout
    # Without the executed notebook make runs it again, so an interruption from here on is mended by the next run.
    layout.executed(job.name).unlink(missing_ok=True)
    made = {
        target / path.name: path
        for folder, target in ((stage / "figures", layout.figures), (stage / "results", layout.results))
        for path in folder.glob("*")
    }
    for stale in {layout.failed(job.name), *layout.outputs_of(job.name)} - made.keys():
        stale.unlink(missing_ok=True)
    for target, path in made.items():
        # What came out the same keeps its time: pages that quote it need not be made again.
        if not (target.is_file() and filecmp.cmp(path, target, shallow=False)):
            _move(path, target)
    _move(stage / "provenance.json", layout.provenance(job.name))
    layout.list_files(job.name, [layout.provenance(job.name), *made])
    _move(stage / "executed.ipynb", layout.executed(job.name))


def _move(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(path, target)
