from dataclasses import replace

import jax
import numpy as np
import pytest

from bngd.networks import Job, mlp, run, together
from bngd.networks.architectures import M2


def test_runs_together_are_the_runs_alone_up_to_rounding(digits):
    network = mlp(8).with_batch_norm()
    jobs = [Job(network, 0.1, 0.5, steps=34), Job(M2, 0.1, steps=34), Job(network, 0.3, seed=1, scale=2.0, steps=34)]
    found = dict(together.as_finished_together(jobs, digits, together.device("cpu")))
    for i, job in enumerate(jobs):
        alone = run(job, digits)
        assert (found[i].job, found[i].step, found[i].outcome) == (job, alone.step, alone.outcome)
        for name in ("loss", "accuracy", "test_loss", "test_accuracy"):
            np.testing.assert_allclose(getattr(found[i], name), getattr(alone, name), rtol=1e-4, err_msg=name)
        assert found[i].final == pytest.approx(alone.final, rel=1e-4)


def test_a_run_that_diverges_stops_for_itself_alone(digits):
    network = replace(M2, loss="underflowing")
    jobs = [Job(network, lr, steps=34) for lr in (0.1, 1e6)]
    found = dict(together.as_finished_together(jobs, digits, together.device("cpu")))
    assert found[0].outcome == "finite"
    assert found[1].step == run(jobs[1], digits).step
    assert found[1].outcome == "diverged"


def test_out_of_memory_takes_fewer_at_once_and_says_so(digits, monkeypatch, capsys):
    whole, sizes = together._train, []

    def holds_two(jobs, data, where):
        sizes.append(len(jobs))
        if len(jobs) > 2:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return whole(jobs, data, where)

    monkeypatch.setattr(together, "_train", holds_two)
    jobs = [Job(M2, lr, steps=11) for lr in (0.1, 0.2, 0.3, 0.4, 0.5)]
    found = dict(together.as_finished_together(jobs, digits, together.device("cpu")))
    assert sorted(found) == [0, 1, 2, 3, 4]
    assert sizes == [5, 2, 2, 1]
    assert "out of memory; 2 runs at once" in capsys.readouterr().err


def test_a_device_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="no device 'tpu' here; JAX sees: cpu"):
        together.device("tpu")
