// Eigenvalue ladder: where must u point for H* to be better conditioned than H?

import { makeProblem } from "./dynamics.js";
import { explorer } from "./kit.js";
import { num } from "./plot.js";
import { effectiveEigenvalues, secular } from "./theory.js";

const MOST = 8;
const numbers = Array.from({ length: MOST }, (_, i) => i + 1);

/** Eigenvalues in ascending order with their shares of u'Hu, which are scaled to sum to 1: u_i = sqrt(share_i / l_i). */
function compute(state) {
  const rungs = numbers.slice(0, state.d).map((i) => ({ value: state[`l${i}`], weight: state[`s${i}`] })).sort((p, q) => p.value - q.value);
  let total = rungs.reduce((sum, { weight }) => sum + weight, 0);
  if (total === 0) rungs.forEach((rung) => (rung.weight = 1)), (total = rungs.length); // no direction at all: shared evenly
  const eigenvalues = rungs.map(({ value }) => value), shares = rungs.map(({ weight }) => weight / total);
  const problem = makeProblem(eigenvalues, shares.map((share, i) => Math.sqrt(share / eigenvalues[i])));
  const starred = effectiveEigenvalues(problem), kappa = eigenvalues.at(-1) / eigenvalues[0], kappaStar = starred.at(-1) / starred[1];
  return { problem, eigenvalues, shares, starred, kappa, kappaStar, low: starred[1] / eigenvalues[0], high: eigenvalues.at(-1) / starred.at(-1) };
}

function draw({ ladder, secular: curve }, { problem, eigenvalues, shares, starred }) {
  const x = [Math.min(0.7, eigenvalues[0] / 1.4), Math.max(1.4, eigenvalues.at(-1) * 1.4)];
  ladder.begin({ x, y: [-0.2, 3], logX: true, xLabel: "eigenvalue", yTicks: false });
  for (let i = 1; i < starred.length; i++)
    for (const neighbour of [eigenvalues[i - 1], eigenvalues[i]]) ladder.line("wedge", [neighbour, starred[i]], [1.75, 1]);
  eigenvalues.forEach((value, i) => ladder.line("gd rung", [value, value], [1.75, 1.9 + shares[i]]));
  ladder.line("gd span", [eigenvalues[0], eigenvalues.at(-1)], [1.75, 1.75]);
  [...starred].slice(1).forEach((value) => ladder.line("bngd rung", [value, value], [0.5, 1]));
  ladder.line("bngd span", [starred[1], starred.at(-1)], [0.5, 0.5]);
  ladder.words("gd", x[0], 2.75, "H, each as high as its share of u", { dx: 4, dy: 4 });
  ladder.words("bngd", x[0], 0.15, "H*, without its zero", { dx: 4, dy: 4 });
  ladder.end();
  drawSecular(curve, x, problem, starred);
}

function drawSecular(plot, x, problem, starred) {
  plot.begin({ x, y: [-3, 3], logX: true, xLabel: "x", title: "Secular curve, zero at H*'s eigenvalues" });
  plot.horizontal("limit", 0);
  for (const value of problem.eigenvalues) plot.vertical("pole", value);
  const xs = Float64Array.from({ length: 301 }, (_, i) => x[0] * (x[1] / x[0]) ** (i / 300));
  // Broken at the poles, where it jumps from above to below.
  const beyond = (at) => problem.eigenvalues.filter((value) => value <= at).length;
  let piece = [];
  for (let i = 0; i <= xs.length; i++) {
    if (i === xs.length || (piece.length && beyond(xs[i]) !== beyond(piece[0]))) {
      plot.line("secular", piece, piece.map((at) => Math.asinh(secular(problem, at) / problem.explained)));
      piece = [];
    }
    if (i < xs.length) piece.push(xs[i]);
  }
  for (const value of starred.slice(1)) plot.disc("bngd end", value, 0, 4);
  plot.end();
}

/** The share of u'Hu along all eigenvectors with one eigenvalue. */
const shareAt = ({ eigenvalues, shares }, value) => shares.reduce((sum, share, i) => sum + (eigenvalues[i] === value ? share : 0), 0);

function say(result) {
  const { eigenvalues, kappa, kappaStar, low, high } = result;
  const gain = kappa / kappaStar;
  const percent = (name, share) => `${num(name, 100 * share)} %`;
  const bottom = `${low < 1.005 ? "the lower end stays" : `the lower end rises ${num("low", low)}-fold`} on ${percent("bottom", shareAt(result, eigenvalues[0]))} of <i>u</i>ᵀ<i>Hu</i>`;
  const top = `${high < 1.005 ? "the upper end stays" : `the upper end falls ${num("high", high)}-fold`} on ${percent("top", shareAt(result, eigenvalues.at(-1)))}`;
  return `<i>κ</i> = ${num("kappa", kappa)} becomes <i>κ</i>* = ${num("kappa_star", kappaStar)}, ${gain < 1.005 ? "nothing gained" : `${num("gain", gain)} times less`}: ${bottom}, ${top}.`;
}

const START = { l: [1, 10, 14, 20, 28, 40, 60, 80], s: [0, 0.3, 0.4, 0.3, 0, 0, 0, 0] };

explorer("ladder", {
  title: "Eigenvalue ladder",
  question: "Where must <i>u</i> point?",
  predict: {
    ask: "One small eigenvalue, 1, lies below the others, and <i>u</i> has nothing along it. Now a trace of 5 % of <i>u</i>ᵀ<i>Hu</i> is put there. How does <i>κ</i> = 20 change to <i>κ</i>*?",
    choices: ["Hardly: 5 % is little", "It falls by a quarter or more", "It falls to that of the other three, 2"],
    at: { s1: 0.05 / 0.95 },
    truth: ({ kappa, kappaStar }) => (kappaStar > 0.75 * kappa ? 0 : kappaStar > 2.2 ? 1 : 2),
  },
  controls: {
    d: { label: "dimension <i>d</i>", min: 3, max: MOST, value: 4, whole: true },
    ...Object.fromEntries(numbers.flatMap((i) => [
      [`l${i}`, { label: `eigenvalue ${i}`, min: 1, max: 1000, value: START.l[i - 1], log: true, shown: ({ d }) => i <= d }],
      [`s${i}`, { label: `share of <i>u</i> along ${i}`, min: 0, max: 1, value: START.s[i - 1], shown: ({ d }) => i <= d }],
    ])),
  },
  plots: [
    { name: "ladder", label: "Eigenvalues of H above, of H* below, each of H* between two neighbours of H", ratio: 0.5, least: 190 },
    { name: "secular", label: "The secular function, with poles at the eigenvalues of H and zeros at those of H*", ratio: 0.5, least: 190 },
  ],
  compute, draw, say,
});
