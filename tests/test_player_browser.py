"""The player's pages in a real browser: keys and slider, numbers, dragging, formulas, both themes.

Needs Chromium with its driver and selenium; skipped where they are missing.
"""

import itertools
import re
from pathlib import Path

import numpy as np
import player_runs as runs
import pytest
from browser import DESKTOP, PHONE, Browser, shots_folder

from zeroone.bcd.full_batch import Options, initial_state, network
from zeroone.bcd.mini_batch import iterate as mini_batches
from zeroone.bcd.objective import objective
from zeroone.gaussian.filters import angle
from zeroone.gaussian.population import coarse_gradient, population_loss, true_gradient
from zeroone.gaussian.rvscgd import iterate as splitting_steps
from zeroone.gaussian.theory import smallest_delta
from zeroone.nets.mlp import ZeroOneMLP
from zeroone.penalties import get_penalty
from zeroone.player.document import page, record, render, show
from zeroone.player.worked import num
from zeroone.steps import Step

KINDS = ("bcd", "joint", "digits", "rvscgd", "many", "ftprop", "unmeasured", "coarse", "terms")


@pytest.fixture(scope="module")
def browser():
    found = Browser()
    yield found
    found.quit()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, browser):
    """Return a folder with a page of each kind; none is made where there is no browser."""
    folder = tmp_path_factory.mktemp("pages")
    steps, start = runs.blocks()
    page(steps, folder / "bcd.html", start=start)
    steps, start = runs.blocks(splitting="joint", hidden=(4, 3), lam=0.3)
    page(steps, folder / "joint.html", start=start)
    steps, start, pixels = runs.digits()
    page(steps, folder / "digits.html", start=start, pictures=pixels)
    page(runs.splitting(), folder / "rvscgd.html")
    page(runs.splitting(d=50, method="admm"), folder / "many.html")
    page(runs.targets(), folder / "ftprop.html")
    page(runs.targets(measure=False, normalise=True), folder / "unmeasured.html")
    page(runs.coarse(), folder / "coarse.html")
    X, Y = runs.plane()
    page(
        mini_batches(X, 2 * Y - 1, (4,), rng=0, measure=True, epochs=2, batch_size=10),
        folder / "terms.html",
    )
    return folder


def present(browser):
    return browser.value("zeroone.player.present")


def last(browser):
    return browser.value("zeroone.player.last")


def go(browser, i):
    browser.run("zeroone.player.go(arguments[0])", i)


def rows(browser, selector):
    """Return the texts of a table's cells, row by row."""
    return browser.run(
        "return [...document.querySelectorAll(arguments[0] + ' tbody tr')].map((row) =>"
        " [...row.children].map((cell) => cell.textContent.trim()));",
        selector,
    )


# ------------------------------------------------------------------------------- every page


