"""Where everything lies: the one place that knows the names of folders."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bngd.companion.errors import CompanionError
from bngd.files import alone, write_text

SUMMARY = "summary"
"""The notebook that reads the ledger; it is the only one whose claims the ledger cannot hold."""


@dataclass(frozen=True)
class Layout:
    """The sources below `root`, and the outputs of one profile or of one reader's own run below `output`."""

    root: Path
    output: Path

    @classmethod
    def of_profile(cls, root: Path, profile: str) -> "Layout":
        """Return the layout of the book's results for one profile."""
        return cls(root, root / "build" / profile)

    @classmethod
    def of_own(cls, root: Path, output: Path, notebook: str) -> "Layout":
        """Return the layout of a reader's own run of a notebook, apart from the sources and from every book.

        Raises
        ------
        CompanionError
            If the folder holds the sources, lies among them or is a book's, or has a notebook that no run left there.
        """
        output, root = output.expanduser().resolve(), root.resolve()
        allowed = root / "build" / "own"
        among = output.is_relative_to(root) and not output.is_relative_to(allowed)
        holds = root.is_relative_to(output) or (output / "notebooks" / "profiles").is_dir()
        if among or holds or output == allowed:
            raise CompanionError(
                f"the output {str(output)!r} would put your results among the sources or into a book; give a folder "
                f"below {allowed} or outside of {root}"
            )
        layout = cls(root, output)
        if layout.executed(notebook).exists() and not layout.provenance(notebook).exists():
            raise CompanionError(
                f"{layout.executed(notebook)} was not made by a run of the companion and would be overwritten; "
                "give another output"
            )
        return layout

    def source(self, name: str) -> Path:
        """Return the path of a notebook as it is stored: without outputs."""
        return self.root / "notebooks" / f"{name}.ipynb"

    def profile(self, name: str) -> Path:
        """Return the path of a profile."""
        return self.root / "notebooks" / "profiles" / f"{name}.yaml"

    def parameters(self, name: str) -> Path:
        """Return the file with what the profile says of one notebook; make compares its time."""
        return self.output / "parameters" / f"{name}.json"

    def executed(self, name: str) -> Path:
        """Return the path of an executed notebook; it exists only where all its outputs do."""
        return self.output / "notebooks" / f"{name}.ipynb"

    def failed(self, name: str) -> Path:
        """Return where a failed notebook is kept, as far as it ran."""
        return self.output / "failed" / f"{name}.ipynb"

    def provenance(self, name: str) -> Path:
        """Return the file that says how a notebook was run."""
        return self.output / "provenance" / f"{name}.json"

    def files_of(self, name: str) -> Path:
        """Return the list of what a notebook, or the book, made: by it make notices a file that was deleted."""
        return self.output / "outputs" / name

    def list_files(self, name: str, files: Iterable[Path]) -> None:
        """Write the list of what a notebook, or the book, made."""
        lines = sorted(path.relative_to(self.output).as_posix() for path in files)
        write_text(self.files_of(name), "".join(f"{line}\n" for line in lines))

    def alone(self, folder: Path, what: str) -> AbstractContextManager[bool]:
        """Hold a folder of the outputs, as `bngd.files.alone` does, while the body does `what`."""
        return alone(folder, f"another process is {what} in {self.shown(self.output)}; waiting for it")

    def record(self, name: str) -> Path:
        """Return the file with a notebook's values and claims."""
        return self.results / f"{name}.json"

    @property
    def results(self) -> Path:
        """The folder of numbers: JSON and CSV."""
        return self.output / "results"

    @property
    def figures(self) -> Path:
        """The folder of figures: SVG, PNG, PDF, and what is drawn as CSV."""
        return self.output / "figures"

    @property
    def ledger(self) -> Path:
        """The file with the claims of all notebooks."""
        return self.results / "ledger.json"

    @property
    def staging(self) -> Path:
        """The folder where notebooks run, before their outputs move into place."""
        return self.output / ".staging"

    def notebook_names(self) -> list[str]:
        """Return the names of all notebooks, sorted."""
        return sorted(path.stem for path in (self.root / "notebooks").glob("*.ipynb"))

    def profile_names(self) -> list[str]:
        """Return the names of all profiles, sorted."""
        return sorted(path.stem for path in (self.root / "notebooks" / "profiles").glob("*.yaml"))

    def require_notebook(self, name: str) -> None:
        """Raise a `CompanionError` that lists the notebooks unless `name` is one of them."""
        if name not in (names := self.notebook_names()):
            raise CompanionError(f"there is no notebook {name!r}; the notebooks are: {', '.join(names) or '(none)'}")

    def require_profile(self, name: str) -> None:
        """Raise a `CompanionError` that lists the profiles unless `name` is one of them."""
        if name not in (names := self.profile_names()):
            raise CompanionError(f"there is no profile {name!r}; the profiles are: {', '.join(names) or '(none)'}")

    def outputs_of(self, name: str) -> list[Path]:
        """Return the figures and results that belong to a notebook.

        A notebook's name holds no hyphen, so ``<name>-`` begins the files of that notebook and of no other.
        """
        owned = [*self.figures.glob(f"{name}-*"), *self.results.glob(f"{name}-*"), self.record(name)]
        return sorted(path for path in owned if path.exists())

    def shown(self, path: Path) -> str:
        """Return a path the way a reader in the project's folder would type it."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


def find_root(start: Path) -> Path:
    """Return the nearest folder at or above `start` that holds ``notebooks/profiles``.

    Raises
    ------
    CompanionError
        If there is none.
    """
    for folder in (start, *start.parents):
        if (folder / "notebooks" / "profiles").is_dir():
            return folder
    raise CompanionError(
        f"{start} is not inside the companion: no folder notebooks/profiles here or above; go there first"
    )
