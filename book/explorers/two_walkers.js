// Two walkers: what does a too large step size do?

import { bngdTrajectory, classify, gdTrajectory, makeProblem, norm, optimalA } from "./dynamics.js";
import { explorer } from "./kit.js";
import { num, text } from "./plot.js";
import { gdStabilityLimit } from "./theory.js";

const STEPS = 60;
const VIEW = 2.3; // half the width of the plane in which gradient descent walks
const CONTOURS = [6, 3, 1.5, 0.75, 0.3, 0.1, 0.02]; // of the loss, in units of u'Hu/2
const SECTORS = 72;

function compute({ eps, kappa, angle, length }) {
  const problem = makeProblem([1, kappa], [1, 0.5]), turn = (angle * Math.PI) / 180;
  const w0 = [length * Math.cos(turn), length * Math.sin(turn)];
  const gd = gdTrajectory(problem, w0, eps, STEPS), bngd = bngdTrajectory(problem, w0, eps, STEPS);
  gd.outcome = classify(problem, gd.excessLoss[0], gd.excessLoss[STEPS]);
  bngd.outcome = classify(problem, bngd.excessLoss[0], bngd.excessLoss[STEPS], bngd.a[STEPS], optimalA(problem, bngd.w[STEPS]));
  for (const run of [gd, bngd]) {
    run.norm = run.w.map(norm);
    run.loss = run.excessLoss.map((loss) => loss / (problem.explained / 2));
  }
  return { problem, w0, gd, bngd, limit: gdStabilityLimit(problem) };
}

function drawBowl(plot, { problem, gd }) {
  plot.begin({ x: [-VIEW, VIEW], equal: true, title: "Gradient descent", titleClass: "gd", bare: true });
  const [cx, cy] = [plot.x.at(problem.u[0]), plot.y.at(problem.u[1])], unit = plot.x.factor;
  for (const level of CONTOURS) {
    const [rx, ry] = [...problem.eigenvalues].map((value) => unit * Math.sqrt((level * problem.explained) / value));
    plot.marks.push(`<ellipse class="contour" cx="${cx}" cy="${cy}" rx="${rx}" ry="${ry}"/>`);
  }
  walk(plot, "gd", gd.w.map((w) => w[0]), gd.w.map((w) => w[1]));
  star(plot, problem.u);
  plot.end();
}

/** The loss of BN depends on the direction alone, so that lengths may be drawn as log(1 + ||w||) and the rays stay rays. */
const shorten = (w) => {
  const length = norm(w);
  return Array.from(w, (value) => (value / length) * Math.log10(1 + length));
};

const lengthen = (point) => {
  const drawn = norm(point), length = 10 ** drawn - 1;
  return point.map((value) => (value / drawn) * length);
};

function drawRays(plot, { problem, bngd }) {
  const reach = Math.log10(1 + 1.25 * Math.max(2, bngd.norm[STEPS]));
  plot.begin({ x: [-reach, reach], equal: true, title: "BNGD", titleClass: "bngd", bare: true });
  const { u, g, eigenvalues, explained } = problem, far = 2 * reach;
  plot.rays(0, 0, Array.from({ length: SECTORS }, (_, i) => {
    const angle = (2 * Math.PI * i) / SECTORS, [c, s] = [Math.cos(angle), Math.sin(angle)];
    return 0.42 * (1 - (c * g[0] + s * g[1]) ** 2 / (eigenvalues[0] * c * c + eigenvalues[1] * s * s) / explained);
  }));
  plot.line("valley", [-far * u[0], far * u[0]], [-far * u[1], far * u[1]]);
  for (let size = 1; Math.log10(1 + size) < reach; size *= 10) {
    plot.marks.push(`<circle class="ring" cx="${plot.x.at(0)}" cy="${plot.y.at(0)}" r="${plot.x.factor * Math.log10(1 + size)}"/>`);
    plot.words("ring-label", 0, Math.log10(1 + size), size === 1 ? "‖w‖ = 1" : text(size), { dx: 0, dy: -3, anchor: "middle" });
  }
  const path = bngd.w.map(shorten);
  walk(plot, "bngd", path.map((w) => w[0]), path.map((w) => w[1]));
  plot.end();
}

function walk(plot, cls, xs, ys) {
  plot.line(cls, xs, ys);
  plot.dots(cls, xs.slice(1), ys.slice(1), 2.2);
  plot.disc(`${cls} end`, xs.at(-1), ys.at(-1), 4.5);
  plot.disc("handle", xs[0], ys[0], 7);
  plot.disc("grip", xs[0], ys[0], 24);
}

