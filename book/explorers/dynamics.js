// Gradient descent and BNGD, one step and one run at a time: bngd/dynamics.py in the reader's browser.
//
// Everything is in H's eigenbasis, where H w is eigenvalues * w. tests/test_explorers.py holds each function against
// its namesake in Python, to 1e-10.

export const DIVERGENCE_FACTOR = 1e12;

export const dot = (x, y) => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
};

export const norm = (x) => Math.sqrt(dot(x, x));

export const scaled = (x, t) => Float64Array.from(x, (value) => t * value);

const weighted = (problem, x, y) => {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += problem.eigenvalues[i] * x[i] * y[i];
  return sum;
};

/** The problem with the given spectrum, ascending, and solution u: g = Hu, and u'Hu is what can be explained. */
export function makeProblem(eigenvalues, u) {
  const g = Float64Array.from(u, (value, i) => eigenvalues[i] * value);
  return { eigenvalues: Float64Array.from(eigenvalues), u: Float64Array.from(u), g, explained: dot(g, u) };
}

/** s = sqrt(w'Hw); NaN where w'Hw overflows: dividing by an infinite s would make a lost run look like a saddle. */
export function sigma(problem, w) {
  const variance = weighted(problem, w, w);
  return Number.isFinite(variance) ? Math.sqrt(variance) : NaN;
}

/** e = u - q w with q = w'g/s^2, the part of the solution that is H-orthogonal to w. */
export function residual(problem, w) {
  const q = dot(w, problem.g) / sigma(problem, w) ** 2;
  return Float64Array.from(w, (value, i) => problem.u[i] - q * value);
}

/** w'g/s, the best a for given weights. */
export const optimalA = (problem, w) => dot(w, problem.g) / sigma(problem, w);

/** w + eps (g - H w). */
export const gdStep = (problem, w, lr) =>
  Float64Array.from(w, (value, i) => value + lr * (problem.g[i] - problem.eigenvalues[i] * value));

/** a+ = a + eps_a (w'g/s - a),  w+ = w + eps (a/s) (g - (w'g/s^2) H w), both from the old values. Overwrites w, returns a+. */
export function advance(problem, a, w, lr, lrA) {
  const { eigenvalues, g } = problem;
  let variance = 0, wg = 0; // one loop for both: this is where a drag spends its time
  for (let i = 0; i < w.length; i++) {
    variance += eigenvalues[i] * w[i] * w[i];
    wg += w[i] * g[i];
  }
  const s = Number.isFinite(variance) ? Math.sqrt(variance) : NaN, push = (lr * a) / s, q = wg / (s * s);
  for (let i = 0; i < w.length; i++) w[i] += push * (g[i] - q * eigenvalues[i] * w[i]);
  return a + lrA * (wg / s - a);
}

/** The next [a, w] of gradient descent on J(a, w) = E[(y - a N(x'w))^2]/2. */
export function bngdStep(problem, a, w, lr, lrA) {
  const next = Float64Array.from(w);
  return [advance(problem, a, next, lr, lrA), next];
}

/** J0(w) - J_min = ||u - w||_H^2 / 2. */
export function gdExcessLoss(problem, w) {
  const error = Float64Array.from(w, (value, i) => problem.u[i] - value);
  return weighted(problem, error, error) / 2;
}

/** J(a, w) - J_min = (a - w'g/s)^2/2 + ||e||_H^2/2. */
export function excessLoss(problem, a, w) {
  const e = residual(problem, w);
  return (a - optimalA(problem, w)) ** 2 / 2 + weighted(problem, e, e) / 2;
}

/** eff = eps (a/s) q, the step size that gradient descent on u - q w would be taking. */
export const effectiveStep = (problem, a, w, lr) => (lr * a * dot(w, problem.g)) / sigma(problem, w) ** 3;

/** Gradient descent: w and excessLoss, index 0 is the start. */
export function gdTrajectory(problem, w0, lr, steps) {
  const w = [Float64Array.from(w0)];
  for (let k = 0; k < steps; k++) w.push(gdStep(problem, w[k], lr));
  return { w, excessLoss: w.map((at) => gdExcessLoss(problem, at)) };
}

/** BNGD: a, w and excessLoss, index 0 is the start; a0 is w0'g/s0 where not given. */
export function bngdTrajectory(problem, w0, lr, steps, { lrA = 1, a0 = optimalA(problem, w0) } = {}) {
  const w = [Float64Array.from(w0)], a = [a0];
  for (let k = 0; k < steps; k++) {
    const [nextA, nextW] = bngdStep(problem, a[k], w[k], lr, lrA);
    a.push(nextA);
    w.push(nextW);
  }
  return { a, w, excessLoss: w.map((at, k) => excessLoss(problem, a[k], at)) };
}

/** Where BNGD from a0 = w0'g/s0 is after some steps, none of them kept: many runs while a reader drags. */
export function bngdEnd(problem, w0, lr, steps, lrA = 1) {
  const w = Float64Array.from(w0);
  let a = optimalA(problem, w);
  for (let k = 0; k < steps; k++) a = advance(problem, a, w, lr, lrA);
  return { a, w };
}

/** Excess losses of gradient descent after some numbers of steps: the i-th error is multiplied by 1 - eps l_i in each. */
export function gdLosses({ eigenvalues, u }, w0, lr, marks) {
  return marks.map((steps) => {
    let sum = 0;
    for (let i = 0; i < u.length; i++) sum += eigenvalues[i] * ((u[i] - w0[i]) * (1 - lr * eigenvalues[i]) ** steps) ** 2;
    return sum / 2;
  });
}

/** Excess losses of BNGD from a0 = w0'g/s0 after some numbers of steps, ascending; once low enough it is followed no further. */
export function bngdLosses(problem, w0, lr, marks, lrA = 1, enough = 0) {
  const w = Float64Array.from(w0), losses = [];
  let a = optimalA(problem, w);
  for (let k = 1; losses.length < marks.length; k++) {
    a = advance(problem, a, w, lr, lrA);
    if (k !== marks[losses.length]) continue;
    losses.push(excessLoss(problem, a, w));
    if (!(losses.at(-1) > enough)) return marks.map((_, i) => losses[i] ?? losses.at(-1));
  }
  return losses;
}

/** How a run ended; a and bestA are left out for gradient descent, which has no saddle. */
export function classify(problem, firstLoss, lastLoss, a = NaN, bestA = NaN, tolerance = 1e-10) {
  const scale = problem.explained / 2, nearZero = tolerance * Math.sqrt(problem.explained);
  if (!(lastLoss <= DIVERGENCE_FACTOR * Math.max(firstLoss, scale))) return "diverged";
  if (lastLoss <= tolerance * scale) return "converged to a minimiser";
  if (Math.abs(a) <= nearZero && Math.abs(bestA) <= nearZero) return "at a saddle";
  return "still moving";
}