@pytest.mark.parametrize("size", [DESKTOP, PHONE, (320, 568)])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_pages_load_and_play_without_complaint(browser, folder, kind, dark, size):
    browser.look(size, dark)
    browser.open(folder / f"{kind}.html")
    steps = last(browser)
    for i in np.unique(np.linspace(0, steps, 12).astype(int)).tolist():
        go(browser, i)
        assert present(browser) == i
        # Nothing stands out of the screen.
        assert browser.value("document.documentElement.scrollWidth") <= size[0]
        assert "NaN" not in browser.run("return document.body.innerText;")
        assert "undefined" not in browser.run("return document.body.innerText;")
    assert browser.complaints() == []
    assert browser.requests() == []
    background = browser.value("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", background))) < 200) == dark
    if shots_folder():
        go(browser, steps // 3)
        name = f"{kind}_{size[0]}_{'dark' if dark else 'light'}.png"
        browser.driver.save_screenshot(str(Path(shots_folder()) / name))


@pytest.mark.parametrize("kind", ["bcd", "rvscgd", "ftprop", "coarse"])
def test_keys_move_the_state(browser, folder, kind):
    from selenium.webdriver.common.keys import Keys

    browser.look()
    browser.open(folder / f"{kind}.html")
    end = last(browser)
    for key, expected in (
        (Keys.ARROW_RIGHT, 1),
        (Keys.ARROW_RIGHT, 2),
        (Keys.ARROW_LEFT, 1),
        (Keys.END, end),
        (Keys.ARROW_RIGHT, end),
        (Keys.HOME, 0),
        (Keys.ARROW_LEFT, 0),
    ):
        browser.press(key)
        assert present(browser) == expected
        assert browser.text("#status").startswith(f"Step {expected} of {end}")
        assert browser.value("document.getElementById('slider').valueAsNumber") == expected
    changing = browser.value("zeroone.player.run.changing")
    assert 0 < len(changing) <= end
    for i in changing[:6]:
        browser.press("n")
        assert present(browser) == i
    browser.press("p")
    assert present(browser) == changing[:6][-2]
    go(browser, changing[-1])
    browser.press("n")
    assert present(browser) == end
    assert browser.complaints() == []


def test_changes_are_where_the_recording_says(browser, folder):
    browser.open(folder / "bcd.html")
    steps, start = runs.blocks()
    recording = record(steps, start=start)
    expected = [i for i, frame in enumerate(recording.frames) if i and "happened" in frame]
    assert browser.value("zeroone.player.run.changing") == expected


def test_playing_and_speed(browser, folder):
    browser.look()
    browser.open(folder / "rvscgd.html")
    wait = browser.driver.execute_async_script
    until = (
        "const [limit, done] = arguments; const begun = performance.now();"
        "const look = () => zeroone.player.present > 3 || performance.now() - begun > limit"
        " ? done(zeroone.player.present) : setTimeout(look, 20); look();"
    )
    browser.press(*"+++")
    assert browser.value("document.getElementById('speed').value") == "20"
    browser.press(" ")
    assert browser.find("#play").get_attribute("aria-label") == "Pause"
    assert browser.find("#status").get_attribute("aria-live") == "off"
    assert wait(until, 20_000) > 3
    browser.press(" ")
    assert browser.find("#play").get_attribute("aria-label") == "Play"
    assert browser.find("#status").get_attribute("aria-live") == "polite"
    at = present(browser)
    browser.run("return new Promise((done) => setTimeout(done, 200));")
    assert present(browser) == at
    # At the end it stops by itself, and begins anew when asked again.
    browser.press(*"++")
    go(browser, last(browser) - 1)
    browser.click("#play")
    stops = until.replace("zeroone.player.present > 3", "zeroone.player.timer === null")
    assert wait(stops, 20_000) == last(browser)
    browser.click("#play")
    assert present(browser) < last(browser)
    browser.click("#play")


def test_buttons_and_slider_move_the_state(browser, folder):
    from selenium.webdriver.common.keys import Keys

    browser.look()
    browser.open(folder / "coarse.html")
    for button, expected in (
        ("#forward", 1),
        ("#forward", 2),
        ("#back", 1),
        ("#last", 30),
        ("#first", 0),
        ("#change", 1),
    ):
        browser.click(button)
        assert present(browser) == expected
    slider = browser.find("#slider")
    slider.send_keys(Keys.ARROW_RIGHT)
    assert present(browser) == 2
    slider.send_keys(Keys.ARROW_UP)
    assert present(browser) == 3
    browser.run(
        "const slider = document.getElementById('slider'); slider.value = 17;"
        "slider.dispatchEvent(new Event('input'));"
    )
    assert present(browser) == 17
    # A key that belongs to a field does not move the run.
    browser.find("#speed").send_keys(Keys.ARROW_DOWN)
    assert present(browser) == 17


def test_slider_by_pointer(browser, folder):
    from selenium.webdriver.common.action_chains import ActionChains

    browser.look()
    browser.open(folder / "rvscgd.html")
    slider = browser.find("#slider")
    ActionChains(browser.driver).move_to_element(slider).click().perform()
    assert abs(present(browser) - last(browser) / 2) <= last(browser) / 20


def test_theme_can_be_changed_against_the_readers_preference(browser, folder):
    def light():
        colour = browser.value("getComputedStyle(document.body).backgroundColor")
        return sum(map(int, re.findall(r"\d+", colour))) > 400

    for dark in (False, True):
        browser.look(dark=dark)
        browser.open(folder / "bcd.html")
        assert light() != dark
        browser.click("#theme")
        assert light() == dark
        assert browser.find("#theme").get_attribute("aria-pressed") == str(not dark).lower()
        browser.click("#theme")
        assert light() != dark


@pytest.mark.parametrize("kind", KINDS)
def test_a_screen_reader_finds_its_way(browser, folder, kind):
    browser.look()
    browser.open(folder / f"{kind}.html")
    go(browser, min(5, last(browser)))
    unnamed = browser.run(
        """
        const named = (each) => each.getAttribute("aria-label") || each.textContent.trim() ||
          (each.labels && each.labels.length) || each.getAttribute("aria-labelledby");
        return [...document.querySelectorAll("button, input, select, section, [role=img]")]
          .filter((each) => !named(each)).map((each) => each.outerHTML.slice(0, 200));
        """
    )
    assert unnamed == []
    slider = browser.find("#slider")
    assert slider.get_attribute("aria-valuetext") == browser.text("#status")
    assert browser.find("#status").get_attribute("role") == "status"
    assert browser.find("html").get_attribute("lang") == "en"
    assert browser.value("document.querySelectorAll('h1').length") == 1
    assert browser.value("document.querySelectorAll('table:not(:has(caption))').length") == 0
    # Pictures that say nothing by themselves are hidden, all others have a name.
    bare = "svg:not([role=img]):not([aria-hidden]):not(.key)"
    assert browser.value(f"document.querySelectorAll('{bare}').length") == 0
    maths = browser.value("document.querySelectorAll('math:not([alttext])').length")
    assert maths == 0


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_contrast(browser, folder, dark):
    """Every colour of text has a contrast of 4.5 to its ground, as WCAG asks."""
    browser.look(dark=dark)
    browser.open(folder / "bcd.html")

    def luminance(colour):
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return np.dot([0.2126, 0.7152, 0.0722], linear)

    def colour(name):
        return browser.run("return zeroone.drawing.resolved(arguments[0]);", f"--{name}")

    for text, ground in itertools.product(("ink", "soft", "vermilion"), ("panel", "page")):
        pair = sorted([luminance(colour(text)), luminance(colour(ground))])
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= (3.9 if text == "vermilion" else 4.5)
    for text in ("green", "accent", "blue"):
        pair = sorted([luminance(colour(text)), luminance(colour("panel"))])
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.4


def test_a_title_is_text_and_nothing_else(browser, tmp_path):
    title = '<script>window.broken = true</script> & "more" </script>'
    page(runs.coarse(n_iter=2), tmp_path / "page.html", title=title)
    browser.open(tmp_path / "page.html")
    assert browser.text("h1") == title
    assert browser.value("window.broken === undefined")
    assert browser.complaints() == []


def test_what_cannot_be_shown_says_so(browser, tmp_path):
    text = render(runs.coarse(n_iter=2))
    broken = re.sub(r'(text/plain">)[^<]{20}', r"\1" + "A" * 20, text)
    (tmp_path / "broken.html").write_text(broken, encoding="utf-8")
    browser.open(tmp_path / "broken.html")
    assert "The run cannot be shown" in browser.text("#failure")
    assert browser.find("#failure").is_displayed()


def test_odd_runs_are_shown_too(browser, tmp_path):
    """One step, one sample, one class, targets that are no classes, units that are removed."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((7, 2))
    odd = {
        "one": (runs.targets(), {"limit": 1}),
        "first": (runs.blocks()[0], {"limit": 1}),
        "sample": (runs.blocks(data=(X[:1], np.eye(2)[:1]))[0], {}),
        "regression": (runs.blocks(data=(X, rng.standard_normal((7, 1))))[0], {}),
        "removed": (runs.blocks(data=(X, np.eye(2)[[0, 1] * 3 + [0]]), lam=1e3)[0], {}),
        "features": (runs.blocks(data=(rng.standard_normal((7, 3)), np.eye(2)[[0] * 7]))[0], {}),
        "still": (runs.coarse(start=0.0), {}),
        "opposite": (runs.coarse(start=np.pi, d=4), {}),
        "stiff": (runs.splitting(beta=9.0), {}),
        "far": (runs.splitting(every=7), {}),
        "unknown": (iter([Step(1, "x", {}, {}), Step(1, "y", {"f": 1.0}, {"f": np.inf})]), {}),
    }
    browser.look()
    for name, (steps, options) in odd.items():
        page(steps, tmp_path / f"{name}.html", **options)
        browser.open(tmp_path / f"{name}.html")
        for i in (0, 1, last(browser)):
            go(browser, i)
        said = browser.run("return document.body.innerText;")
        assert browser.complaints() == [], name
        assert not re.search("NaN|undefined|Infinity", said), name
        assert not browser.find("#failure").is_displayed(), name


# ----------------------------------------------------------------- numbers on the page and in steps


def assert_objective(browser, step):
    """Compare the table of terms with a step's."""
    table = {row[0]: row[1:] for row in rows(browser, "#objective")}
    assert set(step.after) <= set(table)
    for name in step.after:
        assert table[name][:2] == [num(step.before[name]), num(step.after[name])], name


def test_numbers_of_block_coordinate_descent(browser, folder):
    browser.look()
    browser.open(folder / "joint.html")
    X, Y = runs.plane()
    steps, _ = runs.blocks(splitting="joint", hidden=(4, 3), lam=0.3)
    for i, step in enumerate(steps, start=1):
        go(browser, i)
        assert_objective(browser, step)
        totals = {row[0]: row for row in rows(browser, "#objective")}["F"]
        assert float(totals[2]) == pytest.approx(step.objective_after, rel=1e-5)
        right = np.mean(network(step.state).decision_function(X).argmax(1) == Y.argmax(1))
        assert float(browser.text(".big")[:-1]) == pytest.approx(100 * right, rel=1e-3)
        for layer, (W, b) in enumerate(step.state.layers()):
            tables = browser.run(
                "return [...document.querySelectorAll('.scroll table')].map((table) =>"
                " [...table.querySelectorAll('tbody tr')].map((row) =>"
                " [...row.querySelectorAll('td')].map((cell) => Number(cell.textContent))));"
            )
            np.testing.assert_allclose(tables[layer], np.column_stack([W, b]), rtol=6e-3)
        bits = sum(int(np.sum(U > 0)) for U in step.state.preactivations)
        captions = browser.run(
            "return [...document.querySelectorAll('.matrix + .caption')].map((e) => e.textContent);"
        )
        told = [re.search(r"(\d+) of \d+ fire, (\d+) flip", text) for text in captions]
        assert sum(int(found[1]) for found in told if found) == bits
        flips = sum(int(found[2]) for found in told if found)
        assert flips == step.info.get("flipped", 0)
        assert browser.text("#equation [data-of]:not([hidden]) .block") == step.block


@pytest.mark.parametrize(("name", "d", "method"), [("rvscgd", 2, "rvscgd"), ("many", 50, "admm")])
def test_numbers_of_rvscgd(browser, folder, name, d, method):
    browser.look()
    browser.open(folder / f"{name}.html")
    w_star = np.eye(d)[0]
    for i, step in enumerate(runs.splitting(d=d, method=method), start=1):
        if i % 7 and i < 150:
            continue
        go(browser, i)
        assert_objective(browser, step)
        caption = browser.text("#pictures .panel .caption")
        theta = float(angle(step.state.w, w_star))
        assert float(re.search(r"w\*: ([\d.e-]+) rad", caption)[1]) == pytest.approx(
            theta, rel=1e-5
        )
        if d == 50:
            assert f"{np.count_nonzero(step.state.u)} of 50 entries" in caption
        else:
            pairs = re.findall(r"\(([^)]*)\)", caption)
            shown = [[float(each) for each in pair.split(", ")] for pair in pairs]
            np.testing.assert_allclose(shown, [step.state.w, step.state.u], rtol=6e-4)


def test_numbers_of_target_propagation(browser, folder):
    browser.look()
    browser.open(folder / "ftprop.html")
    for i, step in enumerate(runs.targets()):
        right = np.mean(step.state.outputs[-1].argmax(1) == step.info["classes"])
        go(browser, i)
        assert_objective(browser, step)
        assert float(browser.text(".big")[:-1]) == pytest.approx(100 * right)
        layer = int(step.block[1:])
        if layer == 3:
            continue
        met = int(np.sum(step.info["targets"].signs * step.state.outputs[layer - 1] > 0))
        asked = int(np.sum(step.info["targets"].signs != 0))
        captions = browser.run(
            "return [...document.querySelectorAll('.matrix + .caption')].map((e) => e.textContent);"
        )
        assert captions[layer - 1] == f"{met} of {asked} shown are met."


def test_entries_by_hand_are_the_recorded_ones(browser, folder):
    browser.open(folder / "bcd.html")
    steps, start = runs.blocks()
    for i, frame in enumerate(record(steps, start=start).frames[1:], start=1):
        go(browser, i)
        worked = frame["worked"]
        assert browser.text("#worked > p") == worked["title"]
        told = browser.run(
            "return [...document.querySelectorAll('#worked dd')].map((e) => e.textContent);"
        )
        assert told == [text for _, text in worked["lines"]]
        table = [row[:3] for row in rows(browser, "#worked")]
        assert table == [row[:3] for row in worked["comparisons"]]
        assert "DIFFERS" not in browser.text("#worked")


# ---------------------------------------------------------------------------- what a reader changes


def drag(browser, selector, dx, dy, touch=False):
    """Drag the middle of an element by so many pixels, with a mouse or a finger."""
    box = browser.run(
        "const e = document.querySelector(arguments[0]); e.scrollIntoView({block: 'center'});"
        "const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2];",
        selector,
    )
    send = browser.driver.execute_cdp_cmd
    path = [(box[0] + dx * t, box[1] + dy * t) for t in (0, 0.25, 0.5, 0.75, 1)]
    if touch:
        for kind, (x, y) in zip(("touchStart", *["touchMove"] * 4), path, strict=True):
            points = [{"x": x, "y": y}]
            send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        return
    for kind, (x, y) in zip(("mousePressed", *["mouseMoved"] * 4), path, strict=True):
        mouse = {"type": kind, "x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1}
        send("Input.dispatchMouseEvent", mouse)
    mouse = {"type": "mouseReleased", "x": path[-1][0], "y": path[-1][1], "button": "left"}
    send("Input.dispatchMouseEvent", {**mouse, "clickCount": 1})


def coarse_numbers(browser):
    """Return the numbers of the coarse gradient's page by name, vectors as arrays."""
    found = {}
    for name, text in rows(browser, "#pictures .panel:nth-child(2)"):
        values = [float(each) for each in re.findall(r"-?\d[\d.]*(?:e[-+]\d+)?", text)]
        found.setdefault(name, np.array(values) if len(values) > 1 else values[0] if values else 0)
    return found


def assert_coarse_numbers(browser, k=20):
    """Compare what the page says of w with the package."""
    found = coarse_numbers(browser)
    w, w_star = found["w"], np.array([1.0, 0.0])
    for name, expected in (
        ("θ, angle of w and w*", angle(w, w_star)),
        ("loss f(w)", population_loss(w, w_star, k)),
        ("true gradient ∇f", true_gradient(w, w_star, k)),
        ("coarse gradient E g", coarse_gradient(w, w_star, k)),
        ("angle of the two", angle(w, w_star) / 2),
        ("inner product", true_gradient(w, w_star, k) @ coarse_gradient(w, w_star, k)),
    ):
        np.testing.assert_allclose(found[name], expected, rtol=2e-4, atol=2e-4)
    return w


@pytest.mark.parametrize("touch", [False, True])
def test_the_point_of_the_coarse_gradient_is_dragged(browser, folder, touch):
    browser.look(PHONE if touch else DESKTOP)
    if touch:
        browser.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    browser.open(folder / "coarse.html")
    go(browser, 8)
    before = assert_coarse_numbers(browser)
    for dx, dy in ((-60, 20), (-30, 90), (40, 60)):
        drag(browser, ".draggable .handle", dx, dy, touch)
        after = assert_coarse_numbers(browser)
        assert np.linalg.norm(after) == pytest.approx(1, abs=1e-5)
        assert np.linalg.norm(after - before) > 0.1
        before = after
    assert present(browser) == 8
    loss = float(rows(browser, "#objective")[0][2])
    assert loss == pytest.approx(float(population_loss(after, [1.0, 0.0], 20)), rel=1e-4)
    browser.click("#pictures .reset")
    step = list(runs.coarse())[7]
    np.testing.assert_allclose(assert_coarse_numbers(browser), step.state.w, rtol=1e-5)
    assert browser.complaints() == []
    if touch:
        browser.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})


