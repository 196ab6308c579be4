"""In processes of their own: what the compiler was told holds for the whole of one."""

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
    here, there = (train([job, job], load("digits"), workers=workers)[0] for workers in (1, 2))
    print(json.dumps([here.loss, there.loss]))
"""


@pytest.fixture(scope="module")
def losses(tmp_path_factory):
    script = tmp_path_factory.mktemp("compiler") / "script.py"
    script.write_text(SCRIPT)
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}

    def of(*arguments):
        command = [sys.executable, str(script), *arguments]
        return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout)

    return {"quickly": of("quickly"), "well": of()}


def test_workers_compile_as_the_process_that_starts_them(losses):
    for here, in_a_worker in losses.values():
        assert here == in_a_worker


def test_programs_compiled_quickly_differ_by_rounding(losses):
    (quickly, _), (well, _) = losses.values()
    assert quickly != well
    assert quickly == pytest.approx(well, rel=1e-3)
