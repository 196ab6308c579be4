"""In processes of their own: what the compiler was told holds for the whole of one. Without being told anything, that
workers give the same bits is tested in test_networks_parallel.py.
"""

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json, sys
from bngd import networks
from bngd.networks import Job, load, mlp, train
if __name__ == "__main__":
    if "quickly" in sys.argv:
        networks.compile_quickly()
    job = Job(mlp(20).with_batch_norm(), 1.0, 0.1, steps=30)
    print(json.dumps([train([job, job], load("digits"), workers=int(workers))[0].loss for workers in sys.argv[1]]))
"""


@pytest.fixture(scope="module")
def losses(tmp_path_factory):
    script = tmp_path_factory.mktemp("compiler") / "script.py"
    script.write_text(SCRIPT)
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}

    def of(*arguments):
        command = [sys.executable, str(script), *arguments]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout)

    return {"quickly": of("12", "quickly"), "well": of("1")}


def test_workers_compile_as_the_process_that_starts_them(losses):
    here, in_a_worker = losses["quickly"]
    assert here == in_a_worker


def test_programs_compiled_quickly_differ_by_rounding(losses):
    (quickly, _), (well,) = losses.values()
    assert quickly != well
    assert quickly == pytest.approx(well, rel=1e-3)


TAKEN_ANEW = """
import resource
import numpy as np
import bngd.networks

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

np.ones(2**22)
before = faults()
for _ in range(10):
    np.ones(2**22)
print(faults() - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library")
def test_memory_that_was_freed_is_not_taken_anew():
    run = subprocess.run([sys.executable, "-c", TAKEN_ANEW], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 1000, "ten arrays of 32 MiB have 80,000 pages"
