"""The kernel that notebooks run in: this Python, whatever kernels are installed, in surroundings of its own."""

import errno
import os
import socket
import sys
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from bngd.machine import import_path

_THREADS = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
"""One thread for each library: sums keep their order, so results their bytes, and notebooks run side by side."""


def environment(**own: str | Path) -> dict[str, str]:
    """Return what a kernel's environment holds beyond the caller's.

    Parameters
    ----------
    **own : str or Path
        Variables of this execution, such as where its outputs go.
    """
    return {
        **_THREADS,
        "PYTHONHASHSEED": "0",  # a PDF's font subsets are named by a hash
        "PYTHONPATH": import_path(),  # the bngd that runs the notebook is the one that the notebook imports
        "SOURCE_DATE_EPOCH": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # else the debugger writes a warning into the first cell
        **{name: str(value) for name, value in own.items()},
    }


def require_loopback() -> None:
    """Talk to ourselves as a notebook talks to its kernel: where that fails, one would be waited for in vain.

    Raises
    ------
    OSError
        If 127.0.0.1 cannot be reached.
    """
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=5).close()
    except OSError as error:
        raise OSError(errno.EADDRNOTAVAIL, error.strerror or str(error), "127.0.0.1") from error


def home(stage: Path) -> dict[str, Path]:
    """Return a home for the kernel where the reader has none that can be written to; else nothing."""
    given = Path(os.environ.get("HOME") or os.path.expanduser("~"))
    if given.is_dir() and os.access(given, os.W_OK) and not given.is_relative_to("/proc"):
        return {}
    own = (stage / "home").resolve()
    own.mkdir(parents=True, exist_ok=True)
    os.environ["JUPYTER_RUNTIME_DIR"] = str(own)  # where this process says how to reach the kernel
    return {"HOME": own, "JUPYTER_RUNTIME_DIR": own}


def manager(ipython_folder: Path, env: dict[str, str]) -> type[AsyncKernelManager]:
    """Return a kernel manager class that starts this Python.

    A kernel named ``python3`` may be any Python: users install kernels in their home folder, and others by
    ``JUPYTER_PATH``. The same holds for what an IPython profile loads at its start, so it gets an empty one.

    Parameters
    ----------
    ipython_folder : Path
        An empty folder for IPython's profile.
    env : dict
        Additions to the caller's environment, as `environment` returns them.
    """
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", f"--ipython-dir={ipython_folder}"]
    argv += ["--log-level=40", "--HistoryManager.enabled=False"]  # warnings about sockets are none of the reader's
    spec = KernelSpec(argv=argv, env=env, display_name="Python 3", language="python")
    return type("CompanionKernel", (AsyncKernelManager,), {"kernel_spec": spec})
