// What all explorers share: controls that are the browser's own, a prediction before anything moves, one computed
// sentence, the state in the page's address, reset, and the setting of a figure of the book.

import { Plot } from "./plot.js";

const KNOWN = {};

/** Describe an explorer; `start` builds those that the page has a place for. See two_walkers.js for an example. */
export function explorer(name, about) {
  KNOWN[name] = about;
}

export function start() {
  const places = document.querySelectorAll("[data-explorer]");
  const built = [...places].map((place) => new Explorer(place, KNOWN[place.dataset.explorer]));
  const visit = () => built.forEach((one) => one.visit());
  addEventListener("hashchange", visit);
  visit();
}

class Explorer {
  constructor(place, about) {
    const data = place.querySelector("script[type='application/json']");
    Object.assign(this, { place, about, name: place.dataset.explorer, data: data ? JSON.parse(data.textContent) : {} });
    if (about.prepare) about.prepare(this.data);
    this.rest = Object.fromEntries(Object.entries(about.controls).map(([key, control]) => [key, control.value]));
    this.state = { ...this.rest };
    place.insertAdjacentHTML("beforeend", this.html());
    this.live = place.lastElementChild;
    place.classList.add("is-live");
    place.explorer = this;
    this.sentence = this.live.querySelector(".explorer-sentence");
    this.plots = Object.fromEntries(about.plots.map((plot) => [plot.name, new Plot(this.live.querySelector(".explorer-plots"), plot)]));
    this.listen();
    this.update();
  }

  html() {
    const { about, name } = this, figure = this.place.querySelector(".explorer-figure-number");
    const like = figure && this.data.figure ? `<button type="button" data-do="figure">As in ${figure.textContent}</button>` : "";
    return `<div class="explorer-live" role="group" aria-label="${about.title}">
      <p class="explorer-question"><span>${about.title}</span> ${about.question}</p>
      <div class="explorer-predict" role="group" aria-label="Predict first">
        <p><b>Predict first.</b> ${about.predict.ask}</p>
        <div>${about.predict.choices.map((choice, i) => `<button type="button" data-choice="${i}">${choice}</button>`).join("")}</div>
        <p class="explorer-verdict" role="status"></p>
      </div>
      <div class="explorer-plots"></div>
      ${about.legend ? `<p class="explorer-legend">${about.legend}</p>` : ""}
      <p class="explorer-sentence" role="status"></p>
      <div class="explorer-controls">${Object.entries(about.controls).map(([key, control]) => controlHtml(`${name}-${key}`, key, control)).join("")}</div>
      <div class="explorer-buttons"><button type="button" data-do="reset">Reset</button>${like}${about.extra ?? ""}</div>
    </div>`;
  }

  listen() {
    this.live.addEventListener("input", ({ target }) => {
      const control = this.about.controls[target.dataset.key];
      if (!control || target.value === "") return;
      const value = target.type === "range" ? fromSlider(control, Number(target.value)) : Number(target.value);
      if (target.type === "range" || (value >= control.min && value <= control.max)) this.set({ [target.dataset.key]: value }, target);
    });
    // A typed value that is out of range becomes the nearest that is in it when the reader leaves the field.
    this.live.addEventListener("change", ({ target }) => target.dataset.key && this.set({ [target.dataset.key]: target.type === "number" ? Number(target.value) : this.state[target.dataset.key] }));
    this.live.addEventListener("click", ({ target }) => {
      const { do: action, choice } = target.dataset;
      if (choice) this.predict(Number(choice));
      else if (action === "reset") this.reset();
      else if (action === "figure") this.set(this.data.figure);
      else if (action) this.about.actions[action](this);
    });
    for (const about of this.about.plots) if (about.drag) this.drag(this.plots[about.name], about);
    let width = 0;
    new ResizeObserver(([{ contentRect }]) => {
      if (contentRect.width !== width) Object.values(this.plots).forEach((plot) => plot.measure()), this.update();
      width = contentRect.width;
    }).observe(this.live);
  }

  /** Dragging on a picture sets the controls beside it; nothing can be done by pointer alone. */
  drag(plot, { drag, grip }) {
    let active = false;
    const move = (event) => active && this.set(drag(plot.point(event), this.state, this.result));
    plot.svg.addEventListener("pointerdown", (event) => {
      // A finger that is not on the grip wants to scroll.
      if (grip && event.pointerType === "touch" && !event.target.matches(".grip")) return;
      active = true;
      plot.svg.setPointerCapture(event.pointerId);
      move(event);
    });
    plot.svg.addEventListener("pointermove", move);
    for (const end of ["pointerup", "pointercancel"]) plot.svg.addEventListener(end, () => (active = false));
    plot.svg.classList.add("can-drag");
  }

