"""BNGD for many step sizes, as others would write it: each returns the final excess losses, shape (n,)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bngd import Problem, bngd_step, excess_loss, optimal_a, sweep

Array = NDArray[np.float64]
Solver = Callable[[Problem, Array, Array, int], Array]


def python_loop(problem: Problem, w0: Array, lr: Array, steps: int) -> Array:
    """Loop over step sizes, and over steps within: what a reader would write in NumPy."""
    losses = np.empty(lr.size)
    eigenvalues, g = problem.eigenvalues, problem.g
    for i, eps in enumerate(lr):
        w, a = w0, optimal_a(problem, w0)
        for _ in range(steps):
            s = np.sqrt(np.sum(eigenvalues * w**2))
            wg = w @ g
            a, w = wg / s, w + eps * (a / s) * (g - (wg / s**2) * eigenvalues * w)
        losses[i] = excess_loss(problem, a, w)
    return losses


def numpy_batched(problem: Problem, w0: Array, lr: Array, steps: int) -> Array:
    """All step sizes in one array, a step at a time."""
    w = np.tile(w0, (lr.size, 1))
    a = optimal_a(problem, w)
    for _ in range(steps):
        a, w = bngd_step(problem, a, w, lr, 1.0)
    return excess_loss(problem, a, w)


def numba_loop() -> Solver:
    """Loop over step sizes, compiled, on all cores: what a reader who knows Numba would write."""
    import numba

    @numba.njit(parallel=True)
    def run(eigenvalues, g, a0, w0, lr, steps):  # type: ignore[no-untyped-def]
        ends, last = np.empty((lr.size, w0.size)), np.empty(lr.size)
        for i in numba.prange(lr.size):
            a, w = a0, w0.copy()
            for _ in range(steps):
                s2, wg = 0.0, 0.0
                for j in range(w.size):
                    s2 += eigenvalues[j] * w[j] * w[j]
                    wg += w[j] * g[j]
                s = np.sqrt(s2)
                for j in range(w.size):
                    w[j] += lr[i] * (a / s) * (g[j] - wg / s2 * eigenvalues[j] * w[j])
                a = wg / s
            ends[i], last[i] = w, a
        return last, ends

    def solve(problem: Problem, w0: Array, lr: Array, steps: int) -> Array:
        a, w = run(problem.eigenvalues, problem.g, float(optimal_a(problem, w0)), w0, lr, steps)
        return excess_loss(problem, a, w)

    return solve


def jax_scan(platform: str = "cpu") -> Solver:
    """``jax.jit(jax.vmap(jax.lax.scan))`` in float64, on the first device of a platform that JAX knows."""
    import jax
    import jax.numpy as jnp

    device = jax.devices(platform)[0]

    jax.config.update("jax_enable_x64", True)

    def one(eigenvalues, g, a0, w0, eps, steps):  # type: ignore[no-untyped-def]
        def step(state, _):  # type: ignore[no-untyped-def]
            a, w = state
            s = jnp.sqrt(jnp.sum(eigenvalues * w**2))
            wg = w @ g
            return (wg / s, w + eps * (a / s) * (g - (wg / s**2) * eigenvalues * w)), None

        return jax.lax.scan(step, (a0, w0), None, length=steps)[0]

    compiled = jax.jit(jax.vmap(one, in_axes=(None, None, None, None, 0, None)), static_argnums=5)

    def solve(problem: Problem, w0: Array, lr: Array, steps: int) -> Array:
        a0 = float(optimal_a(problem, w0))
        with jax.default_device(device):
            a, w = compiled(problem.eigenvalues, problem.g, a0, w0, lr, steps)
        return excess_loss(problem, np.asarray(a), np.asarray(w))

    return solve


def accelerator() -> tuple[str, str] | None:
    """Return platform and name of the device that JAX prefers, None where that is the CPU."""
    import jax

    device = jax.devices()[0]
    return None if device.platform == "cpu" else (device.platform, device.device_kind)


def torch_batched() -> Solver:
    """All step sizes in one tensor, in PyTorch's eager mode, float64 on the CPU."""
    import torch

    def solve(problem: Problem, w0: Array, lr: Array, steps: int) -> Array:
        eigenvalues, g, eps = torch.tensor(problem.eigenvalues), torch.tensor(problem.g), torch.tensor(lr)[:, None]
        w = torch.tensor(w0).repeat(lr.size, 1)
        a = torch.full((lr.size, 1), float(optimal_a(problem, w0)), dtype=torch.float64)
        with torch.no_grad():
            for _ in range(steps):
                s = (w * w * eigenvalues).sum(1, keepdim=True).sqrt()
                wg = (w @ g)[:, None]
                a, w = wg / s, w + eps * (a / s) * (g - (wg / s**2) * eigenvalues * w)
        return excess_loss(problem, a[:, 0].numpy(), w.numpy())

    return solve


def ours(workers: int | None = None) -> Solver:
    """`bngd.sweep`, table and all."""

    def solve(problem: Problem, w0: Array, lr: Array, steps: int) -> Array:
        return sweep(problem, lr, steps=steps, w0=w0, workers=workers)["excess_loss"].to_numpy()

    return solve
