"""Studies: a grid of tunings, planned, run and resumed, and what it is measured by.

```python
study = spotfw.study.read_study("study.toml")
print(spotfw.study.plan(study, "folder").total_steps)
spotfw.study.run(study, "folder", workers=2)
rows = spotfw.study.read_rows("folder")
```
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spotfw.study.findings.arithmetic import relative_error_reduction
    from spotfw.study.grid.declaration import Study, read_study
    from spotfw.study.grid.planning import Plan, plan
    from spotfw.study.rows import Row, Similarity, read_rows, read_similarities
    from spotfw.study.work.running import Outcome, run

#: Public name -> the module that holds it, imported when the name is first used.
_HOMES = {
    "Outcome": "work.running",
    "Plan": "grid.planning",
    "Row": "rows",
    "Similarity": "rows",
    "Study": "grid.declaration",
    "plan": "grid.planning",
    "read_rows": "rows",
    "read_similarities": "rows",
    "read_study": "grid.declaration",
    "relative_error_reduction": "findings.arithmetic",
    "run": "work.running",
}

__all__ = [
    "Outcome",
    "Plan",
    "Row",
    "Similarity",
    "Study",
    "plan",
    "read_rows",
    "read_similarities",
    "read_study",
    "relative_error_reduction",
    "run",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