function star(plot, [x, y]) {
  const points = Array.from({ length: 10 }, (_, i) => [i % 2 ? 3.4 : 8, (Math.PI * i) / 5]);
  plot.path("star", `M${points.map(([r, t]) => `${plot.x.at(x) + r * Math.sin(t)} ${plot.y.at(y) - r * Math.cos(t)}`).join("L")}Z`);
  plot.words("name", x, y, "u", { dx: 11, dy: 4 });
}

function drawCurve(plot, what, title, floor, ceiling, { gd, bngd }) {
  const values = [...gd[what], ...bngd[what]].filter((value) => value > 0 && Number.isFinite(value));
  const low = Math.max(floor, Math.min(...values) / 1.5), high = Math.min(ceiling, Math.max(...values) * 3);
  const steps = Array.from({ length: STEPS + 1 }, (_, k) => k);
  plot.begin({ x: [0, STEPS], y: [low, Math.max(high, 10 * low)], logY: true, xLabel: "step", title });
  for (const [cls, run] of [["gd", gd], ["bngd", bngd]]) plot.line(cls, steps, run[what].map((value) => Math.max(value, floor / 100)));
  plot.end();
}

function say({ gd, bngd, limit }, { eps }) {
  const grown = bngd.norm[STEPS] / bngd.norm[0], first = bngd.norm[1] / bngd.norm[0];
  const ofGd = gd.loss[STEPS] / gd.loss[0], ofBngd = bngd.loss[STEPS] / bngd.loss[0];
  const gdSays =
    gd.outcome.startsWith("converged") ? "GD converges"
    : !Number.isFinite(ofGd) ? "GD explodes: its loss passes the largest number that a computer holds"
    : !(ofGd <= 1) ? `GD explodes: ${STEPS} steps multiply its loss by ${num("gd", ofGd, 2)}`
    : `GD is on its way: ${STEPS} steps leave ${num("gd", ofGd)} of its loss`;
  const jump =
    grown < 1.1 ? `<i>w</i> hardly grew, ${num("grown", grown)}-fold`
    : `<i>w</i> grew ${num("grown", grown)}-fold, ${first > 0.9 * grown ? "nearly all of it in the first step" : `${num("first", first)}-fold in the first step`}`;
  const bngdSays = bngd.outcome.startsWith("converged") ? "and has converged" : `and still moves: ${STEPS} steps leave ${num("bngd", ofBngd)} of its loss`;
  return `<i>ε</i> is ${num("times", eps / limit)} times GD's limit 2/<i>λ</i><sub><i>d</i></sub> = ${num("limit", limit)}. ${gdSays}. BNGD: ${jump}, ${bngdSays}.`;
}

const toStart = ([x, y]) => ({ angle: Number(((Math.atan2(y, x) * 180) / Math.PI).toPrecision(3)), length: Number(Math.hypot(x, y).toPrecision(3)) });

explorer("two-walkers", {
  title: "Two walkers",
  question: "What does a too large step size do?",
  predict: {
    ask: "Both walkers start at the ring, with a step size that suits them. Now it is raised to 40 times what GD can bear. What will BNGD do?",
    choices: ["Explode, like GD", "Jump out once, then settle", "Stand still"],
    at: { eps: 16 },
    truth: ({ bngd }) => (bngd.outcome === "diverged" ? 0 : bngd.norm[STEPS] > 2 * bngd.norm[0] ? 1 : 2),
  },
  controls: {
    eps: { label: "step size <i>ε</i>", min: 1e-3, max: 1e3, value: 0.3, log: true },
    kappa: { label: "condition number <i>κ</i>", min: 1, max: 100, value: 5, log: true },
    angle: { label: "start: direction in degrees", min: -180, max: 180, value: -65 },
    length: { label: "start: length", min: 0.1, max: 2.2, value: 1.6 },
  },
  plots: [
    { name: "bowl", label: "Gradient descent's path over the elliptical contours of its loss", ratio: 0.85, grip: true, drag: toStart },
    { name: "rays", label: "BNGD's path over the rays of its loss, lengths on a logarithmic scale", ratio: 0.85, grip: true, drag: (point) => toStart(lengthen(point)) },
    { name: "norm", label: "Length of w against the step, for both", ratio: 0.5 },
    { name: "loss", label: "Loss against the step, for both", ratio: 0.5 },
  ],
  compute,
  draw(plots, result) {
    drawBowl(plots.bowl, result);
    drawRays(plots.rays, result);
    drawCurve(plots.norm, "norm", "Length ‖<tspan font-style='italic'>w</tspan>‖", 1e-3, 1e6, result);
    drawCurve(plots.loss, "loss", "Excess loss", 1e-16, 1e6, result);
  },
  say,
});
