// Drawing: axes and marks as one string of SVG, written anew for each picture.
//
// Plain SVG and no library. Bokeh, the one that comes as a Python package, weighs 1.65 MB, and a first page of at most
// 2.5 MB has no room for it; these explorers with all of their mathematics weigh less than 80 kB. It is also what lets a
// test read back, from the page, what was drawn: every plot states its scales in data-x and data-y.

const SUPERSCRIPTS = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };
const FAR = 1e4; // pixels: beyond the edge of every plot, and still a number that SVG can draw

export const power = (n) => `10${[...String(n)].map((c) => SUPERSCRIPTS[c]).join("")}`;

/** A number as text: three digits unless told, thin spaces between thousands, powers of ten for the large and the small. */
export function text(value, digits = 3) {
  if (Number.isNaN(value)) return "no number";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e").map(Number);
  if (value !== 0 && (exponent < -3 || exponent > 5))
    return mantissa === 1 ? power(exponent) : `${mantissa} × ${power(exponent)}`.replace("-", "−");
  const plain = String(Number(value.toPrecision(Math.max(digits, Math.min(exponent + 1, 6)))));
  const [whole, rest] = plain.replace("-", "−").split(".");
  const grouped = whole.length > 4 ? whole.replace(/(\d)(?=(\d{3})+$)/g, "$1\u202f") : whole;
  return rest ? `${grouped}.${rest}` : grouped;
}

/** The same for a sentence, with a name and the exact number beside what is read: a test compares it with Python's. */
export const num = (name, value, digits) => `<data data-name="${name}" value="${value}">${text(value, digits)}</data>`;

class Scale {
  constructor([low, high], log, from, to) {
    Object.assign(this, { low, high, log, from, to });
    this.start = log ? Math.log10(low) : low;
    this.factor = (to - from) / ((log ? Math.log10(high) : high) - this.start);
  }

  /** Where a value stands, in pixels; NaN where a logarithm does not exist. */
  at(value) {
    const place = this.from + ((this.log ? Math.log10(value) : value) - this.start) * this.factor;
    return Math.max(-FAR, Math.min(FAR, place));
  }

  /** The value at a pixel. */
  value(pixel) {
    const place = this.start + (pixel - this.from) / this.factor;
    return this.log ? 10 ** place : place;
  }

  ticks(room) {
    return this.log ? this.decades(room) : this.round(room);
  }

  decades(room) {
    const first = Math.ceil(this.start - 1e-9), last = Math.floor(Math.log10(this.high) + 1e-9);
    const every = Math.max(1, Math.ceil((last - first + 1) / Math.max(2, room)));
    const ticks = [];
    for (let n = first; n <= last; n++) if (n % every === 0) ticks.push([10 ** n, n >= -2 && n <= 3 ? text(10 ** n) : power(n)]);
    return ticks;
  }

  round(room) {
    const span = this.high - this.low, rough = span / Math.max(2, room), base = 10 ** Math.floor(Math.log10(rough));
    const step = base * [1, 2, 5, 10].find((multiple) => multiple * base >= rough * (1 - 1e-9));
    const ticks = [];
    for (let n = Math.ceil(this.low / step - 1e-9); n * step <= this.high + 1e-9 * span; n++) ticks.push([n * step, text(Number((n * step).toPrecision(6)))]);
    return ticks;
  }

  toString() {
    return [this.log ? "log" : "linear", this.low, this.high, this.from, this.to].join(" ");
  }
}

let clips = 0;

/** One picture. `begin` sets the scales, marks are added, `end` shows them. */
export class Plot {
  constructor(place, { name, label, ratio = 0.75, least = 130 }) {
    Object.assign(this, { name, ratio, least, clip: `explorer-clip-${clips++}` });
    place.insertAdjacentHTML("beforeend", `<svg class="explorer-plot" data-plot="${name}" role="img" aria-label="${label}"></svg>`);
    this.svg = place.lastElementChild;
    this.measure();
  }

  measure() {
    this.width = Math.max(140, Math.round(this.svg.getBoundingClientRect().width));
    this.height = Math.round(Math.max(this.least, this.width * this.ratio));
    this.svg.style.height = `${this.height}px`;
  }

  /** Scales and axes. `equal` shows at least x in both directions, a unit as long upwards as sideways; `bare`: no axes. */
  begin({ x, y = x, logX = false, logY = false, xLabel = "", yLabel = "", title = "", titleClass = "", equal = false, bare = false, yTicks = true }) {
    const left = bare ? 6 : yTicks ? 40 : 12, right = this.width - (bare ? 6 : 10), bottom = this.height - (bare ? 6 : 34), top = title ? 24 : 8;
    this.box = { left, right, top, bottom };
    if (equal) {
      const unit = Math.min(right - left, bottom - top) / (x[1] - x[0]), middle = (x[0] + x[1]) / 2;
      [x, y] = [right - left, bottom - top].map((length) => [middle - length / unit / 2, middle + length / unit / 2]);
    }
    this.x = new Scale(x, logX, left, right);
    this.y = new Scale(y, logY, bottom, top);
    this.marks = [];
    this.frame = bare ? "" : this.axes(xLabel, yLabel, yTicks);
    this.title = title && `<text class="title ${titleClass}" x="${left}" y="15">${title}</text>`;
  }

