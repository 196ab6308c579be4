// Patience: which ends of the range of step sizes move when one trains longer, and which do not?

import { bngdLosses, excessLoss, gdExcessLoss, gdLosses, makeProblem, optimalA } from "./dynamics.js";
import { explorer } from "./kit.js";
import { num } from "./plot.js";
import { crossing, gdStabilityLimit, logSpaced, workableRange } from "./theory.js";

const GRANTED = 2000; // at most
const STEPS = 4500; // the next step size needs 10^(1/3) times as many: a range's end lies between the two
const THREE_A_DECADE = Array.from({ length: 37 }, (_, i) => 10 ** (-6 + i / 3));
const LEAST = 1e-6; // of the first loss: less is not asked for
const NEAR = [0.9, 0.94, 0.97, 0.99, 0.999, 1.001, 1.01, 1.03, 1.06, 1.1]; // around a limit that no patience moves
const MARKS = [...new Set(Array.from({ length: 61 }, (_, i) => Math.round(STEPS ** (i / 60))))]; // steps that are looked at

/** All that no control changes: the problem, the step sizes, and the losses of the two methods without a rate of their own. */
function prepare(data) {
  const problem = makeProblem(logSpaced(data.u.length, data.kappa), data.u), limits = { gd: gdStabilityLimit(problem), joint: 2 };
  const rates = { own: THREE_A_DECADE };
  for (const [method, limit] of Object.entries(limits)) rates[method] = [...THREE_A_DECADE, ...NEAR.map((part) => part * limit)].sort((x, y) => x - y);
  const first = excessLoss(problem, optimalA(problem, data.w0), data.w0);
  Object.assign(data, { problem, limits, rates, first: { gd: gdExcessLoss(problem, data.w0), joint: first, own: first } });
  data.gd = rates.gd.map((lr) => gdLosses(problem, data.w0, lr, MARKS));
  data.joint = rates.joint.map((lr) => losses(data, lr, lr));
}

/** A run that may still diverge is followed to its end. */
const losses = ({ problem, w0, first }, lr, lrA) => bngdLosses(problem, w0, lr, MARKS, lrA, lrA < 2 ? LEAST * first.own : 0);

/** After how many steps a run has come down to a loss, between two marks as the loss falls; infinity if it left it again. */
function stepsNeeded(run, threshold) {
  const there = run.findIndex((loss) => loss <= threshold);
  if (there < 0 || !(run.at(-1) <= threshold)) return Infinity;
  return there ? crossing(MARKS, run, threshold, there, there - 1) : MARKS[0];
}

const decades = ({ low, high }) => (low < high ? Math.log10(high / low) : 0);

function compute({ steps, loss, eps_a: epsA }, data) {
  if (data.epsA !== epsA) Object.assign(data, { epsA, own: data.rates.own.map((lr) => losses(data, lr, epsA)) });
  const found = { limits: data.limits };
  for (const method of ["gd", "joint", "own"]) {
    const rates = data.rates[method], needed = data[method].map((run) => stepsNeeded(run, loss * data.first[method]));
    const [range, before] = [steps, steps / 10].map((granted) => workableRange(rates, needed, granted));
    found[method] = { rates, needed, range, decades: decades(range), before: decades(before) };
  }
  return found;
}

const TOP = 1.04 * GRANTED, BARS = { own: 0.72, joint: 0.52, gd: 0.375 };

function draw({ needed }, { limits, ...methods }, { steps }) {
  needed.begin({ x: [THREE_A_DECADE[0], THREE_A_DECADE.at(-1)], y: [0.3, TOP], logX: true, logY: true, xLabel: "step size ε", title: "Steps that a run needs" });
  needed.vertical("limit", limits.gd);
  needed.vertical("limit", limits.joint);
  needed.words("gd", limits.gd, TOP, "2/λ<tspan dy='3' font-size='9'>d</tspan>", { dx: 4, dy: 14 });
  needed.words("joint", limits.joint, TOP, "ε<tspan dy='3' font-size='9'>a</tspan><tspan dy='-3'> = 2</tspan>", { dx: 4, dy: 14 });
  for (const name of ["gd", "joint", "own"]) {
    const { rates, needed: values, range } = methods[name];
    needed.line(name, rates, values);
    if (range.low < range.high) needed.line(`range ${name}`, [range.low, range.high], [BARS[name], BARS[name]]);
  }
  needed.horizontal("level", steps);
  needed.words("level name", THREE_A_DECADE.at(-1), steps, "granted", { dx: -4, dy: -5, anchor: "end" });
  needed.end();
}

function say({ gd, joint, own }, { steps, loss, eps_a: epsA }) {
  const over = (name, { decades, range }) => (decades ? `over ${range.censored ? "at least " : ""}${num(name, decades, 2)} decades of <i>ε</i>` : "at no <i>ε</i>");
  const before = (name, { before: decades }) => num(`${name}_before`, decades, 2);
  return `Granted ${num("steps", steps, 5)} steps, GD brings the loss to ${num("loss", loss)} of its first value ${over("gd", gd)}, BN with one rate ${over("joint", joint)}, BN with <i>ε</i><sub>a</sub> = ${num("eps_a", epsA)} of its own ${over("own", own)}. ` +
    `A tenth of the steps gives ${before("gd", gd)}, ${before("joint", joint)} and ${before("own", own)} decades.`;
}

explorer("patience", {
  title: "Patience",
  question: "What do more steps buy?",
  predict: {
    ask: "Three methods, each with a range of step sizes that work within 200 steps. Now ten times as many are granted. Which of the six ends move?",
    choices: ["All six", "The three lower ends alone", "The three lower ends and one upper end"],
    at: { steps: 2000 },
    truth: (now, before) => [1, 2, 0, 0][["gd", "joint", "own"].filter((name) => now[name].range.high > 2 * before[name].range.high).length],
  },
  controls: {
    steps: { label: "steps granted", min: 10, max: GRANTED, value: 200, log: true, whole: true },
    loss: { label: "loss asked for, part of the first", min: LEAST, max: 0.5, value: 1e-2, log: true },
    eps_a: { label: "<i>ε</i><sub>a</sub> of its own", min: 1e-3, max: 1.95, value: 1, log: true },
  },
  legend: `<span class="gd">GD</span><span class="joint">BN, one rate: <i>ε</i><sub>a</sub> = <i>ε</i></span><span class="own">BN, <i>ε</i><sub>a</sub> of its own</span>`,
  plots: [{ name: "needed", label: "Steps that a run of each method needs against the step size, with the steps that are granted and the ranges that they open", ratio: 0.48, least: 250, drag: ([, y]) => ({ steps: Number(y.toPrecision(3)) }) }],
  prepare, compute, draw, say,
});
