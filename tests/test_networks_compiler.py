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


SHARED = """
import json, sys
from pathlib import Path
import jax
from bngd.networks import Job, load, mlp, train
from bngd.networks.compiler import share_programs

taken = []
jax.monitoring.register_event_listener(lambda event, **_: taken.append(event) if event.endswith("cache_hits") else None)
share_programs(Path(sys.argv[1]))
run = train([Job(mlp(20).with_batch_norm(), 1.0, 0.1, steps=30)], load("digits"), workers=1)[0]
print(json.dumps([len(taken), run.loss, run.final]))
"""


def test_what_one_process_has_compiled_the_next_one_takes(tmp_path):
    def trained(**variables):
        env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])} | variables
        command = [sys.executable, "-c", SHARED, str(tmp_path / "programs")]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
        assert not done.stderr
        return json.loads(done.stdout)

    (none, *first), (both, *second) = trained(), trained()
    assert none == 0
    assert both >= 2, "the training and the evaluation at least"
    assert first == second
    own = str(tmp_path / "own")
    assert trained(JAX_COMPILATION_CACHE_DIR=own) == [0, *first], "a folder of the user's own is used instead"
    for program in (tmp_path / "programs").iterdir():
        program.write_bytes(program.read_bytes()[:1000])  # as one is found that is just being written
    assert trained() == [0, *first]