  /** Change controls, each kept within its bounds, and show the result with the next frame. */
  set(changes, typing = null) {
    for (const [key, value] of Object.entries(changes)) if (key in this.about.controls) this.state[key] = within(this.about.controls[key], value, this.state[key]);
    for (const field of this.live.querySelectorAll("[data-key]")) if (field !== typing) show(field, this.about.controls[field.dataset.key], this.state[field.dataset.key]);
    this.frame ??= requestAnimationFrame(() => this.update());
    clearTimeout(this.saving);
    this.saving = setTimeout(() => this.save(), 300); // browsers allow only so many changes of the address a second
  }

  update() {
    if (this.frame) cancelAnimationFrame(this.frame);
    this.frame = null;
    this.result = this.about.compute(this.state, this.data);
    this.about.draw(this.plots, this.result, this.state, this.data);
    this.sentence.innerHTML = this.about.say(this.result, this.state);
    for (const [key, control] of Object.entries(this.about.controls)) if (control.shown) this.live.querySelector(`[data-control="${key}"]`).hidden = !control.shown(this.state);
  }

  reset() {
    this.set(this.rest);
    this.live.querySelector(".explorer-verdict").textContent = "";
    for (const button of this.live.querySelectorAll("[data-choice]")) button.removeAttribute("aria-pressed");
  }

  /** Move to the setting that was asked about, then say whether the guess was right: the answer is computed there. */
  async predict(choice) {
    const { at, truth, choices } = this.about.predict;
    for (const button of this.live.querySelectorAll("[data-choice]")) button.setAttribute("aria-pressed", String(Number(button.dataset.choice) === choice));
    await this.glide(this.rest);
    const before = this.result;
    await this.glide({ ...this.rest, ...at });
    const right = truth(this.result, before);
    this.live.querySelector(".explorer-verdict").innerHTML = choice === right ? "<b>Right.</b> See below." : `<b>No: ${choices[right].toLowerCase()}.</b> See below.`;
  }

  async glide(target) {
    const from = { ...this.state }, began = performance.now(), still = matchMedia("(prefers-reduced-motion: reduce)").matches || Object.keys(target).every((key) => target[key] === this.state[key]);
    for (let part = still ? 1 : 0; part < 1; part = Math.min(1, (performance.now() - began) / 900)) {
      this.set(Object.fromEntries(Object.keys(target).map((key) => [key, between(this.about.controls[key], from[key], target[key], part)])));
      await new Promise(requestAnimationFrame);
    }
    this.set(target);
    this.update();
  }

  // --- the page's address ------------------------------------------------------------------------------------------

  save() {
    const changed = Object.entries(this.state).filter(([key, value]) => value !== this.rest[key]);
    const hash = `#${this.name}?${new URLSearchParams(changed)}`;
    history.replaceState(null, "", changed.length ? hash : location.pathname + location.search);
  }

  /** Take the setting from the page's address, if it names this explorer. */
  visit() {
    const [name, query] = location.hash.slice(1).split("?");
    if (name !== this.name) return;
    const asked = Object.fromEntries([...new URLSearchParams(query)].map(([key, value]) => [key, Number(value)]));
    this.set({ ...this.rest, ...asked });
    this.place.scrollIntoView();
  }
}

// --- controls: a slider and a typed value for the same number ------------------------------------------------------

const SLIDER_STEPS = 400;

function controlHtml(id, key, control) {
  const { label, min, max, log, whole } = control, ends = log ? [Math.log10(min), Math.log10(max)] : [min, max];
  const step = whole && !log ? 1 : (ends[1] - ends[0]) / SLIDER_STEPS;
  return `<div class="explorer-control" data-control="${key}"><label for="${id}">${label}</label>
    <input type="range" id="${id}" data-key="${key}" min="${ends[0]}" max="${ends[1]}" step="${step}" value="${toSlider(control, control.value)}" aria-valuetext="${control.value}">
    <input type="number" data-key="${key}" min="${min}" max="${max}" step="any" value="${control.value}" aria-label="${label.replace(/<[^>]*>/g, "")}, typed"></div>`;
}

const toSlider = (control, value) => (control.log ? Math.log10(value) : value);

function fromSlider(control, place) {
  return Number((control.log ? 10 ** place : place).toPrecision(3));
}

function within(control, value, otherwise) {
  if (!Number.isFinite(value)) return otherwise;
  const kept = Math.min(control.max, Math.max(control.min, value));
  return control.whole ? Math.round(kept) : kept;
}

function between(control, from, to, part) {
  if (from === to) return to;
  return control.log ? Number((from * (to / from) ** part).toPrecision(3)) : from + (to - from) * part;
}

function show(field, control, value) {
  field.value = field.type === "range" ? toSlider(control, value) : Number(value.toPrecision(6));
  if (field.type === "range") field.setAttribute("aria-valuetext", Number(value.toPrecision(6)));
}