  axes(xLabel, yLabel, yTicks) {
    const { left, right, top, bottom } = this.box, parts = [];
    let grid = "";
    for (const [value, label] of this.x.ticks((right - left) / 46)) {
      const at = round(this.x.at(value));
      grid += `M${at} ${top}V${bottom}`;
      parts.push(`<text x="${at}" y="${bottom + 14}" text-anchor="middle">${label}</text>`);
    }
    if (yTicks)
      for (const [value, label] of this.y.ticks((bottom - top) / 30)) {
        const at = round(this.y.at(value));
        grid += `M${left} ${at}H${right}`;
        parts.push(`<text x="${left - 5}" y="${at + 4}" text-anchor="end">${label}</text>`);
      }
    parts.push(`<path class="axis" d="M${left} ${top}V${bottom}H${right}"/>`);
    parts.push(`<text class="label" x="${(left + right) / 2}" y="${bottom + 29}" text-anchor="middle">${xLabel}</text>`);
    if (yLabel) parts.push(`<text class="label" x="${left + 5}" y="${top + 11}">${yLabel}</text>`);
    return `<path class="grid" d="${grid}"/>${parts.join("")}`;
  }

  path(cls, d, more = "") {
    this.marks.push(`<path class="${cls}" d="${d}" ${more}/>`);
  }

  /** A line through the points, broken where there is no number. */
  line(cls, xs, ys) {
    let d = "", pen = "M";
    for (let i = 0; i < xs.length; i++) {
      const x = this.x.at(xs[i]), y = this.y.at(ys[i]);
      if (Number.isNaN(x) || Number.isNaN(y)) pen = "M";
      else {
        d += `${pen}${round(x)} ${round(y)}`;
        pen = "L";
      }
    }
    this.path(`line ${cls}`, d);
  }

  /** Many dots as one element: strokes of no length with round ends. */
  dots(cls, xs, ys, radius) {
    let d = "";
    for (let i = 0; i < xs.length; i++) {
      const x = this.x.at(xs[i]), y = this.y.at(ys[i]);
      if (!Number.isNaN(x) && !Number.isNaN(y)) d += `M${round(x)} ${round(y)}h0`;
    }
    this.path(`dots ${cls}`, d, `stroke-width="${2 * radius}"`);
  }

  disc(cls, x, y, radius) {
    const at = [this.x.at(x), this.y.at(y)];
    if (!at.some(Number.isNaN)) this.marks.push(`<circle class="${cls}" cx="${round(at[0])}" cy="${round(at[1])}" r="${radius}"/>`);
  }

  rect(cls, x0, y0, x1, y1) {
    const [left, right] = [this.x.at(x0), this.x.at(x1)], [bottom, top] = [this.y.at(y0), this.y.at(y1)];
    this.marks.push(`<rect class="${cls}" x="${round(left)}" y="${round(top)}" width="${round(Math.max(0, right - left))}" height="${round(Math.max(0, bottom - top))}"/>`);
  }

  arrow(cls, [x0, y0], [x1, y1]) {
    const from = [this.x.at(x0), this.y.at(y0)], to = [this.x.at(x1), this.y.at(y1)];
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]), head = Math.min(9, length / 2);
    if (!(length > 0.5)) return;
    const along = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
    const side = (sign) => `${round(to[0] - head * (along[0] + sign * 0.45 * along[1]))} ${round(to[1] - head * (along[1] - sign * 0.45 * along[0]))}`;
    this.path(`line ${cls}`, `M${round(from[0])} ${round(from[1])}L${round(to[0])} ${round(to[1])}M${side(1)}L${round(to[0])} ${round(to[1])}L${side(-1)}`);
  }

  vertical(cls, x) {
    this.path(`line ${cls}`, `M${round(this.x.at(x))} ${this.box.top}V${this.box.bottom}`);
  }

  horizontal(cls, y) {
    this.path(`line ${cls}`, `M${this.box.left} ${round(this.y.at(y))}H${this.box.right}`);
  }

  /** Words beside a place, kept inside the plot. */
  words(cls, x, y, words, { dx = 5, dy = -5, anchor = "start" } = {}) {
    const { left, right, top, bottom } = this.box;
    const at = [Math.max(left + 2, Math.min(right - 2, this.x.at(x) + dx)), Math.max(top + 10, Math.min(bottom - 3, this.y.at(y) + dy))];
    if (!at.some(Number.isNaN)) this.marks.push(`<text class="${cls}" x="${round(at[0])}" y="${round(at[1])}" text-anchor="${anchor}">${words}</text>`);
  }

  /** A colour for each direction from a place: strengths between 0 and 1, evenly spaced from the right, anticlockwise. */
  rays(x, y, strengths) {
    const { left, right, top, bottom } = this.box, stops = [...strengths, strengths[0]].reverse();
    const colours = stops.map((part) => `color-mix(in srgb, var(--x-fill) ${round(100 * part)}%, transparent)`);
    this.svg.style.background =
      `conic-gradient(from 90deg at ${round(this.x.at(x) - left)}px ${round(this.y.at(y) - top)}px, ${colours}) ` +
      `${left}px ${top}px / ${right - left}px ${bottom - top}px no-repeat`;
  }

  end() {
    const { left, right, top, bottom } = this.box;
    this.svg.innerHTML =
      `<clipPath id="${this.clip}"><rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"/></clipPath>` +
      `${this.title}${this.frame}<g clip-path="url(#${this.clip})" data-x="${this.x}" data-y="${this.y}">${this.marks.join("")}</g>`;
  }

  /** The point of the plot under a pointer. */
  point(event) {
    const edge = this.svg.getBoundingClientRect();
    return [this.x.value(event.clientX - edge.left), this.y.value(event.clientY - edge.top)];
  }
}

const round = (pixel) => Math.round(pixel * 100) / 100;
