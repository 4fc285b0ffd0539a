"""How long ``spotfw plugins`` takes with 200 plugins installed, and what it imports.

The plugins are distributions of their own, made in a folder for the occasion: each has a
module, an entry point, and by turns a metric, a strategy, an initializer or a tracker.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.rows import Row, parser, report
from spotfw.cli.display import note_wait

#: Seconds beyond Python's own start that a listing may take.
GOAL = 0.5

_LIST = """
import sys
from spotfw.cli import run
status = run(["plugins", "list", "--json"])
heavy = {"tensorflow", "seqio", "t5", "mesh_tensorflow", "torch", "pandas"} & set(sys.modules)
sys.exit(status or len(heavy))
"""

_MODULES = (
    """
import spotfw
from spotfw.contracts import SimilarityMetric

class Metric(SimilarityMetric):
    name = "{name}"
    def features(self, prompt):
        return prompt.mean(axis=0)

@spotfw.hookimpl
def spotfw_similarity_metrics():
    return [Metric()]
""",
    """
import spotfw

class Strategy:
    name = "{name}"
    def __call__(self, ranking, k):
        return [spotfw.contracts.StartFromPrompt(entry.id) for entry in ranking[:k]]

@spotfw.hookimpl
def spotfw_selection_strategies():
    return [Strategy()]
""",
    """
import attrs
import spotfw

@attrs.frozen
class Initializer:
    name = "{name}"
    scale: float = 1.0
    def __call__(self, context, rng):
        return self.scale * context.embeddings[: context.length]

@spotfw.hookimpl
def spotfw_prompt_initializers():
    return [Initializer()]
""",
    """
import spotfw

@spotfw.hookimpl
def spotfw_run_finished(run, scores):
    print(run["task"], scores)
""",
)


def install(folder: Path, count: int) -> None:
    """Puts `count` distributions into a folder, as pip would leave them."""
    for number in range(count):
        module = f"fake_plugin_{number:03}"
        code = _MODULES[number % len(_MODULES)].replace("{name}", module)
        (folder / f"{module}.py").write_text(code)
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir()
        name = module.replace("_", "-")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[spotfw]\nfake{number:03} = {module}\n")


def timed(folder: Path, code: str, repeats: int) -> tuple[float, float, str]:
    """The least wall and processor seconds of a fresh Python that runs code, and its output."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("SPOTFW_")}
    environ["PYTHONPATH"] = str(folder)
    walls, cpus, out = [], [], ""
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
        )
        walls.append(time.perf_counter() - began)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        out = done.stdout
    return min(walls), min(cpus), out


def main() -> int:
    """Measures and prints."""
    arguments = parser("plugins", __doc__ or "")
    arguments.add_argument("--count", type=int, default=200, help="plugins to install")
    arguments.add_argument("--repeats", type=int, default=7, help="the least of so many counts")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as nothing, tempfile.TemporaryDirectory() as full:
        install(Path(full), given.count)
        note_wait(f"Listing, {given.repeats} times as installed and with {given.count} more ...")
        start = timed(Path(nothing), "pass", given.repeats)
        none = timed(Path(nothing), _LIST, given.repeats)
        many = timed(Path(full), _LIST, given.repeats)
    rows = json.loads(many[2])
    listed = [row for row in rows if row["name"].startswith("fake")]
    assert len(listed) == given.count and not any(row["error"] for row in listed)
    goal = f"< {GOAL} s beyond Python's start"
    figures = []
    for what, unit, at in (("wall", "s", 0), ("processor", "s", 1)):
        for whose, took in (("as installed", none), (f"with {given.count} more", many)):
            spent = float(took[at]) - float(start[at])  # type: ignore[arg-type]
            holds = spent < GOAL
            name = f"spotfw plugins, {whose}: {what} time"
            figures.append(Row(name, round(spent, 3), None, unit, spent / GOAL, goal, holds))
    # A heavy module would have made the listing's status other than 0.
    figures.append(Row("heavy modules imported", 0, None, "modules", None, "none", True))
    return report(
        "plugins",
        figures,
        given.json,
        ("spotfw", "pluggy", "click", "attrs", "numpy"),
        python_start={"wall": round(start[0], 3), "processor": round(start[1], 3)},
    )


if __name__ == "__main__":
    sys.exit(main())
