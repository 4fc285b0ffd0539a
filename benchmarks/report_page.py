"""Looks at a study's report in a real browser.

``python -m benchmarks.report_page FOLDER [--page FILE] [--chromium PATH] [--json FILE]``

Opens the page in headless Chromium, on a desk (1280 pixels wide) and a phone (390), presses
every kind of heading, and prints it. Told is whether every table and figure is there, whether
the console stayed silent, whether the page scrolls sideways, and how small its text gets.
FOLDER gets ``desk.png``, ``phone.png`` and ``print.pdf`` for looking at. Without ``--page`` it
also gets a made-up study of the paper's size and its report.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.made_up_study import made_up
from benchmarks.rows import Row, parser, report
from spotfw.cli.display import note, note_wait
from spotfw.errors import SpotError

WIDTHS = {"desk": 1280, "phone": 390}

_LISTEN = """<script>
window.faults = [];
addEventListener("error", (e) => faults.push(String(e.message || e.target.outerHTML)), true);
addEventListener("unhandledrejection", (e) => faults.push(String(e.reason)));
for (const kind of ["error", "warn"]) {
  const said = console[kind];
  console[kind] = (...words) => { faults.push(words.join(" ")); said.apply(console, words); };
}
</script>"""

# Runs in the frame that holds the page; its answer stands in the outer page's title.
_PROBE = """
addEventListener("load", () => {
  const frame = document.querySelector("iframe"), page = frame.contentDocument;
  const all = (what) => [...page.querySelectorAll(what)];
  let unsorted = 0, pressed = 0;
  for (const table of all("table[data-table]")) {
    if (table.tBodies[0].rows.length > 100) continue;
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      head.querySelector("button").click(); head.querySelector("button").click();
      const values = [...table.tBodies[0].rows]
        .filter((row) => !("pinned" in row.dataset))
        .map((row) => row.cells[column]).filter(Boolean)
        .map((cell) => cell.dataset.value).filter((v) => v !== undefined).map(Number);
      pressed += 1;
      const up = head.getAttribute("aria-sort") === "ascending";
      const right = values.every((v, i) => !i || (up ? values[i-1] <= v : values[i-1] >= v));
      if (!right) unsorted += 1;
    });
  }
  const ids = all("[id]").map((node) => node.id);
  const small = all("svg text").map((text) => {
    const box = text.ownerSVGElement, scale = box.getBoundingClientRect().width
      / box.viewBox.baseVal.width;
    return parseFloat(getComputedStyle(text).fontSize) * scale;
  });
  const sorted = page.documentElement;
  const out = {
    faults: frame.contentWindow.faults,
    tables: all("table[data-table]").filter((t) => t.rows.length > 0).map((t) => t.dataset.table),
    figures: all("figure[data-figure]").filter((f) => f.querySelector("svg")
      && f.querySelector("svg").getBoundingClientRect().width > 100).map((f) => f.dataset.figure),
    left_out: all(".left-out").map((node) => node.id.replace("figure-", "")),
    sideways: sorted.scrollWidth - sorted.clientWidth,
    height: sorted.scrollHeight,
    smallest_text: Math.min(...all("td, th, p, small, figcaption").filter((n) => n.offsetParent)
      .map((n) => parseFloat(getComputedStyle(n).fontSize))),
    smallest_figure_text: Math.min(...small),
    duplicate_ids: ids.length - new Set(ids).size,
    dangling: all('a[href^="#"]').filter((a) => !page.getElementById(
      decodeURIComponent(a.hash.slice(1)))).map((a) => a.hash),
    outside: all("[src], link[href]").map((n) => n.src || n.href)
      .filter((a) => !a.startsWith("data:")),
    pressed, unsorted,
  };
  const answer = document.createElement("pre");
  answer.id = "answer"; answer.textContent = JSON.stringify(out);
  document.body.append(answer);
});
"""


def look(page: Path, folder: Path, chromium: str) -> dict[str, dict[str, Any]]:
    """What the browser sees at each width; screenshots and the print go to `folder`.

    Args:
      page: the report's index.html.
      folder: for ``desk.png``, ``phone.png`` and ``print.pdf``.
      chromium: the browser's program.

    Returns:
      For each of `WIDTHS`: faults, tables, figures, left_out, sideways, and more.

    Raises:
      SpotError: the browser did not answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    seen = {}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        text = page.read_text("utf-8").replace("<head>", f"<head>{_LISTEN}", 1)
        (place / "page.html").write_text(text, "utf-8")
        for width, pixels in WIDTHS.items():
            frame = place / f"{width}.html"
            frame.write_text(_frame(pixels, 2000, _PROBE))
            run = _run(chromium, place, ["--dump-dom", frame.as_uri()])
            answer = re.search(r'<pre id="answer">(.*?)</pre>', run.stdout, re.DOTALL)
            if answer is None:
                raise SpotError(f"The browser gave no answer: {run.stderr[-1000:]}")
            answers: dict[str, Any] = json.loads(html.unescape(answer[1]))
            answers["faults"] += re.findall(r"CONSOLE[^\n]*", run.stderr)
            seen[width] = answers
            # The untouched page, not the one whose headings were pressed.
            frame.write_text(_frame(pixels, answers["height"], ""))
            size = f"--window-size={max(pixels, 500)},{answers['height']}"
            shot = folder / f"{width}.png"
            _run(chromium, place, [size, f"--screenshot={shot}", frame.as_uri()])
        printed = f"--print-to-pdf={folder / 'print.pdf'}"
        _run(chromium, place, [printed, "--no-pdf-header-footer", page.resolve().as_uri()])
    return seen


