"""Independent witnesses: other people's code, other arithmetic and symbols, against `bngd`; agreement in digits.

None shares code with `bngd`'s dynamics. Run as ``python -m trust.witnesses``; needs ``trust/requirements.txt``.
PyTorch is asked in a process of its own: this interpreter, else Debian's ``python3`` with ``python3-torch``.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import sympy
from numpy.typing import NDArray

import bngd
from trust import derivations, kept
from trust.agreement import digits

jax.config.update("jax_enable_x64", True)

Array = NDArray[np.float64]
STEPS = 300


def samples() -> tuple[Array, Array, Array]:
    """Return raw samples X (80, 6) with correlated columns, a target and a start; centred, as the analysis assumes."""
    rng = np.random.default_rng(13)
    X = rng.standard_normal((80, 6)) @ rng.standard_normal((6, 6))
    y = X @ rng.standard_normal(6) + rng.standard_normal(80)
    return X - X.mean(axis=0), y - y.mean(), rng.standard_normal(6)


def ours(lr: float, lr_a: float, a0: float, steps: int = STEPS) -> bngd.Trajectory:
    """Return our run on the samples, from moments."""
    X, y, w0 = samples()
    problem = bngd.Problem.from_data(X, y, standardise=False)
    return bngd.bngd_trajectory(problem, problem.to_eigenbasis(w0), lr, steps, lr_a=lr_a, a0=a0)


RATES = [(0.01, 1.0), (1.0, 0.5), (100.0, 1.5)]
"""Step sizes of the weights and of a: small, on the plateau, and large with lr_a beyond the paper's range."""