def test_the_point_moves_by_its_slider(browser, folder):
    browser.look()
    browser.open(folder / "coarse.html")
    for degrees in (-180, -90, 0, 33, 90, 180):
        browser.run(
            "const range = document.querySelector('#pictures .edit input');"
            "range.value = arguments[0]; range.dispatchEvent(new Event('input'));",
            degrees,
        )
        if degrees % 180:
            w = assert_coarse_numbers(browser)
            expected = [np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]
            np.testing.assert_allclose(w, expected, atol=1e-5)
    assert "There is none" in browser.run("return document.querySelector('#pictures').innerText;")


def assert_forward_pass(browser):
    """Compare F, accuracy and bits after a change with the package, from the page's own weights."""
    X, Y = runs.plane()
    shown = browser.value(
        "{after: zeroone.player.view.edited().after, W: zeroone.player.view.weights(), "
        "b: zeroone.player.view.biases()}"
    )
    mlp = ZeroOneMLP([np.array(W) for W in shown["W"]], [np.array(b) for b in shown["b"]])
    options = Options()
    state = initial_state(X, Y, (4,), options, np.random.default_rng(0), mlp)
    terms = objective(state, options.coefficients(2), "two")
    # The data are on the page with six digits.
    for name, value in terms.items():
        assert shown["after"][name] == pytest.approx(value, rel=1e-4, abs=1e-9)
    right = np.mean(mlp.decision_function(X).argmax(1) == Y.argmax(1))
    assert float(re.match(r"[\d.]+", browser.text(".big"))[0]) == pytest.approx(
        100 * right, rel=1e-3
    )
    caption = browser.text(".matrix + .caption")
    assert f"{int(state.activations[1].sum())} of" in caption
    return shown


