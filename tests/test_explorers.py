"""The explorers in a browser: each control moved by mouse and by keyboard, what is drawn and said held against bngd."""

import math
import os
import re
from pathlib import Path
from urllib.parse import parse_qsl

import explorer_truths
import explorers_in_page as in_page
import numpy as np
import pytest
from problems import a_problem

import bngd
from bngd.companion import explorers
from bngd.companion.parameters import defaults

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "book" / "explorers"
NAMES = list(explorers.SOURCES)
UNCOVERING = {"ladder": {"d": 8}, "working": {"demand": 2}}
"""The setting that shows the controls which are hidden at first."""

TIMES = " \N{MULTIPLICATION SIGN} "
timed = pytest.mark.skipif("BNGD_SPEED" not in os.environ, reason="a time says something on a quiet machine only")

ROUNDED = 0.011
"""Pixels: coordinates are written with two decimals."""


@pytest.fixture(scope="session")
def data():
    """What each explorer takes from its notebook's default parameters."""
    return {
        name: prepare(defaults(ROOT / "notebooks" / f"{notebook}.ipynb"))[0]
        for name, (notebook, _, prepare) in explorers.SOURCES.items()
    }


@pytest.fixture(scope="session")
def site(tmp_path_factory, data):
    """A page with all explorers, as a file: nothing serves it."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "explorers.js").write_text(explorers.bundle(SOURCES))
    (folder / "explorers.css").write_text((SOURCES / "explorers.css").read_text())
    number = '<span class="explorer-figure-number">Fig. 1</span>'
    places = "".join(
        f'<div class="explorer" id="{name}" data-explorer="{name}">{explorers.script(data[name])}'
        f'<div class="explorer-still">Still: {number}</div></div>'
        for name in NAMES
    )
    page = folder / "page.html"
    page.write_text(
        '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>Explorers</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="explorers.css"><script defer src="explorers.js"></script></head>'
        f"<body><main>{places}</main></body></html>"
    )
    return page.as_uri()


@pytest.fixture(scope="session")
def context(browser):
    context = browser.new_context(offline=True, reduced_motion="reduce", viewport={"width": 1280, "height": 1000})
    yield context
    context.close()


@pytest.fixture(scope="session")
def opened(context, site):
    """The page, opened once, and what it complains of."""
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(site)
    return page, complaints


@pytest.fixture
def page(opened):
    page, complaints = opened
    page.bring_to_front()  # what another page hides draws no frames
    page.evaluate(in_page.AT_REST)
    settle(page)
    yield page
    assert complaints == []


# --- the mathematics: the same numbers as bngd's ---------------------------------------------------------------------


@pytest.fixture(scope="session")
def mathematics(context):
    """A page in which the functions of dynamics.js and theory.js have global names."""
    page = context.new_page()
    for name in ("dynamics", "theory"):
        page.add_script_tag(content=explorers.plain((SOURCES / f"{name}.js").read_text()))
    return page


def journey(problem, w0, a0, lr, lr_a, steps, level):
    """What `JOURNEY` returns, by bngd."""
    run = bngd.bngd_trajectory(problem, w0, lr, steps, lr_a=lr_a, a0=a0)
    gd, end = bngd.gd_trajectory(problem, w0, lr, steps), bngd.bngd_trajectory(problem, w0, lr, steps, lr_a=lr_a)
    return {
        "sigma": bngd.sigma(problem, w0), "residual": bngd.residual(problem, w0),
        "optimal_a": bngd.optimal_a(problem, w0), "step": [run.a[1], *run.w[1]], "a": run.a, "w": run.w,
        "loss": run.excess_loss, "end": [end.a[-1], *end.w[-1]], "gd_w": gd.w, "gd_loss": gd.excess_loss,
        "effective_step": bngd.effective_step(problem, a0, w0, lr),
        "eigenvalues": bngd.effective_eigenvalues(problem),
        "limits": [bngd.gd_stability_limit(problem), bngd.bngd_stability_limit(problem)],
        "bound": bngd.contraction_bound(problem, lr), "asymptotes": bngd.effective_step_asymptotes(problem, w0),
        "good": bngd.good_interval(problem, w0, level), "limit_step": bngd.limit_effective_step(problem, lr, w0),
    }, str(run.outcome)  # fmt: skip


def test_the_mathematics_agrees_with_bngd_to_1e10(mathematics):
    rng = np.random.default_rng(12)
    for _ in range(150):
        d, steps = int(rng.integers(2, 12)), int(rng.integers(1, 40))
        eigenvalues, scale = np.sort(10 ** rng.uniform(0, 3, d)), 10 ** rng.uniform(-1, 1)
        problem = bngd.Problem.from_spectrum(eigenvalues, rng=rng)
        w0, a0 = scale * bngd.unit_vectors(rng, d), float(rng.standard_normal())
        # Past GD's limit rounding grows with the run itself: then a few steps are all that can be compared.
        lr, lr_a, level = 10 ** rng.uniform(-4, 4), rng.uniform(0.05, 2.4), 10 ** rng.uniform(-5, 0)
        steps = steps if lr < 0.3 / eigenvalues[-1] else min(steps, 3)
        found = mathematics.evaluate(
            in_page.JOURNEY, [list(eigenvalues), list(problem.u), list(w0), a0, lr, lr_a, steps, level]
        )
        expected, outcome = journey(problem, w0, a0, lr, lr_a, steps, level)
        assert found.pop("outcome") == outcome
        for name, value in expected.items():
            value = np.asarray(value, dtype=float)
            same = np.array(found[name], dtype=float)  # a whole number of any size comes back as a Python int
            np.testing.assert_allclose(same, value, rtol=1e-10, atol=1e-10 * np.abs(value).max(), err_msg=name)


def test_a_wrong_formula_is_seen(context):
    page = context.new_page()
    wrong = (SOURCES / "dynamics.js").read_text().replace("(lr * a) / s,", "lr * a,")
    for text in (wrong, (SOURCES / "theory.js").read_text()):
        page.add_script_tag(content=explorers.plain(text))
    problem, w0 = a_problem(4)
    found = page.evaluate(
        in_page.JOURNEY, [list(problem.eigenvalues), list(problem.u), list(w0), 1.0, 0.1, 1.0, 1, 0.1]
    )
    page.close()
    assert not np.allclose(found["step"], journey(problem, w0, 1.0, 0.1, 1.0, 1, 0.1)[0]["step"])


def test_the_widest_workable_range_is_bngds(mathematics):
    rng = np.random.default_rng(5)
    for _ in range(50):
        lr, loss = np.cumsum(rng.uniform(0.1, 1, 12)), 10 ** rng.uniform(-3, 3, 12)
        expected = bngd.workable_range(lr, loss, 1.0)
        found = mathematics.evaluate("([lr, loss]) => workableRange(lr, loss, 1)", [list(lr), list(loss)])
        np.testing.assert_allclose([found["low"], found["high"]], expected[:2], rtol=1e-10)
        assert found["censored"] == expected.censored


# --- what is drawn and said, wherever the controls stand -------------------------------------------------------------


def state(page, name):
    return page.evaluate("name => document.getElementById(name).explorer.state", name)


def settle(page):
    """Wait until what was changed has been drawn."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def written(text):
    """The number that a text shows, and half a unit of its last digit, relative."""
    text = text.replace("\u202f", "").replace("\N{MINUS SIGN}", "-")
    if text in ("∞", "-∞"):
        return float(text.replace("∞", "inf")), 0.0
    mantissa, _, power = text.partition(TIMES) if TIMES in text else (text, "", "")
    if re.fullmatch(r"10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", mantissa):
        mantissa, power = "1", mantissa
    exponent = int(power[2:].translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))) if power else 0
    return float(mantissa) * 10.0**exponent, 0.051


