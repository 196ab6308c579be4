"""JavaScript that the tests of the explorers run in a page."""

JOURNEY = """([eigenvalues, u, w0, a0, lr, lrA, steps, level]) => {
    const problem = makeProblem(eigenvalues, u), w = Float64Array.from(w0), plain = (values) => Array.from(values);
    const run = bngdTrajectory(problem, w0, lr, steps, { lrA, a0 }), gd = gdTrajectory(problem, w0, lr, steps);
    const asymptotes = effectiveStepAsymptotes(problem, w), good = goodInterval(problem, w, level);
    const [a1, w1] = bngdStep(problem, a0, w, lr, lrA), end = bngdEnd(problem, w, lr, steps, lrA);
    return {
        sigma: sigma(problem, w), residual: plain(residual(problem, w)), optimal_a: optimalA(problem, w),
        step: [a1, ...w1], a: run.a, w: run.w.map(plain), loss: run.excessLoss, end: [end.a, ...end.w],
        gd_w: gd.w.map(plain), gd_loss: gd.excessLoss, effective_step: effectiveStep(problem, a0, w, lr),
        eigenvalues: plain(effectiveEigenvalues(problem)),
        limits: [gdStabilityLimit(problem), bngdStabilityLimit(problem)],
        bound: contractionBound(problem, lr), limit_step: limitEffectiveStep(problem, lr, w),
        asymptotes: [asymptotes.small, asymptotes.large], good: [good.low, good.high],
        outcome: classify(
            problem, run.excessLoss[0], run.excessLoss[steps], run.a[steps], optimalA(problem, run.w[steps])),
    };
}"""
"""Everything that dynamics.js and theory.js say of one configuration."""

DRAWN = """name => [...document.querySelectorAll(`#${name} .explorer-plot`)].flatMap((svg) => {
    const group = svg.querySelector("g"), axes = [group.dataset.x, group.dataset.y];
    const shapes = {
        path: (mark) => mark.getAttribute("d"),
        circle: (mark) => `M${mark.getAttribute("cx")} ${mark.getAttribute("cy")}`,
        rect: ({ x, y, width, height }) => {
            const [left, top] = [x.baseVal.value, y.baseVal.value];
            return `M${left} ${top}L${left + width.baseVal.value} ${top + height.baseVal.value}`;
        },
    };
    return [...group.children].map((mark) =>
        [svg.dataset.plot, mark.getAttribute("class"), axes, shapes[mark.tagName]?.(mark) ?? ""]);
})"""
"""Every mark of an explorer's pictures: plot, class, the two scales, its points as a path."""

BOUNDS = """name => Object.entries(document.getElementById(name).explorer.about.controls).map(
    ([key, control]) => [key, control.min, control.max, !!control.log, !!control.whole])"""

SLIDE = """([name, key, part]) => {
    const place = document.getElementById(name);
    const slider = place.querySelector(`input[type=range][data-key="${key}"]`);
    slider.value = Number(slider.min) + part * (slider.max - slider.min);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    place.explorer.update();
    place.getBoundingClientRect();
}"""
"""Move a slider as a drag does, and finish with what it leads to before the browser paints."""

SEEN = (
    """async name => {
    const frame = () => new Promise(requestAnimationFrame), place = document.getElementById(name), one = place.explorer;
    const { sample } = one.about;
    await frame();
    while (one.frame) await frame();
    const sentence = place.querySelector(".explorer-sentence"), page = ({ gd, bngd }) => ({ gd, bngd });
    return {
        state: one.state, sentence: sentence.innerText, drawn: ("""
    + DRAWN
    + """)(name),
        said: [...sentence.querySelectorAll("data")].map((node) => [node.dataset.name, node.value, node.textContent]),
        given: {
            luck: () => ({ draws: JSON.stringify(Array.from(one.result.logs, (_, k) => sample(one.state, k))) }),
            working: () => ({ page: page(one.result) }),
            patience: () => {
                const { gd, joint, own } = one.result;
                return { page: { gd: gd.needed, joint: joint.needed, own: own.needed } };
            },
        }[name]?.() ?? {},
    };
}"""
)
"""What a reader sees once a change has been drawn; the random problems behind the histogram of Luck and dimension, and
the losses of What counts as working with what is asked of them, and the steps that the runs of Patience need."""

AT_REST = """() => {
    for (const { explorer } of document.querySelectorAll("[data-explorer]")) {
        clearTimeout(explorer.saving);
        const moved = Object.entries(explorer.rest).some(([key, value]) => explorer.state[key] !== value);
        if (moved || explorer.live.querySelector(".explorer-verdict").textContent) explorer.reset();
        clearTimeout(explorer.saving);
    }
    history.replaceState(null, "", location.pathname);
}"""
"""Every explorer, and the address, as they were when the page was opened."""
