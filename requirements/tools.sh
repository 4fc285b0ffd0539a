#!/bin/sh
# Makes the virtual environment of `make site` and `make hooks` from its exact lock: MkDocs,
# what reads docstrings, and pre-commit. It needs neither spotfw nor TensorFlow.
# Usage: tools.sh VENV [PYTHON]
set -eu
cd "$(dirname "$0")/.."
. requirements/choose_python.sh
choose_python "${2:-}" "$1"
make_environment "$1"
"$1/bin/python" -m pip --disable-pip-version-check install --quiet -r requirements/tools.txt