def drawn(marks):
    """Every line, dot and block of the pictures, back from pixels: (plot, class) -> list of arrays of (x, y)."""
    found = {}
    for plot, cls, axes, shape in marks:
        points = re.findall(r"[ML](-?[\d.e+-]+) (-?[\d.e+-]+)", shape)
        if points:
            found.setdefault((plot, cls.removeprefix("line ")), []).append((np.array(points, dtype=float), axes))
    return found


def pixel(axis, values):
    """Where values stand on an axis that a plot states; kept within what can be drawn, as the plot does."""
    kind, *numbers = axis.split()
    low, high, start, end = map(float, numbers)
    values = np.asarray(values, dtype=float)
    if kind == "log":
        with np.errstate(divide="ignore", invalid="ignore"):
            low, high, values = math.log10(low), math.log10(high), np.log10(values)
    return start + (values - low) * (end - start) / (high - low)


def in_sight(points, axes):
    """Points with what lies off the picture moved to its rim: how far a run explodes is a matter of rounding."""
    ends = [sorted(map(float, axis.split()[-2:])) for axis in axes]
    return np.column_stack([np.clip(points[:, i], low - 20, high + 20) for i, (low, high) in enumerate(ends)])


def compare(page, name, data):
    """Hold all that an explorer says and draws against `explorer_truths`; return where its controls stand."""
    seen = page.evaluate(in_page.SEEN, name)
    now, numbers = seen["state"], {key: (float(value), text) for key, value, text in seen["said"]}
    truth = explorer_truths.TRUTHS[name](now, data[name] | seen["given"])
    assert set(truth["always"]) <= set(numbers) <= set(truth["numbers"]), (now, numbers)
    for key, (value, text) in numbers.items():
        if abs(value) < truth.get("noise", 0):
            assert abs(truth["numbers"][key]) < truth["noise"]
            continue
        np.testing.assert_allclose(
            value,
            truth["numbers"][key],
            rtol=truth.get("rtol", 1e-7),
            atol=truth.get("atol", 0),
            err_msg=f"{key} at {now}",
        )
        shown, precision = written(text)
        np.testing.assert_allclose(shown, value, rtol=precision, atol=1e-12, err_msg=f"{key} at {now}")
    sentence = " ".join(seen["sentence"].split())
    for words, there in truth["words"].items():
        assert (words in sentence) == bool(there), (now, sentence)
    pictures = drawn(seen["drawn"])
    for key, lines in truth["drawn"].items():
        assert len(pictures.get(key, [])) == len(lines), (now, key)
        for (points, (x, y)), (xs, ys) in zip(pictures.get(key, []), lines, strict=True):
            expected = np.column_stack([pixel(x, xs), pixel(y, ys)])
            expected = expected[~np.isnan(expected).any(axis=1)]
            points = points[: len(expected)] if truth.get("heads") else points
            assert points.shape == expected.shape, (now, key)
            apart = np.abs(in_sight(points, (x, y)) - in_sight(expected, (x, y))).max(axis=1, initial=0)
            # At the very edge of stability what a run does is decided by rounding, and two correct sums differ in that.
            limit = truth.get("pixels", ROUNDED)
            assert np.sum(apart > limit) <= truth.get("stray", 0), (now, key, points[apart > limit])
            assert np.all(apart < 20), (now, key)
    return now