def main(arguments: Sequence[str] | None = None) -> int:
    """Looks and prints what was seen; the exit status is 1 where something is wrong."""
    made = parser("report_page", "A study's report in a real browser.")
    made.add_argument("folder", type=Path, help="for screenshots, the print, a made-up study")
    made.add_argument("--page", type=Path, help="the report's index.html")
    made.add_argument("--chromium", default=shutil.which("chromium"), help="the browser")
    given = made.parse_args(arguments)
    if not given.chromium:
        note("There is no Chromium here. Name one with --chromium.")
        return 2
    page = given.page
    if page is None:
        from spotfw.study.report.write import write_report

        note_wait("Writing a made-up study's report ...")
        study, rows, similarities = made_up()
        page = Path(write_report(study, str(given.folder), rows, similarities).page)
    note_wait("Looking at the page ...")
    seen = look(page, given.folder, given.chromium)
    results = [row for width, answers in seen.items() for row in _rows(width, answers)]
    report("report_page", results, given.json, ["spotfw", "matplotlib"])
    return 0 if all(row.holds is not False for row in results) else 1


def _rows(width: str, answers: dict[str, Any]) -> list[Row]:
    def none(what: str, count: float, unit: str) -> Row:
        return Row(f"{width}: {what}", count, None, unit, None, "none", not count)

    for fault in [*answers["faults"], *answers["dangling"], *answers["outside"]]:
        note(f"{width}: {fault}")
    text = answers["smallest_figure_text"]
    return [
        Row(f"{width}: tables", len(answers["tables"]), None, "", None, "", None),
        Row(f"{width}: figures", len(answers["figures"]), None, "", None, "", None),
        none("errors on the console", len(answers["faults"]), ""),
        none("sideways scroll", answers["sideways"], "pixels"),
        none("headings that do not sort", answers["unsorted"], f"of {answers['pressed']}"),
        none("ids that stand twice", answers["duplicate_ids"], ""),
        none("links to nowhere", len(answers["dangling"]), ""),
        none("what comes from elsewhere", len(answers["outside"]), ""),
        Row(f"{width}: smallest text", answers["smallest_text"], None, "pixels", None, "", None),
        Row(f"{width}: smallest text in figures", text, None, "pixels", None, "", None),
    ]


def _frame(width: int, height: int, script: str) -> str:
    """A page that shows the report as a screen of this width does."""
    return (
        f'<!doctype html><body style="margin:0"><iframe src="page.html" style="border:0;width:'
        f'{width}px;height:{height}px;display:block"></iframe><script>{script}</script>'
    )


def _run(chromium: str, place: Path, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    fixed = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    fixed += ["--allow-file-access-from-files", "--enable-logging=stderr", "--no-first-run"]
    fixed += [f"--user-data-dir={place / 'profile'}", "--virtual-time-budget=20000"]
    return subprocess.run(
        [chromium, *fixed, *words], capture_output=True, text=True, timeout=300, check=False
    )


if __name__ == "__main__":
    sys.exit(main())
