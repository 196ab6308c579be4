// The closed forms that the explorers draw: bngd/theory.py in the reader's browser, held against it by the same tests.

import { dot, norm, optimalA, residual, sigma } from "./dynamics.js";

/** Eigenvalues log-spaced from 1 to the condition number: bngd.spectra.log_spaced. */
export const logSpaced = (dimension, conditionNumber) =>
  Float64Array.from({ length: dimension }, (_, i) => conditionNumber ** (dimension > 1 ? i / (dimension - 1) : 0));

/** 2/l_d: gradient descent converges from every start if and only if 0 < eps < 2/l_d. */
export const gdStabilityLimit = (problem) => 2 / problem.eigenvalues.at(-1);

/** rho(I - eff H), which bounds ||e+||_H / ||e||_H in every step of BNGD. */
export const contractionBound = (problem, step) =>
  Math.max(Math.abs(1 - step * problem.eigenvalues[0]), Math.abs(1 - step * problem.eigenvalues.at(-1)));

/** sum_i g_i^2/(l_i - x) - u'Hu, whose zeros are eigenvalues of H*. */
export function secular(problem, x) {
  let sum = -problem.explained;
  for (let i = 0; i < problem.g.length; i++) if (problem.g[i] !== 0) sum += problem.g[i] ** 2 / (problem.eigenvalues[i] - x);
  return sum;
}

/** The eigenvalues 0 = l*_1 <= ... <= l*_d of H* = H - gg'/(u'Hu); an eigenvector of H without a share of u stays one. */
export function effectiveEigenvalues(problem) {
  const loaded = [], found = [0];
  problem.eigenvalues.forEach((value, i) => (problem.g[i] === 0 ? found : loaded).push(value));
  for (let i = 1; i < loaded.length; i++) found.push(secularRoot(problem, loaded[i - 1], loaded[i]));
  return Float64Array.from(found).sort();
}

/** l*_2 and l*_d, by bisection; u has a part along every eigenvector at the two ends. */
export function effectiveExtremes(problem) {
  const l = problem.eigenvalues;
  return { smallest: secularRoot(problem, l[0], l[1]), largest: secularRoot(problem, l.at(-2), l.at(-1)) };
}

function secularRoot(problem, low, high) {
  for (;;) {
    const middle = low + (high - low) / 2;
    if (!(low < middle && middle < high)) return middle;
    if (secular(problem, middle) < 0) low = middle;
    else high = middle;
  }
}

/** 2/l*_d: a minimiser attracts nearby runs if and only if the effective step there is below it. */
export const bngdStabilityLimit = (problem) => 2 / effectiveExtremes(problem).largest;

/** eps ||u||^2 / ||w_inf||^2, the effective step at the minimiser that a run ended in. */
export const limitEffectiveStep = (problem, lr, w) => (lr * dot(problem.u, problem.u)) / dot(w, w);

/** A and C: eff ~ A eps for small eps, C / eps for large eps (eps_a = 1). */
export function effectiveStepAsymptotes(problem, w0) {
  const force = residual(problem, w0).map((value, i) => problem.eigenvalues[i] * value);
  const size = dot(problem.u, problem.u);
  return {
    small: size / dot(w0, w0),
    large: (size * sigma(problem, w0) ** 2) / (optimalA(problem, w0) ** 2 * dot(force, force)),
  };
}

/** f/A and C/f, the ends of {eps : eff >= f} as the two asymptotes give them. */
export function goodInterval(problem, w0, level) {
  const { small, large } = effectiveStepAsymptotes(problem, w0);
  return { low: level / small, high: large / level };
}

/** Unit weights with w'g = c ||g||, in the plane of g and another direction: starts_with_overlap of the notebook. */
export function startWithOverlap(problem, overlap, other) {
  const towards = problem.g.map((value) => value / norm(problem.g));
  let beside = Float64Array.from(other);
  // The second pass removes what rounding left of g in the first.
  for (let pass = 0; pass < 2; pass++) {
    const shadow = dot(beside, towards);
    beside = beside.map((value, i) => value - shadow * towards[i]);
  }
  const length = norm(beside), rest = Math.sqrt(1 - overlap ** 2);
  return beside.map((value, i) => overlap * towards[i] + (rest * value) / length);
}

/** The widest run of step sizes whose loss is at most the threshold: workable_range of bngd/measure.py. */
export function workableRange(lr, loss, threshold) {
  let best = null;
  for (let first = 0, i = 0; i <= lr.length; i++) {
    if (i < lr.length && loss[i] <= threshold) continue;
    if (i > first && (!best || lr[i - 1] / lr[first] > lr[best.last] / lr[best.first])) best = { first, last: i - 1 };
    first = i + 1;
  }
  if (!best) return { low: NaN, high: NaN, censored: false };
  const { first, last } = best, open = { low: first === 0, high: last === lr.length - 1 };
  return {
    low: open.low ? lr[first] : crossing(lr, loss, threshold, first, first - 1),
    high: open.high ? lr[last] : crossing(lr, loss, threshold, last, last + 1),
    censored: open.low || open.high,
  };
}

/** Interpolated, log against log, between the last step size that works and the first that does not. */
export function crossing(lr, loss, threshold, inside, outside) {
  if (!Number.isFinite(loss[outside]) || loss[inside] <= 0) return lr[inside];
  const fraction = Math.log(threshold / loss[inside]) / Math.log(loss[outside] / loss[inside]);
  return lr[inside] * (lr[outside] / lr[inside]) ** fraction;
}