def test_a_units_line_is_dragged_and_the_forward_pass_follows(browser, folder):
    browser.look()
    browser.open(folder / "bcd.html")
    go(browser, 4)
    assert browser.value("zeroone.player.view.edited()") is None
    drag(browser, ".unit.chosen + .handle", 50, 35)
    first = assert_forward_pass(browser)
    browser.run(
        "const shift = document.querySelector('.shift'); shift.value = 0.31;"
        "shift.dispatchEvent(new Event('input'));"
    )
    second = assert_forward_pass(browser)
    assert first["W"] != second["W"] or first["b"] != second["b"]
    browser.run(
        "const pick = document.querySelector('.edit select'); pick.value = '2';"
        "pick.dispatchEvent(new Event('change'));"
        "const turn = document.querySelector('.turn'); turn.value = 70;"
        "turn.dispatchEvent(new Event('input'));"
    )
    third = assert_forward_pass(browser)
    W = np.array(third["W"][0])[2]
    assert np.degrees(np.arctan2(W[1], W[0])) == pytest.approx(70)
    assert "recorded" in browser.text("#objective thead")
    browser.click(".reset")
    assert browser.value("zeroone.player.view.edited()") is None
    drag(browser, ".unit.chosen .grip", 25, -10)
    assert_forward_pass(browser)
    go(browser, 5)
    assert browser.value("zeroone.player.view.edited()") is None
    assert browser.complaints() == []