def controls(page, name):
    """The name of every control, each of them in sight when it comes to its turn."""
    keys = [key for key, *_ in page.evaluate(in_page.BOUNDS, name)]
    assert len(keys) > 1
    for key in keys:
        page.click(f"#{name} [data-do=reset]")
        settle(page)
        if not page.locator(f"#{name} [data-control={key}]").is_visible():
            page.evaluate("([name, at]) => document.getElementById(name).explorer.set(at)", [name, UNCOVERING[name]])
            settle(page)
        yield key


@pytest.mark.parametrize("name", NAMES)
def test_every_slider_moved_by_mouse_tells_the_truth(page, data, name):
    before = compare(page, name, data)
    for key in controls(page, name):
        slider = page.locator(f"#{name} input[type=range][data-key={key}]")
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        for part in (0.93, 0.08, 0.61):
            page.mouse.move(box["x"] + part * box["width"], box["y"] + box["height"] / 2)
            now = compare(page, name, data)
        page.mouse.up()
        assert now[key] != before[key], key


@pytest.mark.parametrize("name", NAMES)
def test_every_control_moved_by_keyboard_tells_the_truth(page, data, name):
    bounds = page.evaluate(in_page.BOUNDS, name)
    whole = {key: high - low + 1 for key, low, high, _, whole in bounds if whole}
    for key in controls(page, name):
        slider = page.locator(f"#{name} input[type=range][data-key={key}]")
        slider.focus()
        seen = []
        for press in ("End", "ArrowLeft", "Home", "ArrowRight", "PageUp"):
            slider.press(press)
            seen.append(compare(page, name, data)[key])
        assert len(set(seen)) >= min(4, whole.get(key, 4)), (key, seen)
        typed = page.locator(f"#{name} input[type=number][data-key={key}]")
        low, high = float(typed.get_attribute("min")), float(typed.get_attribute("max"))
        middle = float(f"{(low * high) ** 0.5 if low > 0 else (low + 2 * high) / 3:.3g}")
        typed.fill(str(round(middle) if key in whole else middle))
        typed.press("Enter")
        compare(page, name, data)
        typed.fill(str(high * 10 + 1))
        typed.press("Tab")
        assert compare(page, name, data)[key] == high


