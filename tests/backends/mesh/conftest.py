"""Puts the repository on the path, so that a bare ``pytest`` finds `benchmarks` too."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[3])
if ROOT not in sys.path:
    sys.path.append(ROOT)