@pytest.mark.parametrize("penalty", ["l0", "l1", "tl1"])
def test_penalty_and_price_of_rvscgd_are_changed(browser, folder, penalty):
    browser.look()
    browser.open(folder / "rvscgd.html")
    go(browser, 60)
    for exponent in (-3, -0.5, 0.4):
        browser.run(
            "const [penalty, exponent] = arguments; const place = document.querySelector('.edit');"
            "place.querySelector('select').value = penalty;"
            "place.querySelector('select').dispatchEvent(new Event('change'));"
            "place.querySelector('input').value = exponent;"
            "place.querySelector('input').dispatchEvent(new Event('input'));",
            penalty,
            exponent,
        )
        lam = float(browser.text(".edit output"))
        assert lam == pytest.approx(10**exponent, rel=1e-2)
        steps = list(runs.splitting(penalty=penalty, lam=lam))
        for i in (1, 60, 159):
            go(browser, i)
            shown = [row[2] for row in rows(browser, "#objective")[:3]]
            np.testing.assert_allclose(
                [float(x) for x in shown], list(steps[i - 1].after.values()), rtol=1e-5, atol=1e-12
            )
    browser.click(".edit .reset")
    assert browser.value("zeroone.player.view.edited()") is None
    assert browser.complaints() == []


