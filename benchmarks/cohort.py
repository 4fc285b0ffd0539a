"""How many prompts an hour a cohort learns, by its size, on one device.

``python -m benchmarks.cohort [--device cuda] [--json FILE] [--sizes tiny small base]`` needs
torch and the plugin spotfw-torch, and none of spotfw's commands; see `device_cohort`.

``python -m benchmarks.cohort --engine mesh|torch|both [--models playground english]`` instead
compares 16 prompts tuned together with one after another, on the CPU, through spotfw, by the
engines that are installed; see `together`. Rows are written as they come.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys

SIZES = ("tiny", "small", "base")


def main() -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cohort", description=__doc__)
    parser.add_argument("--device", default="cpu", help="torch's name of it (cpu)")
    parser.add_argument("--json", metavar="FILE", help="also write the rows to FILE")
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["tiny"])
    parser.add_argument("--cohorts", nargs="+", type=int, default=[1, 4, 16])
    parser.add_argument("--compiled", action="store_true", help="also with torch.compile")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each setting (2)")
    parser.add_argument("--budget", type=float, default=600.0, help="seconds in all (600)")
    parser.add_argument("--no-agreement", action="store_true", help="measure speed only")
    parser.add_argument(
        "--engine", choices=["mesh", "torch", "both"], help="compare through spotfw, see above"
    )
    parser.add_argument("--models", nargs="+", default=["playground", "english"])
    parser.add_argument("--pairs", type=int, default=3, help="how often each way is timed (3)")
    arguments = parser.parse_args()
    if arguments.engine:
        return _of_spotfw(arguments)
    if importlib.util.find_spec("torch") is None:
        print(
            "This benchmark needs PyTorch, which is not installed: `pip install '.[torch]' "
            "./plugins/spotfw-torch`. With `--engine mesh` it compares 16 prompts together with "
            "one after another on Mesh TensorFlow alone.",
            file=sys.stderr,
        )
        return 1
    from benchmarks.device_cohort import measure_all

    return measure_all(arguments)


def _of_spotfw(arguments: argparse.Namespace) -> int:
    # Only this needs spotfw.
    from benchmarks import rows, together
    from benchmarks.engines import ENGINES, installed

    engines = installed(ENGINES if arguments.engine == "both" else (arguments.engine,))
    measured = together.compared(arguments.models, engines, arguments.pairs)
    packages = ("spotfw", "tensorflow", "mesh-tensorflow", "torch", "numpy")
    return rows.report("cohort", measured, arguments.json, packages)


if __name__ == "__main__":
    sys.exit(main())
