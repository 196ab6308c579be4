// One step: why can w not shrink?

import { bngdStep, dot, effectiveStep, makeProblem, norm, optimalA, residual, sigma } from "./dynamics.js";
import { explorer } from "./kit.js";
import { num } from "./plot.js";
import { gdStabilityLimit } from "./theory.js";

function compute({ eps, angle, a: scale }) {
  const problem = makeProblem([1, 5], [1, 0.5]), turn = (angle * Math.PI) / 180, w = Float64Array.of(Math.cos(turn), Math.sin(turn));
  const a = scale * Math.sqrt(problem.explained), [, next] = bngdStep(problem, a, w, eps, 1);
  const e = residual(problem, w), after = residual(problem, next), step = next.map((value, i) => value - w[i]);
  return {
    problem, w, next, step, e, after,
    push: dot(step, step), grown: norm(next), eff: effectiveStep(problem, a, w, eps), limit: gdStabilityLimit(problem),
    error: sigma(problem, e), errorAfter: sigma(problem, after), best: optimalA(problem, w),
  };
}

function draw({ triangle, squares }, { problem, w, next, step, e, push, grown }) {
  const u = problem.u, foot = u.map((value, i) => value - e[i]);
  const reach = 1.12 * Math.max(1.35, grown);
  triangle.begin({ x: [-reach, reach], equal: true, bare: true });
  triangle.line("faint", [-9 * w[0], 9 * w[0]], [-9 * w[1], 9 * w[1]]);
  triangle.arrow("residual", foot, u);
  triangle.words("residual name", (foot[0] + u[0]) / 2, (foot[1] + u[1]) / 2, "e");
  corner(triangle, w, step);
  triangle.arrow("bngd", w, next);
  triangle.arrow("grown", [0, 0], next);
  triangle.arrow("before", [0, 0], w);
  triangle.words("name", w[0] / 2, w[1] / 2, "w", { dx: step[0] > 0 ? -16 : 8, dy: 4 });
  triangle.words("name", next[0], next[1], "w⁺", { dx: 7, dy: -5 });
  star(triangle, u);
  triangle.end();
  const high = 1.25 * Math.max(1.5, 1 + push);
  squares.begin({ x: [0, high], y: [-1.4, 1.6], xLabel: "squared length", yTicks: false });
  squares.rect("square before", 0, 0.2, 1, 1);
  squares.rect("square pushed", 1, 0.2, 1 + push, 1);
  squares.rect("square grown", 0, -0.8, 1 + push, 0);
  squares.words("", 0, 1, "‖w‖² + ‖step‖²", { dx: 2, dy: -5 });
  squares.words("", 0, -0.8, "= ‖w⁺‖²", { dx: 2, dy: 14 });
  squares.end();
}

/** The mark of a right angle between w and the step. */
function corner(plot, w, step) {
  const length = norm(step), size = 0.16;
  if (length < size) return;
  const along = step.map((value) => (size * value) / length), back = w.map((value) => -size * value);
  const corners = [[w[0] + back[0], w[1] + back[1]], [w[0] + back[0] + along[0], w[1] + back[1] + along[1]], [w[0] + along[0], w[1] + along[1]]];
  plot.line("corner", corners.map(([x]) => x), corners.map(([, y]) => y));
}

function star(plot, [x, y]) {
  plot.disc("target", x, y, 5);
  plot.words("name", x, y, "u", { dx: 9, dy: 4 });
}

function say({ push, grown, eff, limit, error, errorAfter }) {
  const why =
    eff < 0 ? "<i>a</i> has the wrong sign, and the step turns <i>w</i> away from <i>u</i>"
    : eff <= limit ? `up to GD's limit 2/<i>λ</i><sub><i>d</i></sub> = ${num("limit", limit)} no step lengthens <i>e</i>`
    : `past GD's limit 2/<i>λ</i><sub><i>d</i></sub> = ${num("limit", limit)} a step may lengthen <i>e</i>`;
  const error2 = `‖<i>e</i>‖<sub><i>H</i></sub> goes from ${num("error", error)} to ${num("after", errorAfter)}`;
  return `The step is orthogonal to <i>w</i>, so ‖<i>w</i>⁺‖² = 1 + ${num("push", push)}: <i>w</i> grows ${num("grown", grown, 4)}-fold, and no <i>ε</i> and no <i>a</i> makes it shorter. The effective step is ${num("eff", eff)}: ${why}; ${error2}.`;
}

explorer("one-step", {
  title: "One step",
  question: "Why can <i>w</i> not shrink?",
  predict: {
    ask: "Here <i>a</i> has the sign that fits. Turn it round: <i>a</i> → −<i>a</i>. What does the next step do to the length of <i>w</i>?",
    choices: ["It shrinks by as much as it grew", "It grows by just as much", "It stays as it is"],
    at: { a: -0.8 },
    truth: (now, before) => (now.grown < 1 ? 0 : now.grown > 1 && Math.abs(now.grown - before.grown) < 1e-9 ? 1 : 2),
  },
  controls: {
    eps: { label: "step size <i>ε</i>", min: 1e-2, max: 10, value: 1, log: true },
    angle: { label: "direction of <i>w</i> in degrees", min: -180, max: 180, value: 100 },
    a: { label: "<i>a</i>, in units of ‖<i>u</i>‖<sub><i>H</i></sub>", min: -2, max: 2, value: 0.8 },
  },
  plots: [
    { name: "triangle", label: "The weights, the step orthogonal to them and the new weights: a right triangle", ratio: 0.85, drag: ([x, y]) => ({ angle: Number(((Math.atan2(y, x) * 180) / Math.PI).toPrecision(3)) }) },
    { name: "squares", label: "Bars: the squared lengths of the weights and of the step add up to that of the new weights", ratio: 0.5, least: 170 },
  ],
  compute, draw, say,
});