# ---------------------------------------------------------------------- the page's own formulas


def test_formulas_of_the_gaussian_network(browser, folder):
    browser.open(folder / "coarse.html")
    rng = np.random.default_rng(0)
    for case in range(40):
        d, k = int(rng.integers(2, 8)), int(rng.integers(1, 50))
        w, w_star = rng.standard_normal((2, d))
        w_star /= np.linalg.norm(w_star)
        if case % 4 == 0:  # near the teacher, or opposite to it
            w = w_star * rng.choice([-1, 1]) + 10.0 ** rng.uniform(-9, -2) * w
        unit = w / np.linalg.norm(w)
        arguments = (w.tolist(), w_star.tolist(), k)
        theta = browser.call("angle", unit.tolist(), w_star.tolist())
        assert theta == pytest.approx(float(angle(w, w_star)), rel=1e-9, abs=1e-15)
        loss = browser.call("populationLoss", unit.tolist(), *arguments[1:])
        assert loss == pytest.approx(float(population_loss(w, w_star, k)), rel=1e-9, abs=1e-14)
        g = browser.call("coarseGradient", *arguments)
        np.testing.assert_allclose(g, coarse_gradient(w, w_star, k), rtol=1e-12, atol=1e-13)
        truth = browser.call("trueGradient", *arguments)
        # The direction of what is left of w* is rounding over the sine.
        loose = 1e-14 * k / np.sin(theta) / np.linalg.norm(w)
        np.testing.assert_allclose(truth, true_gradient(w, w_star, k), rtol=1e-10, atol=loose)
    assert browser.call("trueGradient", [2.0, 0.0], [1.0, 0.0], 5) == [0, 0]
    for beta in (0.01, 0.5, 3.0):
        expected = float(smallest_delta(beta, 20))
        assert browser.call("smallestDelta", beta, 20) == pytest.approx(expected)
    assert browser.call("smallestDelta", 4.0, 20) is None  # NaN has no word in JSON


