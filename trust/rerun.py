"""Run a notebook's cells for their numbers alone: no kernel, nothing drawn, on this processor or as if on another.

The second serves `trust.reference`: numbers that move when nothing but rounding does are not held to the last
digit.
"""

import argparse
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

from bngd.companion import parameters, profiles
from bngd.companion.layout import Layout

ROOT = Path(__file__).resolve().parent.parent

PROCESSORS = {
    "avx": {  # of 2011: vectors of four, and no fused multiply-add
        "NUMBA_CPU_NAME": "sandybridge",
        "OPENBLAS_CORETYPE": "Sandybridge",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX",
    },
    "avx2": {  # of 2013: with it
        "NUMBA_CPU_NAME": "haswell",
        "OPENBLAS_CORETYPE": "Haswell",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
    },
}
"""What makes the libraries compute as they would on an older processor: other kernels, other rounding."""


def script(layout: Layout, name: str, profile: str) -> str:
    """Return the notebook's code with the profile's parameters after its own."""
    import nbformat

    chosen = parameters.check(layout.source(name), profiles.load(layout, profile)[name])
    lines = []
    for cell in nbformat.read(layout.source(name), as_version=4).cells:
        if cell.cell_type == "code":
            lines.append(cell.source)
            if parameters.TAG in cell.metadata.get("tags", []):
                lines += [f"{key} = {value!r}" for key, value in chosen.items()]
    return "\n".join(lines) + "\n"


def run(layout: Layout, name: str, profile: str) -> None:
    """Run the cells in this process; numbers go where ``$BNGD_OUTPUT`` says."""
    from bngd.companion import run as recorder

    os.environ.setdefault("MPLBACKEND", "Agg")
    recorder.drawings = lambda fig: {"svg": b""}  # nobody looks at them, and drawing takes most of the time
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.py"
        path.write_text(script(layout, name, profile))
        os.chdir(layout.source(name).parent)
        runpy.run_path(str(path), run_name="__notebook__")


def elsewhere(name: str, profile: str, output: Path, *, root: Path = ROOT, processor: str = "") -> int:
    """Run a notebook of the sources at `root` in a process of its own, as if on one of `PROCESSORS` if so asked.

    Returns its exit status.
    """
    environment = {**os.environ, "BNGD_OUTPUT": str(output), "PYTHONPATH": str(root), "PYTHONWARNINGS": "ignore"}
    if processor:
        environment |= PROCESSORS[processor]
        environment |= {"OPENBLAS_NUM_THREADS": "1", "NPY_DISABLE_CPU_FEATURES": _numpy_features()}
    environment.setdefault("BNGD_LEDGER", str(root / "build" / profile / "results" / "ledger.json"))
    command = [sys.executable, "-m", "trust.rerun", name, "--profile", profile]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    if done.returncode:
        print(f"{name}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    return done.returncode


def _numpy_features() -> str:
    """Return what this NumPy dispatches on and this processor has: to disable anything else is an error to it."""
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

    return " ".join(name for name in __cpu_dispatch__ if __cpu_features__.get(name))


def main() -> None:
    """Run one notebook of the current folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebook")
    parser.add_argument("--profile", default="full")
    options = parser.parse_args()
    root = Path.cwd()
    run(Layout.of_profile(root, options.profile), options.notebook, options.profile)


if __name__ == "__main__":
    main()
