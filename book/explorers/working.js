// What counts as working? The width of a range of step sizes says nothing without its demand.

import { bngdLosses, gdLosses, makeProblem } from "./dynamics.js";
import { explorer } from "./kit.js";
import { num } from "./plot.js";
import { gdStabilityLimit, logSpaced, workableRange } from "./theory.js";

const STEPS = 2000;
const SOLVED = 1e-10; // of u'Hu/2: below this nobody asks for less
const SIX_A_DECADE = Array.from({ length: 85 }, (_, i) => 10 ** (-6 + i / 6));
const AT_THE_LIMIT = Array.from({ length: 21 }, (_, i) => 0.9 + i / 100); // where GD's range ends
const RATES = [...new Set([...SIX_A_DECADE, ...AT_THE_LIMIT])].sort((x, y) => x - y); // in units of GD's limit
const MARKS = [...new Set(Array.from({ length: 181 }, (_, i) => Math.round(STEPS ** (i / 180))))]; // steps that are kept

/** The losses of both methods at every mark, for every rate: run once, when the page opens. */
function prepare(data) {
  const problem = makeProblem(logSpaced(data.u.length, data.kappa), data.u), scale = problem.explained / 2;
  data.limit = gdStabilityLimit(problem);
  data.bngd = RATES.map((rate) => bngdLosses(problem, data.w0, rate * data.limit, MARKS).map((loss) => loss / scale));
  data.gd = RATES.map((rate) => gdLosses(problem, data.w0, rate * data.limit, MARKS).map((loss) => loss / scale));
}

/** The last mark that is not beyond a number of steps. */
const mark = (steps) => MARKS.findLastIndex((kept) => kept <= Math.max(1, steps));

function compute({ demand, loss, slowdown, steps }, data) {
  const last = mark(steps), earlier = mark(Math.round(MARKS[last] / slowdown));
  const found = { steps: MARKS[last], earlier: MARKS[earlier] };
  for (const method of ["gd", "bngd"]) {
    const values = data[method].map((losses) => losses[last]);
    const best = Math.min(...data[method].map((losses) => losses[earlier]).filter((value) => !Number.isNaN(value)));
    const threshold = demand === 1 ? loss : Math.max(best, SOLVED);
    found[method] = { values, threshold, range: workableRange(RATES, values, threshold) };
  }
  return found;
}

function draw({ losses }, { gd, bngd, steps }) {
  losses.begin({ x: [RATES[0], RATES.at(-1)], y: [1e-11, 30], logX: true, logY: true, xLabel: "step size ε, in units of GD's limit 2/λ<tspan dy='3' font-size='9'>d</tspan>", title: `Excess loss after ${steps} steps` });
  losses.vertical("limit", 1);
  for (const [cls, { values, threshold, range }, y] of [["bngd", bngd, 1e-10], ["gd", gd, 2e-11]]) {
    losses.horizontal(`demand ${cls}`, threshold);
    losses.line(cls, RATES, values.map((value) => Math.max(value, 1e-13)));
    if (range.low < range.high) losses.line(`range ${cls}`, [range.low, range.high], [y, y]);
  }
  losses.end();
}

function say({ gd, bngd, steps, earlier }, { demand, loss, slowdown }) {
  const width = ({ range }) => (range.low > 0 ? Math.log10(range.high / range.low) : NaN), [ofGd, ofBngd] = [width(gd), width(bngd)];
  const asked = demand === 1
    ? `A loss of ${num("loss", loss)} within ${num("steps", steps, 4)} steps`
    : `In ${num("steps", steps, 4)} steps, what the best <i>ε</i> reaches in ${num("earlier", earlier, 4)}, that is, at most ${num("slowdown", slowdown)} times as slow as the method's own best`;
  const part = (name, method, value) => (Number.isNaN(value) ? `no <i>ε</i> does it for ${method}` : `${method} does it over ${num(name, value, 2)} decades`);
  const lead = ofBngd - ofGd;
  const verdict = Number.isNaN(lead) ? "" : Math.abs(lead) < 0.15 ? ` BNGD's lead is ${num("lead", lead, 2)} decades: as good as gone.` : ` BNGD's lead is ${num("lead", lead, 2)} decades.`;
  return `${asked}: ${part("gd", "GD", ofGd)}, ${part("bngd", "BNGD", ofBngd)} of step sizes.${verdict}`;
}

explorer("working", {
  title: "What counts as working?",
  question: "How much wider is BNGD's range of step sizes?",
  predict: {
    ask: "Asked for a loss of 0.01, BNGD leads by decades. Now ask for speed: at most 1.5 times as slow as the method's own best. How wide is the lead then?",
    choices: ["As wide as before", "About half", "Next to nothing"],
    at: { demand: 2, slowdown: 1.5 },
    truth: (now, before) => {
      const lead = ({ gd, bngd }) => Math.log10(bngd.range.high / bngd.range.low) - Math.log10(gd.range.high / gd.range.low);
      const part = lead(now) / lead(before);
      return part > 0.75 ? 0 : part > 0.25 ? 1 : 2;
    },
  },
  controls: {
    demand: { label: "ask for: 1 a loss, 2 a speed", min: 1, max: 2, value: 1, whole: true },
    steps: { label: "steps granted", min: 10, max: STEPS, value: STEPS, log: true, whole: true },
    loss: { label: "loss asked for", min: 1e-9, max: 1, value: 1e-2, log: true, shown: ({ demand }) => demand === 1 },
    slowdown: { label: "slowdown granted", min: 1, max: 40, value: 10, log: true, shown: ({ demand }) => demand === 2 },
  },
  plots: [{ name: "losses", label: "Loss of both methods against the step size, with the demand and the ranges that meet it", ratio: 0.48, least: 240 }],
  prepare, compute, draw, say,
});