def test_formulas_of_the_penalties(browser, folder):
    browser.open(folder / "rvscgd.html")
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.uniform(-2, 2, 30), [0.0, 1.0, -1.0, 1e-9]])
    for name, t in itertools.product(("l0", "l1", "tl1"), (0.0, 1e-3, 0.1, 0.5, 2.0)):
        for a in (0.1, 1.0, 10.0) if name == "tl1" else (1.0,):
            penalty = get_penalty(name, **({"a": a} if name == "tl1" else {}))
            # A point at a threshold may fall to either side.
            clear = np.abs(np.abs(points) - penalty.largest_zero(t)) > 1e-9
            x = points[clear]
            shown = browser.value(
                f"{x.tolist()}.map((x) => zeroone.formulas.penalties.{name}.prox(x, {t}, {a}))"
            )
            np.testing.assert_allclose(shown, penalty.prox(x, t), rtol=1e-9, atol=1e-12)
            value = browser.value(f"zeroone.formulas.penalties.{name}.value({x.tolist()}, {a})")
            assert value == pytest.approx(penalty.value(x), rel=1e-12)


def test_the_pages_rvscgd_is_the_packages(browser, folder):
    browser.open(folder / "rvscgd.html")
    rng = np.random.default_rng(2)
    for case in range(12):
        d = int(rng.integers(2, 6))
        w0, w_star = rng.standard_normal((2, d))
        w_star /= np.linalg.norm(w_star)
        options = {
            "k": int(rng.integers(1, 40)),
            "penalty": ["l0", "l1", "tl1"][case % 3],
            "lam": float(10 ** rng.uniform(-3, -1)),
            "beta": float(rng.uniform(0.1, 1)),
            "eta": float(rng.uniform(0.001, 0.05)),
        }
        real = list(splitting_steps(w0, w_star, n_iter=15, **options))
        shown = browser.call("rvscgd", w0.tolist(), w_star.tolist(), {**options, "iterations": 15})
        assert len(shown) == len(real) + 1
        for found, step in zip(shown[1:], real, strict=True):
            assert (found["block"], found["sweep"]) == (step.block, step.sweep)
            np.testing.assert_allclose(found["w"], step.state.w, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(found["u"], step.state.u, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(
                found["terms"], list(step.after.values()), rtol=1e-8, atol=1e-12
            )
            assert found["angle"] == pytest.approx(float(angle(step.state.w, w_star)), rel=1e-9)


def test_forward_pass_and_objective_are_the_packages(browser, folder):
    browser.open(folder / "bcd.html")
    rng = np.random.default_rng(3)
    for case in range(16):
        n, n_in, n_out = (int(x) for x in rng.integers(1, 9, 3))
        hidden = tuple(int(x) for x in rng.integers(1, 6, 1 + case % 2))
        X = rng.standard_normal((n, n_in))
        Y = np.eye(n_out + 1)[rng.integers(0, n_out + 1, n)]
        sizes = (n_in, *hidden, n_out + 1)
        W = [rng.standard_normal((b, a)) for a, b in itertools.pairwise(sizes)]
        b = [rng.standard_normal(size) for size in sizes[1:]]
        if case % 3 == 0:
            W[0][0], b[0][0] = 0, 0  # a unit that was removed, whose a is 0: a tie
        splitting, groups = ("two", "three", "joint")[case % 3], ("rows", "columns")[case % 2]
        remedy = ("margin", "tiny")[case // 2 % 2]
        options = Options(
            splitting=splitting, lam=0.3, groups=groups, remedy=remedy, tau=0.7, pi=1.3, gamma=0.05
        )
        mlp = ZeroOneMLP(W, b)
        state = initial_state(X, Y, hidden, options, rng, mlp)
        prices = options.coefficients(len(W))
        real = objective(state, prices, splitting)
        weights, biases = [w.tolist() for w in W], [each.tolist() for each in b]
        shown = browser.call("forward", X.tolist(), weights, biases, options.gap)
        for found, expected in zip(shown["products"], state.products, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        for found, expected in zip(shown["activations"], state.activations, strict=True):
            np.testing.assert_array_equal(found, expected)
        for found, expected in zip(shown["preactivations"], state.preactivations, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        given = {
            "tau": prices.tau,
            "pi": prices.pi,
            "gamma": prices.gamma,
            "lam": prices.lam,
            "groups": prices.groups,
        }
        terms = browser.call("objective", shown, Y.tolist(), weights, biases, given, list(real))
        for name, value in real.items():
            assert terms[name] == pytest.approx(value, rel=1e-9, abs=1e-12)
        labels = Y.argmax(1)
        right = np.mean(mlp.decision_function(X).argmax(1) == labels)
        found = browser.call("accuracy", shown["scores"], labels.tolist())
        assert found == pytest.approx(right)


def test_numbers_are_printed_as_python_prints_them(browser, folder):
    browser.open(folder / "coarse.html")
    rng = np.random.default_rng(4)
    values = [
        *(float(x) for x in rng.standard_normal(100) * 10.0 ** rng.integers(-12, 12, 100)),
        0.0, 1.0, -1.0, 100.0, 1e5, 1e6, 123456.7, 999999.5, 1e-4, 9.99999e-5, 1e-5, 0.1, 1e300,
    ]  # fmt: skip
    shown = browser.value(f"{values}.map((x) => zeroone.drawing.number(x))")
    for value, text in zip(values, shown, strict=True):
        # Python rounds halves of the decimal digits exactly, as toPrecision does.
        assert text == num(value), value


def test_a_notebook_embeds_the_player(browser, tmp_path):
    """In a frame that may run scripts and nothing else, beside the card of a step."""
    steps, start = runs.blocks()
    shown = show(steps, start=start, height=600)._repr_html_()
    card = next(runs.splitting())._repr_html_()
    text = f"<!DOCTYPE html><meta charset='utf-8'><title>Notebook</title>{card}{shown}"
    (tmp_path / "notebook.html").write_text(text, encoding="utf-8")
    browser.look()
    browser.driver.get_log("browser")
    browser.driver.get((tmp_path / "notebook.html").as_uri())
    browser.driver.switch_to.frame(browser.find("iframe"))
    browser.driver.execute_async_script(
        "const done = arguments[0]; zeroone.ready.then(() => done(), () => done());"
    )
    browser.click("#forward")
    assert browser.text("#status").startswith("Step 1 of 18")
    browser.driver.switch_to.default_content()
    assert browser.complaints() == []
