"""How fast the player's pages open and step in headless Chromium, and how large they are.

Pages of a run as ``zeroone play`` makes them and of 5,000 steps; opening counts from the request
to the first drawn frame, a step from the call until the page is laid out. Needs selenium, Chromium
and its driver::

    python tests/benchmarks/player_speed.py
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _common import machine
from selenium import webdriver
from selenium.webdriver.chrome.options import Options as BrowserOptions
from selenium.webdriver.chrome.service import Service

from zeroone.bcd.full_batch import Options, initial_state
from zeroone.bcd.full_batch import iterate as block_steps
from zeroone.commands.play import START, plane
from zeroone.gaussian.descent import iterate as coarse_steps
from zeroone.gaussian.rvscgd import iterate as splitting_steps
from zeroone.player import page
from zeroone.steps import Step
from zeroone.support.tables import table
from zeroone.targetprop.solver import iterate as target_steps

STEP = """
const [count, done] = arguments;
const player = zeroone.player, times = [];
(async () => {
  for (let n = 0; n < count; n++) {
    const i = 1 + ((n * 7919) % player.last);
    const begun = performance.now();
    player.go(i);
    document.body.offsetHeight;  // asks for the layout
    times.push(performance.now() - begun);
    await new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
  }
  done(times);
})();
"""


def runs(n_steps: int) -> Iterator[tuple[str, Iterator[Step], Any]]:
    """Yield name, steps and start of runs of at least so many steps."""
    rng = np.random.default_rng(0)
    X, Y = plane("xor", 60, rng)
    for splitting in ("two", "three"):
        # The price of the coupling goes up and down, so that the net is never at rest.
        options = {
            "sweeps": n_steps // 3 + 1,
            "splitting": splitting,
            "initialisation": "data-scaled",
            "tau_schedule": lambda sweep, sweeps: 0.05 + sweep % 7 / 7,
        }
        start = initial_state(X, Y, (8,), Options(**options), np.random.default_rng(1))
        name = f"block coordinate descent, {splitting}"
        yield name, block_steps(X, Y, 8, rng=1, **options), start
    for d in (2, 50):
        w_star = np.eye(d)[0]
        w0 = [np.cos(START), np.sin(START)] if d == 2 else rng.standard_normal(d)
        options = {"k": 20, "penalty": "l0", "lam": 0.05, "beta": 0.6}
        steps = splitting_steps(w0, w_star, eta=4 / n_steps, n_iter=n_steps // 2 + 1, **options)
        yield f"RVSCGD, {d} entries", steps, None
    X, Y = plane("moons", 60, rng)
    steps = target_steps(
        X,
        Y.argmax(axis=1),
        (5, 4),
        rng=0,
        measure=True,
        epochs=n_steps // 9 + 1,
        batch_size=20,
        learning_rate=0.05,
    )
    yield "target propagation", steps, None
    w0 = [np.cos(START), np.sin(START)]
    yield "coarse gradient", coarse_steps(w0, [1, 0], k=20, eta=3 / n_steps, n_iter=n_steps), None


def start_browser() -> webdriver.Chrome:
    """Return a headless Chromium."""
    options = BrowserOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1440,1000"):
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", default="60,5000", help="lengths of the runs (default: 60,5000)")
    parser.add_argument("--moves", type=int, default=100, help="steps timed (default: 100)")
    arguments = parser.parse_args()
    print(machine())
    browser = start_browser()
    browser.set_script_timeout(120)
    ready = "const done = arguments[0]; zeroone.ready.then(() => requestAnimationFrame(done));"
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for n_steps in map(int, arguments.steps.split(",")):
            for name, steps, start in runs(n_steps):
                path = Path(folder) / "page.html"
                begun = time.perf_counter()
                page(steps, path, start=start, limit=n_steps)
                written = time.perf_counter() - begun
                opened = []
                for _ in range(3):
                    browser.get("about:blank")
                    begun = time.perf_counter()
                    browser.get(path.as_uri())
                    browser.execute_async_script(ready)
                    opened.append(time.perf_counter() - begun)
                times = np.array(browser.execute_async_script(STEP, arguments.moves))
                rows.append((
                    name,
                    f"{n_steps:,}",
                    f"{path.stat().st_size / 1e6:.2f} MB",
                    f"{written:.1f} s",
                    f"{min(opened):.2f} s",
                    f"{np.median(times):.1f} ms",
                    f"{np.quantile(times, 0.95):.1f} ms",
                ))  # fmt: skip
    browser.quit()
    head = ["run", "steps", "page", "recording", "opens in", "a step, median", "95% of steps"]
    print(table(head, rows))


if __name__ == "__main__":
    main()
