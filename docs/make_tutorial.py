"""Writes the tutorial, docs/tutorial.ipynb, and runs it: ``python docs/make_tutorial.py``.

The notebook holds what came of it on the machine that ran it. It takes some two minutes on two
cores, and needs the extra ``notebook``; ``tests/test_tutorial.py`` runs the same cells.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("tutorial.ipynb")

#: Of a cell: what stands in it. Text begins with ``#``.
CELLS = (
    """# A first hour with spotfw

A soft prompt is a short matrix that is learned in front of the input of a frozen T5. A task's
prompt is kept in a library; a new task looks up the prompts most like its own and starts from them
(SPoT, Vu et al. 2022).

All below uses a small T5 that comes with spotfw and tasks that are generated. It needs no data, no
network and no GPU. `make setup` in a clone makes the environment, and
`pip install '.[notebook]'` into it what runs this page.""",
    """import spotfw

fw = spotfw.Session(model="playground", library="library", runs="runs")""",
    """## Learn a prompt

Only the prompt is learned. Its validation score is taken every 20 steps: at first the model answers
with words that are no label at all, then with one label for everything, then it learns.""",
    """source = fw.tune("film_reviews", steps=120, checkpoint_every=20)
source""",
    """The best checkpoint is in the library now. Here are two more, one on reviews of food, one on
the topics of news:""",
    """for task in ("food_reviews", "topic_news"):
    fw.tune(task, steps=120, checkpoint_every=40)
[(entry.provenance.task, entry.provenance.score) for entry in fw.library.entries()]""",
    """## Which prompts are like a new task's?

`hotel_reviews` has 300 examples. It is tuned for 40 steps from scratch: that early prompt stands
for the task, and is compared with those of the library.""",
    """FEW = {"steps": 40, "checkpoint_every": 20}
ranking = fw.rank("hotel_reviews", **FEW)
ranking""",
    """## Start from the most similar""",
    """result = fw.transfer("hotel_reviews", strategy="best_of_top_k", k=1, **FEW)
result""",
    """From scratch, with as many steps:""",
    """scratch = fw.tune("hotel_reviews", init="class_label", keep=False, **FEW)
print(f"from scratch {scratch.score:.1f}, from {ranking[0].task} {result.score:.1f}")""",
    """## A strategy of your own

A strategy is a function of the ranking and k. This one takes the last in place of the first. That
is not the worst to do here: what to answer with is half of what this small model must learn.""",
    """def least_alike(ranking, k):
    return [spotfw.contracts.StartFromPrompt(entry.id) for entry in ranking[-k:]]


fw.transfer("hotel_reviews", strategy=least_alike, k=1, **FEW)""",
    """## Ask it something""",
    """fw.predict(
    result.best.tuned.best,
    [
        "hotel review: the room was lovely and the staff seemed kind",
        "hotel review: the breakfast was awful",
    ],
)""",
    """## On from here

- On the command line the same is `spotfw tune`, `spotfw library rank`, `spotfw transfer`,
  `spotfw predict`; the README goes through them.
- Your own rows: docs/tasks.md. A real T5: the README's "Your own texts".
- Why each setting is what it is: docs/recipe.md. Whole grids of such tunings: docs/study.md.""",
)


def notebook() -> dict[str, Any]:
    """The notebook, not run."""
    cells = []
    for number, text in enumerate(CELLS):
        # Text where it is no program.
        is_code = _is_code(text)
        cell: dict[str, Any] = {
            "cell_type": "code" if is_code else "markdown",
            "id": f"cell-{number}",
            "metadata": {},
            "source": text,
        }
        if is_code:
            cell |= {"outputs": [], "execution_count": None}
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def run(folder: str) -> Any:
    """The notebook, run in a folder."""
    import nbformat
    from nbclient import NotebookClient

    made = nbformat.from_dict(notebook())
    client = NotebookClient(made, timeout=900, resources={"metadata": {"path": folder}})
    client.execute()
    return made


def _is_code(text: str) -> bool:
    try:
        compile(text, "cell", "exec")
    except SyntaxError:
        return False
    return not text.startswith("#")


def _without_times(made: Any) -> Any:
    """The speed of a machine says nothing on another."""
    for cell in made["cells"]:
        cell["metadata"] = {}
        for output in cell.get("outputs", ()):
            for kind, text in output.get("data", {}).items():
                output["data"][kind] = re.sub(r"[\d.e+]+ steps/s, ", "", text)
    made["metadata"] = {"kernelspec": made["metadata"]["kernelspec"]}
    return made


def main() -> None:
    """Runs it and writes it."""
    with tempfile.TemporaryDirectory() as folder:
        made = _without_times(run(folder))
    PAGE.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
