"""The tutorial: the notebook is what its source says, and runs from its first cell to its last."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.places import ROOT


def _module() -> Any:
    path = ROOT / "docs" / "make_tutorial.py"
    spec = importlib.util.spec_from_file_location("make_tutorial", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tutorial = _module()


def test_the_notebook_has_the_cells_of_its_source() -> None:
    kept = json.loads(tutorial.PAGE.read_text(encoding="utf-8"))
    made = tutorial.notebook()
    assert [(c["cell_type"], "".join(c["source"])) for c in kept["cells"]] == [
        (c["cell_type"], c["source"]) for c in made["cells"]
    ]
    # It was run: each cell of code has what it gave but the first, which only opens.
    code = [cell for cell in kept["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] for cell in code[1:])
    assert not any(o["output_type"] == "error" for cell in code for o in cell["outputs"])


@pytest.mark.slow
@pytest.mark.mesh
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nbclient", reason="the extra notebook (nbclient) is not installed")
    pytest.importorskip("ipykernel", reason="the extra notebook (ipykernel) is not installed")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    folder = tmp_path / "work"
    folder.mkdir()
    code = [cell for cell in tutorial.run(str(folder))["cells"] if cell["cell_type"] == "code"]
    shown = [
        "\n".join(str(text) for o in cell["outputs"] for text in o.get("data", {}).values())
        + "".join(o.get("text", "") for o in cell["outputs"])
        for cell in code
    ]
    _, tuned, more, ranking, result, compared, mine, said = shown
    # A curve that rises: no label at all at first, and most are right in the end.
    assert "tune film_reviews: 120/120 steps" in tuned
    assert "<table>" in tuned and "best" in tuned
    assert "topic_news" in more
    assert "film_reviews (seed 0)" in ranking and "<th>similarity</th>" in ranking
    assert "started from" in result and "tune hotel_reviews from" in result
    assert "from scratch" in compared
    assert "topic_news" in mine
    assert "good" in said
