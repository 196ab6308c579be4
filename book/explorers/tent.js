// Tent: which step sizes are good?

import { bngdEnd, makeProblem } from "./dynamics.js";
import { explorer } from "./kit.js";
import { num } from "./plot.js";
import { bngdStabilityLimit, effectiveStepAsymptotes, gdStabilityLimit, goodInterval, limitEffectiveStep, logSpaced, startWithOverlap } from "./theory.js";

const STEPS = 400;
const RATES = Float64Array.from({ length: 97 }, (_, i) => 10 ** (-8 + i / 6)); // sixteen decades, six a decade
const FLOOR = 1e-7;

/** The runs of {eps : eff >= level} on the computed points, the ends interpolated as those of a workable range are. */
function pieces(values, level) {
  const found = [];
  for (let i = 0, first = -1; i <= values.length; i++) {
    const good = i < values.length && values[i] >= level;
    if (good && first < 0) first = i;
    if (!good && first >= 0) {
      found.push({ low: first ? cross(values, level, first, first - 1) : RATES[0], high: i < values.length ? cross(values, level, i - 1, i) : RATES.at(-1) });
      first = -1;
    }
  }
  return found;
}

function cross(values, level, inside, outside) {
  const part = Math.log(values[inside] / level) / Math.log(values[inside] / values[outside]);
  return RATES[inside] * (RATES[outside] / RATES[inside]) ** part;
}

function compute({ eps, kappa, overlap, eps_a: epsA, level }, { u, other }) {
  const problem = makeProblem(logSpaced(u.length, kappa), u), w0 = startWithOverlap(problem, overlap, other);
  const limit = bngdStabilityLimit(problem), reached = (lr) => limitEffectiveStep(problem, lr, bngdEnd(problem, w0, lr, STEPS, epsA).w) / limit;
  const { small, large } = effectiveStepAsymptotes(problem, w0), promised = goodInterval(problem, w0, level * limit);
  const tent = RATES.map(reached);
  return {
    problem, w0, tent, limit, small, large, promised,
    pieces: pieces(tent, level),
    probe: reached(eps),
    gdDecades: Math.log10(gdStabilityLimit(problem) / (level * limit)),
  };
}

function draw({ tent }, { tent: values, limit, small, large, pieces: good, probe }, { eps, level }) {
  tent.begin({
    x: [RATES[0], RATES.at(-1)], y: [FLOOR, 30], logX: true, logY: true,
    xLabel: "step size ε", yLabel: "effective step ε̂ in units of its limit 2/λ*<tspan dy='3' font-size='9'>d</tspan>",
  });
  for (const { low, high } of good) tent.rect("good", low, FLOOR, high, level);
  tent.horizontal("limit", 1);
  tent.horizontal("level", level);
  tent.line("small", [RATES[0], RATES.at(-1)], [RATES[0], RATES.at(-1)].map((lr) => (small * lr) / limit));
  tent.line("large", [RATES[0], RATES.at(-1)], [RATES[0], RATES.at(-1)].map((lr) => large / lr / limit));
  tent.line("bngd", RATES, values);
  tent.disc("bngd end", eps, probe, 5);
  tent.words("small name", 1e-6, (small * 1e-6) / limit, "A ε", { dx: -12, dy: -4, anchor: "end" });
  tent.words("large name", 1e6, large / 1e6 / limit, "C / ε", { dx: 12, dy: -4 });
  tent.words("level name", RATES[0], level, "f", { dx: 5, dy: -4 });
  tent.end();
}

function say({ pieces: good, promised, probe, gdDecades }, { eps, level }) {
  const at = `At <i>ε</i> = ${num("eps", eps)} it is ${num("probe", probe)} of the limit.`;
  const aim = `an effective step of at least <i>f</i> = ${num("level", level)} of its limit 2/<i>λ</i>*<sub><i>d</i></sub>`;
  if (!good.length) return `No <i>ε</i> gives ${aim}. ${at}`;
  const total = good.reduce((sum, { low, high }) => sum + Math.log10(high / low), 0);
  const where = good.map(({ low, high }, i) => `${num(`low${i}`, low, 2)} to ${num(`high${i}`, high, 2)}`).join(" and from ");
  const cut = good.length > 1 ? `in ${num("pieces", good.length)} pieces with a notch between` : "in one piece";
  const predicted = Math.max(0, Math.log10(promised.high / promised.low));
  return `${num("decades", total, 2)} decades of <i>ε</i> give ${aim}, ${cut}: from ${where}. The asymptotes promise ${num("promised", predicted, 2)} decades; GD has ${num("gd", Math.max(0, gdDecades), 2)}. ${at}`;
}

explorer("tent", {
  title: "Tent",
  question: "Which step sizes are good?",
  predict: {
    ask: "The start is turned until it is nearly orthogonal to what is to be learned: overlap 0.0001. What happens to the range of step sizes above <i>f</i>?",
    choices: ["It gets narrower", "It gets wider and stays whole", "It gets wider, but a notch cuts it"],
    at: { overlap: 1e-4 },
    truth: (now, before) => (now.pieces.length > 1 ? 2 : now.promised.high / now.promised.low > before.promised.high / before.promised.low ? 1 : 0),
  },
  controls: {
    eps: { label: "step size <i>ε</i> looked at", min: 1e-8, max: 1e8, value: 1, log: true },
    kappa: { label: "condition number <i>κ</i>", min: 2, max: 1e3, value: 100, log: true },
    overlap: { label: "overlap of <i>w</i>₀ with <i>g</i>", min: 1e-5, max: 1, value: 0.1, log: true },
    eps_a: { label: "step size <i>ε</i><sub>a</sub> of <i>a</i>", min: 0.05, max: 1.95, value: 1 },
    level: { label: "level <i>f</i>, part of 2/<i>λ</i>*<sub><i>d</i></sub>", min: 1e-4, max: 1, value: 0.1, log: true },
  },
  plots: [{ name: "tent", label: "The effective step against the step size, with its two asymptotes and the level f", ratio: 0.5, least: 230, drag: ([x]) => ({ eps: Number(x.toPrecision(3)) }) }],
  compute, draw, say,
});