@pytest.mark.parametrize("name", NAMES)
def test_random_settings_tell_the_truth(page, data, name):
    rng = np.random.default_rng(3)
    bounds = page.evaluate(in_page.BOUNDS, name)
    for _ in range(12):
        at = {
            key: float(10 ** rng.uniform(np.log10(low), np.log10(high)) if log else rng.uniform(low, high))
            for key, low, high, log, _ in bounds
        }
        page.evaluate("([name, at]) => document.getElementById(name).explorer.set(at)", [name, at])
        compare(page, name, data)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_that_can_be_dragged_sets_the_controls(page, data, name):
    for plot in page.query_selector_all(f"#{name} .can-drag"):
        plot.scroll_into_view_if_needed()
        box, before = plot.bounding_box(), state(page, name)
        page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.45 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.66 * box["width"], box["y"] + 0.35 * box["height"])
        now = compare(page, name, data)
        page.mouse.up()
        assert now != before


@pytest.mark.parametrize("name", NAMES)
def test_the_prediction_is_judged_by_what_happens_and_reset_returns(page, data, name):
    rest, verdicts = state(page, name), []
    choices = page.locator(f"#{name} [data-choice]")
    for i in range(choices.count()):
        choices.nth(i).focus()
        page.keyboard.press("Enter")
        page.wait_for_function("name => document.querySelector(`#${name} .explorer-verdict`).textContent", arg=name)
        page.wait_for_timeout(50)
        assert compare(page, name, data) != rest
        verdicts.append(page.inner_text(f"#{name} .explorer-verdict").startswith("Right"))
        page.click(f"#{name} [data-do=reset]")
        assert compare(page, name, data) == rest
        assert page.inner_text(f"#{name} .explorer-verdict") == ""
    assert verdicts == [i == explorer_truths.PREDICTIONS[name] for i in range(len(verdicts))]


@pytest.mark.parametrize("name", NAMES)
def test_the_setting_of_the_figure_is_one_click_away_and_lives_in_the_address(context, page, site, data, name):
    first = state(page, name)
    page.click(f"#{name} [data-do=figure]")
    now = compare(page, name, data)
    assert data[name]["figure"].items() <= now.items()
    if now == first:
        return  # the setting that a page opens with needs no address
    page.wait_for_function("location.hash")
    asked, _, query = page.evaluate("location.hash.slice(1)").partition("?")
    assert asked == name
    assert {key: float(value) for key, value in parse_qsl(query)}.items() <= now.items()
    other = context.new_page()
    other.goto(page.url)
    settle(other)
    assert state(other, name) == now
    other.close()


def clock(page):
    """A function that tells how many milliseconds a page's own thread has worked: others share the machine."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def busy():
        metrics = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
        return 1000 * metrics["TaskDuration"]

    return busy


@timed
@pytest.mark.parametrize("name", NAMES)
def test_a_drag_keeps_up(page, name):
    busy = clock(page)
    took = []
    for key in controls(page, name):
        for part in np.linspace(0, 1, 12):
            before = busy()
            page.evaluate(in_page.SLIDE, [name, key, float(part)])
            took.append(busy() - before)
    print(f"{name}: median {np.median(took):.1f} ms, most {np.max(took):.1f} ms")
    assert np.median(took) < 16
    assert np.max(took[5:]) < 50  # the first few find the code not yet compiled


# --- the page --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_control_has_a_name_and_a_typed_twin(page, name):
    assert page.locator(f"#{name} input[type=range]").count() == page.locator(f"#{name} input[type=number]").count()
    for field in page.query_selector_all(f"#{name} input"):
        assert page.evaluate("f => f.labels.length > 0 || (f.getAttribute('aria-label') ?? '').length > 5", field)
    for svg in page.query_selector_all(f"#{name} svg"):
        assert len(svg.get_attribute("aria-label").split()) > 3


def test_a_phone_shows_all_of_it(browser, site):
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 800}, has_touch=True)
    page = context.new_page()
    page.goto(site)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    low = page.eval_on_selector_all(
        "button, input", "nodes => nodes.filter(n => n.checkVisibility() && n.offsetHeight < 28).length"
    )
    assert low == 0
    context.close()


def test_without_scripts_and_in_print_there_is_the_still(browser, page, site):
    context = browser.new_context(offline=True, java_script_enabled=False)
    plain = context.new_page()
    plain.goto(site)
    assert plain.locator(".explorer-still").first.is_visible()
    context.close()
    assert not page.locator(".explorer-still").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator(".explorer-still").first.is_visible()
    assert not page.locator(".explorer-live").first.is_visible()
    page.emulate_media(media="screen")


@timed
def test_it_opens_at_once(context, site):
    page = context.new_page()
    busy = clock(page)
    page.goto(site)
    page.wait_for_selector(".explorer-live")
    assert busy() < 2000
    page.close()


def test_the_scripts_are_small():
    assert len(explorers.bundle(SOURCES).encode()) < 80_000
