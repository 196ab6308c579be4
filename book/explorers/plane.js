// The plane: which pairs of step sizes work, and what a run does at each?

import { advance, classify, excessLoss, makeProblem, norm, optimalA } from "./dynamics.js";
import { explorer } from "./kit.js";
import { num } from "./plot.js";

const OUTCOMES = ["converged", "moving", "saddle", "diverged"]; // as the build codes them: 0, 1, 2, 3
const SHOWN = 120; // steps of a run that are drawn, log-spaced
const FLOOR = 1e-16;

function prepare(data) {
  data.problem = makeProblem(data.eigenvalues, data.u);
  data.marks = [...new Set(Array.from({ length: SHOWN }, (_, i) => Math.round(data.steps ** (i / (SHOWN - 1)))))];
}

function compute({ eps, eps_a: epsA }, { problem, w0, steps, marks }) {
  const w = Float64Array.from(w0), scale = Math.sqrt(problem.explained), run = { step: [], loss: [], norm: [], a: [] };
  let a = optimalA(problem, w), next = 0;
  const start = { loss: excessLoss(problem, a, w), norm: norm(w) };
  for (let k = 1; k <= steps; k++) {
    a = advance(problem, a, w, eps, epsA);
    if (k !== marks[next]) continue;
    next++;
    run.step.push(k);
    run.loss.push(excessLoss(problem, a, w) / start.loss);
    run.norm.push(norm(w) / start.norm);
    run.a.push(Math.abs(a) / scale);
  }
  const outcome = classify(problem, start.loss, run.loss.at(-1) * start.loss, a, optimalA(problem, w));
  return { run, outcome, steps };
}

function draw(plots, { run, outcome, steps }, { eps, eps_a: epsA }, data) {
  drawPlane(plots.plane, eps, epsA, data);
  const cls = outcome === "diverged" ? "gd" : "bngd";
  drawRun(plots.loss, "Loss", cls, steps, run.step, run.loss, [FLOOR, 100]);
  drawRun(plots.norm, "Length ‖w‖", cls, steps, run.step, run.norm, [0.5, 1e9]);
  drawRun(plots.a, "|a| / ‖u‖<tspan dy='3' font-size='9'>H</tspan>", cls, steps, run.step, run.a, [1e-3, 1e3]);
}

function drawPlane(plot, eps, epsA, { lr, lr_a: lrA, outcomes, limit }) {
  const side = lr[1] / lr[0], half = (lrA[1] - lrA[0]) / 2;
  plot.begin({ x: [lr[0], lr.at(-1)], y: [0, lrA.at(-1)], logX: true, xLabel: "step size ε of w", title: "ε<tspan dy='3' font-size='9'>a</tspan><tspan dy='-3'>, the step size of a</tspan>" });
  const paths = OUTCOMES.map(() => "");
  lrA.forEach((rate, row) => {
    const top = plot.y.at(rate + half).toFixed(1), bottom = plot.y.at(rate - half).toFixed(1), codes = outcomes[row];
    for (let from = 0, to = 1; to <= codes.length; to++)
      if (codes[to] !== codes[from]) {
        const [left, right] = [lr[from] / Math.sqrt(side), lr[to - 1] * Math.sqrt(side)].map((value) => plot.x.at(value).toFixed(1));
        paths[codes[from]] += `M${left} ${top}H${right}V${bottom}H${left}Z`;
        from = to;
      }
  });
  paths.forEach((d, code) => d && plot.path(`cell ${OUTCOMES[code]}`, d));
  plot.vertical("limit", limit);
  plot.horizontal("limit", 1);
  plot.horizontal("limit", 2);
  plot.words("on-plane", lr[0], 2, "ε<tspan dy='3' font-size='9'>a</tspan><tspan dy='-3'> = 2</tspan>", { dx: 5, dy: -5 });
  plot.words("on-plane", limit, 0.08, "GD's limit", { dx: 4, dy: -2 });
  plot.disc("handle", eps, epsA, 7);
  plot.end();
}

function drawRun(plot, title, cls, steps, xs, ys, [floor, ceiling]) {
  const seen = ys.filter((value) => Number.isFinite(value) && value > 0);
  const low = Math.max(floor, Math.min(0.5, ...seen)), high = Math.min(ceiling, Math.max(2, ...seen) * 2);
  plot.begin({ x: [1, steps], y: [low, high], logX: true, logY: true, xLabel: "step", title });
  plot.line(cls, xs, ys.map((value) => Math.max(value, floor / 100)));
  plot.end();
}

function say({ run, outcome, steps }, { eps, eps_a: epsA }) {
  const [loss, length, a] = [run.loss, run.norm, run.a].map((values) => values.at(-1));
  const lost = !Number.isFinite(loss) || outcome === "diverged";
  const ends = lost ? `the run has ${outcome}` : `the run ${outcome === "still moving" ? "is still moving" : outcome === "at a saddle" ? "is at a saddle" : "has converged to a minimiser"}, ${num("loss", loss)} of the loss left, <i>w</i> ${num("norm", length)} times as long, <i>a</i> at ${num("a", a)} ‖<i>u</i>‖<sub><i>H</i></sub>`;
  const factor = 1 - epsA, alone = Math.abs(factor) > 1 ? "it explodes, whatever <i>ε</i>" : Math.abs(factor) === 1 ? "it only changes sign" : "it fades";
  return `<i>ε</i> = ${num("eps", eps)}, <i>ε</i><sub>a</sub> = ${num("eps_a", epsA)}: after ${num("steps", steps, 4)} steps ${ends}. Each step multiplies the error of <i>a</i> alone by 1 − <i>ε</i><sub>a</sub> = ${num("factor", factor)}: ${alone}.`;
}

explorer("plane", {
  title: "The plane",
  question: "Which pairs of step sizes work?",
  predict: {
    ask: `At <i>ε</i> = 1 all is well with <i>ε</i><sub>a</sub> = 1, the theorem's bound. What happens at <i>ε</i><sub>a</sub> = 1.5, beyond it?`,
    choices: ["It diverges", "It converges all the same", "It never settles"],
    at: { eps_a: 1.5 },
    truth: ({ outcome }) => (outcome === "diverged" ? 0 : outcome.startsWith("converged") ? 1 : 2),
  },
  controls: {
    eps: { label: "step size <i>ε</i> of <i>w</i>", min: 1e-4, max: 1e8, value: 1, log: true },
    eps_a: { label: "step size <i>ε</i><sub>a</sub> of <i>a</i>", min: 0.05, max: 2.5, value: 1 },
  },
  plots: [
    { name: "plane", label: "The plane of the two step sizes, coloured by how a run ends", ratio: 0.42, least: 210, drag: ([x, y]) => ({ eps: Number(x.toPrecision(3)), eps_a: Number(y.toPrecision(3)) }) },
    { name: "loss", label: "Loss against the step, at the place pointed at", ratio: 0.7 },
    { name: "norm", label: "Length of w against the step, at the place pointed at", ratio: 0.7 },
    { name: "a", label: "Size of a against the step, at the place pointed at", ratio: 0.7 },
  ],
  legend: `<span class="converged">converged</span><span class="moving">still moving</span><span class="saddle">at a saddle</span><span class="diverged">diverged</span>`,
  prepare, compute, draw, say,
});
