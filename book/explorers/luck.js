// Luck and dimension: does the range of good step sizes widen with d, or with the luck of the start?

import { makeProblem } from "./dynamics.js";
import { explorer } from "./kit.js";
import { num } from "./plot.js";
import { goodInterval, logSpaced } from "./theory.js";

const DRAWS = 400;
const LEVELS = 20; // most distinct eigenvalues; many dimensions share them evenly
const BINS = 40, RANGE = [-2, 18];
const LUCK_MEAN = -(0.5772156649015329 + Math.LN2) / Math.LN10; // of log10 chi, chi-squared with one degree of freedom

/** A small generator of uniform numbers, mulberry32: the same seed gives the same draws in every browser. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const normal = (random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Chi-squared with n degrees of freedom. G. Marsaglia, W. W. Tsang, ACM Trans. Math. Softw. 26 (2000), 363-372. */
function chiSquared(random, n) {
  if (n < 2) return n && normal(random) ** 2;
  const d = n / 2 - 1 / 3, c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random), v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < x * x / 2 + d - d * v + d * Math.log(v)) return 2 * d * v;
  }
}

/**
 * A random problem and start of dimension d, as one of dimension 2 LEVELS at most, exactly alike in all that m depends on:
 * within an eigenspace only the lengths of u and w0 and their angle count (Bartlett's decomposition of a Wishart matrix).
 */
function sample({ d, kappa, draw }, k) {
  const random = generator(draw * 1000003 + k), levels = Math.min(d, LEVELS), spectrum = logSpaced(levels, kappa);
  const eigenvalues = [], u = [], w0 = [];
  for (let i = 0; i < levels; i++) {
    const size = Math.floor(((i + 1) * d) / levels) - Math.floor((i * d) / levels);
    eigenvalues.push(spectrum[i], spectrum[i]);
    u.push(Math.sqrt(chiSquared(random, size)), 0);
    w0.push(normal(random), Math.sqrt(chiSquared(random, size - 1)));
  }
  return { eigenvalues, u, w0 };
}

function compute(state) {
  const logs = new Float64Array(DRAWS), spectrum = logSpaced(Math.min(state.d, LEVELS), state.kappa), level = (2 * state.level) / state.kappa;
  for (let k = 0; k < DRAWS; k++) {
    const { eigenvalues, u, w0 } = sample(state, k), { low, high } = goodInterval(makeProblem(eigenvalues, u), w0, level);
    logs[k] = Math.log10(high / low);
  }
  const sorted = Float64Array.from(logs).sort(), mean = logs.reduce((sum, value) => sum + value, 0) / DRAWS;
  const first = spectrum.reduce((sum, value) => sum + value, 0) / spectrum.length, second = spectrum.reduce((sum, value) => sum + value ** 2, 0) / spectrum.length;
  const centre = Math.log10((state.d * (first / second) ** 2) / level ** 2);
  return {
    logs, mean, centre, limit: centre - LUCK_MEAN,
    deviation: Math.sqrt(logs.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (DRAWS - 1)),
    unlucky: sorted[Math.floor(0.1 * DRAWS)], lucky: sorted[Math.floor(0.9 * DRAWS)], gd: -Math.log10(state.level),
  };
}

/** The density of centre - log10 chi, towards which the histogram tends. */
function density(centre, value) {
  const chi = 10 ** (centre - value);
  return Math.LN10 * Math.sqrt(chi / (2 * Math.PI)) * Math.exp(-chi / 2);
}

function draw({ histogram }, { logs, mean, centre, gd }) {
  const width = (RANGE[1] - RANGE[0]) / BINS, counts = new Array(BINS).fill(0);
  for (const value of logs) counts[Math.max(0, Math.min(BINS - 1, Math.floor((value - RANGE[0]) / width)))]++;
  histogram.begin({ x: RANGE, y: [0, 0.75], xLabel: "decades of good step sizes, log₁₀ m", yTicks: false, title: `${DRAWS} random starts` });
  counts.forEach((count, i) => count && histogram.rect("bar", RANGE[0] + i * width, 0, RANGE[0] + (i + 1) * width, count / DRAWS / width));
  const xs = Array.from({ length: 201 }, (_, i) => RANGE[0] + (i / 200) * (RANGE[1] - RANGE[0]));
  histogram.line("theory", xs, xs.map((value) => density(centre, value)));
  histogram.vertical("bngd mean", mean);
  histogram.words("bngd", mean, 0.7, "mean", { dx: 5, dy: 0 });
  histogram.vertical("gd", gd);
  histogram.words("gd", gd, 0.7, "GD, always", { dx: -5, dy: 0, anchor: "end" });
  histogram.end();
}

function say({ mean, deviation, unlucky, lucky, limit, gd }, { d }) {
  return `In dimension ${num("d", d, 6)} a start has ${num("mean", mean)} decades of good step sizes in the mean; for large <i>d</i> theory says ${num("limit", limit)}, one more for each tenfold <i>d</i>. ` +
    `Luck alone spreads them by ${num("deviation", deviation, 2)} (theory: ${num("spread", Math.PI / (Math.SQRT2 * Math.LN10), 2)}, whatever <i>d</i>): one start in ten has less than ${num("unlucky", unlucky)}, one in ten more than ${num("lucky", lucky)}. GD has ${num("gd", gd, 2)}.`;
}

explorer("luck", {
  title: "Luck and dimension",
  question: "Is it the dimension, or the start?",
  predict: {
    ask: "From <i>d</i> = 100 to <i>d</i> = 10 000: what happens to the histogram of the range's width over random starts?",
    choices: ["It moves right and gets narrower", "It moves right and keeps its shape", "It stays and gets narrower"],
    at: { d: 10000 },
    truth: (now, before) => (now.mean - before.mean < 1 ? 2 : now.deviation < 0.75 * before.deviation ? 0 : 1),
  },
  controls: {
    d: { label: "dimension <i>d</i>", min: 2, max: 1e5, value: 100, log: true, whole: true },
    kappa: { label: "condition number <i>κ</i>", min: 1, max: 1e3, value: 100, log: true },
    level: { label: "level <i>f</i>, part of 2/<i>λ</i><sub><i>d</i></sub>", min: 1e-3, max: 1, value: 0.1, log: true },
    draw: { label: "which draw", min: 1, max: 999, value: 1, whole: true },
  },
  extra: `<button type="button" data-do="redraw">Draw again</button>`,
  actions: { redraw: (one) => one.set({ draw: (one.state.draw % 999) + 1 }) },
  plots: [{ name: "histogram", label: "Histogram of the width of the range of good step sizes over random starts, with the limit law", ratio: 0.42, least: 210 }],
  compute, draw, say, sample,
});