def compared(witness: str, theirs: Callable[[float, float, float], dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each pair of rates: digits of a and of ||w|| over all steps."""
    rows = []
    for lr, lr_a in RATES:
        run, other = ours(lr, lr_a, 0.7), theirs(lr, lr_a, 0.0)
        agree = min(digits(run.a[1:], other["a"]), digits(run.norm_w[1:], other["norm"]))
        rows.append({"witness": witness, "what": f"trajectory, lr = {lr:g}, lr_a = {lr_a:g}", "digits": agree})
    return rows


# --- batch normalization as others wrote it ---------------------------------------------------------------------------


def torch_runs(jobs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what PyTorch makes of the jobs, from the first interpreter that has it."""
    script = Path(__file__).with_name("torch_bn.py")
    for python in (sys.executable, "/usr/bin/python3"):
        done = subprocess.run([python, str(script)], input=json.dumps(jobs), capture_output=True, text=True)
        if done.returncode == 0:
            return json.loads(done.stdout)
    raise SystemExit(f"no PyTorch here: install trust/requirements.txt or python3-torch\n{done.stderr[-300:]}")


def torch_rows() -> list[dict[str, Any]]:
    """Return PyTorch's agreement at eps = 0 and how far its eps = 1e-5 leads away."""
    X, y, w0 = samples()
    common = {"X": X.tolist(), "y": y.tolist(), "w0": w0.tolist(), "a0": 0.7, "steps": STEPS}
    jobs = [{**common, "lr": lr, "lr_a": lr_a, "eps": eps} for eps in (0.0, 1e-5) for lr, lr_a in RATES]
    answer = torch_runs(jobs)
    exact = iter(answer["runs"][: len(RATES)])
    rows = compared(f"PyTorch {answer['version']}, BatchNorm1d and SGD", lambda *_: next(exact))
    return rows + epsilon_rows("PyTorch, eps = 1e-5 inside the root", answer["runs"][len(RATES) :])


def epsilon_rows(witness: str, runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return how far runs with an epsilon in the denominator end from N itself."""
    return [
        {
            "witness": witness,
            "what": f"||w|| at the end, lr = {lr:g}, lr_a = {lr_a:g}: differs by "
            f"{abs(run['norm'][-1] / ours(lr, lr_a, 0.7).norm_w[-1] - 1):.1e}",
            "digits": digits(ours(lr, lr_a, 0.7).norm_w[-1], run["norm"][-1]),
        }
        for (lr, lr_a), run in zip(RATES, runs, strict=True)
    ]


def flax_run(lr: float, lr_a: float, eps: float, *, outside: bool = False) -> dict[str, Any]:
    """Return a and ||w|| by step, with Flax's BatchNorm, JAX's gradient and plain subtraction.

    With `outside` the epsilon is added to the standard deviation, as some write it, instead of to the variance.
    """
    from flax import linen

    X, y, w0 = map(jnp.asarray, samples())
    layer = linen.BatchNorm(use_running_average=False, use_bias=False, epsilon=eps, dtype=jnp.float64)
    state = layer.init(jax.random.key(0), X[:, :1])["batch_stats"]

    def loss(a: jax.Array, w: jax.Array) -> jax.Array:
        z = (X @ w)[:, None]
        if outside:
            normal = a * (z - z.mean()) / (z.std() + eps)
        else:
            normal, _ = layer.apply({"params": {"scale": a[None]}, "batch_stats": state}, z, mutable=["batch_stats"])
        return jnp.mean((y - normal[:, 0]) ** 2) / 2

    gradient = jax.jit(jax.grad(loss, argnums=(0, 1)))
    a, w, seen, length = jnp.asarray(0.7), w0, [], []
    for _ in range(STEPS):
        da, dw = gradient(a, w)
        a, w = a - lr_a * da, w - lr * dw
        seen.append(float(a))
        length.append(float(jnp.linalg.norm(w)))
    return {"a": seen, "norm": length}


def flax_rows() -> list[dict[str, Any]]:
    """Return Flax's agreement at epsilon = 0, and how far the two conventions of epsilon lead away."""
    rows = compared("Flax, BatchNorm", lambda lr, lr_a, _: flax_run(lr, lr_a, 0.0))
    inside = [flax_run(*rates, 1e-5) for rates in RATES]
    beside = [flax_run(*rates, 1e-5, outside=True) for rates in RATES]
    named = [("Flax, eps = 1e-5 inside the root", inside), ("eps = 1e-5 beside the root", beside)]
    return rows + [row for name, runs in named for row in epsilon_rows(name, runs)]


def autodiff_rows() -> list[dict[str, Any]]:
    """Return the agreement with JAX's derivatives of the loss as a reader would write it for samples."""
    X, y, w = samples()
    problem = bngd.Problem.from_data(X, y, standardise=False)

    def loss(a: jax.Array, v: jax.Array) -> jax.Array:
        z = X @ v
        return jnp.mean((y - a * (z - z.mean()) / z.std()) ** 2) / 2

    da, dw = jax.grad(loss, argnums=(0, 1))(0.7, jnp.asarray(w))
    a, v = bngd.bngd_step(problem, 0.7, problem.to_eigenbasis(w), 1.0, 1.0)
    optimum = problem.from_eigenbasis(problem.u)
    hessian = jax.hessian(loss, argnums=1)(np.sqrt(problem.explained), jnp.asarray(2 * optimum))
    star = problem.basis @ bngd.effective_hessian(problem) @ problem.basis.T / 4
    scale = np.abs(star).max()
    excess = float(loss(0.7, jnp.asarray(w))) - problem.minimum_loss
    pairs = [
        ("gradient in w", problem.from_eigenbasis(v) - w, -np.asarray(dw)),
        ("gradient in a", a - 0.7, -da),
        ("Hessian at a minimiser (to its largest entry)", star + scale, np.asarray(hessian) + scale),
        ("excess loss", bngd.excess_loss(problem, 0.7, problem.to_eigenbasis(w)), excess),
    ]
    return [{"witness": "JAX, automatic", "what": what, "digits": digits(*pair)} for what, *pair in pairs]


# --- other arithmetic -------------------------------------------------------------------------------------------------


def mpmath_run(problem: bngd.Problem, w0: Array, lr: float, lr_a: float, steps: int) -> list[float]:
    """Return the excess loss by step, at 60 digits."""
    with mpmath.workdps(60):
        l, g = (list(map(mpmath.mpf, map(float, part))) for part in (problem.eigenvalues, problem.g))  # noqa: E741
        w, u = [mpmath.mpf(float(x)) for x in w0], [y / x for x, y in zip(l, g, strict=True)]
        a, losses = None, []
        for _ in range(steps + 1):
            s = mpmath.sqrt(mpmath.fsum(x * y * y for x, y in zip(l, w, strict=True)))
            p = mpmath.fdot(w, g) / s
            a = p if a is None else a
            e = [x - p / s * y for x, y in zip(u, w, strict=True)]
            losses.append(float((a - p) ** 2 / 2 + mpmath.fsum(x * y * y for x, y in zip(l, e, strict=True)) / 2))
            w = [x + lr * a / s * y * z for x, y, z in zip(w, l, e, strict=True)]
            a += mpmath.mpf(lr_a) * (p - a)
    return losses


def mpmath_rows() -> list[dict[str, Any]]:
    """Return the agreement of excess losses with 60 digits, of the plain and of the compiled code."""
    rng, rows = np.random.default_rng(3), []
    problem = bngd.Problem.from_spectrum(bngd.spectra.log_spaced(8, 100.0), rng=rng)
    w0 = bngd.unit_vectors(rng, 8)
    for lr in (0.01, 0.5, 1e4):
        exact = np.array(mpmath_run(problem, w0, lr, 1.0, STEPS))
        floor = exact > 1e-20
        plain = bngd.bngd_trajectory(problem, w0, lr, STEPS).excess_loss
        swept = bngd.sweep(problem, [lr], steps=STEPS, w0=w0, checkpoints=[STEPS])["excess_loss"].to_numpy()
        name = f"excess loss, lr = {lr:g}"
        rows.append(
            {
                "witness": "mpmath, 60 digits",
                "what": f"{name}, every step",
                "digits": digits(plain[floor], exact[floor]),
            }
        )
        if floor[-1]:
            rows.append(
                {"witness": "mpmath, 60 digits", "what": f"{name}, compiled", "digits": digits(swept[-1], exact[-1])}
            )
    return rows


def scipy_rows() -> list[dict[str, Any]]:
    """Return what SciPy's solvers say of what compression rests on: Krylov spaces hold the solution and the runs."""
    from scipy.sparse.linalg import LinearOperator, cg, lsqr

    X, y, _ = samples()
    data = bngd.Problem.from_data(X, y, standardise=False)
    rng = np.random.default_rng(5)
    problem = bngd.Problem.from_spectrum(bngd.spectra.log_spaced(3000, 100.0), rng=rng)
    w0 = bngd.unit_vectors(rng, 3000)
    small = bngd.compress(problem, w0, steps=200)
    operator = LinearOperator((3000, 3000), matvec=lambda v: problem.eigenvalues * v, dtype=float)
    solution, _ = cg(operator, problem.g, rtol=1e-14, maxiter=2000)
    direct = bngd.bngd_trajectory(problem, w0, 0.5, 200).excess_loss[-1]
    short = bngd.bngd_trajectory(small.problem, small.starts, 0.5, 200).excess_loss[-1]
    return [
        {
            "witness": "SciPy, LSQR",
            "what": "OLS solution of the samples",
            "digits": digits(data.from_eigenbasis(data.u), lsqr(X, y, atol=0, btol=0, conlim=0)[0]),
        },
        {
            "witness": "SciPy, CG",
            "what": "||u||_H of the compressed problem (3000 dimensions)",
            "digits": digits(small.problem.explained, solution @ problem.g),
        },
        {
            "witness": "uncompressed",
            "what": f"loss after 200 steps, {small.problem.dimension} dimensions for 3000",
            "digits": digits(direct, short),
        },
    ]


def sympy_rows() -> list[dict[str, Any]]:
    """Return the derivations that SymPy carried out; a derivation that fails raises."""
    return [
        {"witness": f"SymPy {sympy.__version__}", "what": what, "digits": "exact"} for what in derivations.all_hold()
    ]


def main() -> int:
    """Hear all witnesses, keep what they say, and return 1 if one agrees in fewer digits than it should."""
    rows = []
    for hear in (torch_rows, flax_rows, autodiff_rows, mpmath_rows, scipy_rows, sympy_rows):
        rows += hear()
        print(f"{hear.__name__}: {len(rows)} rows so far", flush=True)
    for row in rows:
        print("{witness:45} {what:75} {digits}".format(**row))
    kept.write("witnesses", {"rows": rows}, "make witnesses")
    return 1 if any(row["digits"] != "exact" and row["digits"] < least(row) for row in rows) else 0


def least(row: dict[str, Any]) -> float:
    """Return the digits that a witness must agree in: 8, but none where an epsilon makes it another function."""
    return 0.0 if "eps" in row["witness"] else 8.0


if __name__ == "__main__":
    sys.exit(main())
