#!/bin/sh
# Makes the virtual environment of `make setup`: the exact lock for this Python, then
# spotfw and the plugins beside it, editable. Usage: setup.sh VENV [PYTHON]
set -eu
cd "$(dirname "$0")/.."
venv=$1
asked=${2:-}

fits() { # Is $1 a Python that TensorFlow 2.15 has wheels for? (A pyenv shim may be there and fail.)
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 11))' 2>/dev/null
}

python=
if [ -n "$asked" ]; then
    if fits "$asked"; then python=$asked; fi
elif fits "$venv/bin/python"; then
    # What was chosen once stays, also when the lock changes.
    python=$venv/bin/python
else
    for candidate in python3.11 python3.10 python3 python; do
        if fits "$candidate"; then python=$candidate; break; fi
    done
fi
if [ -z "$python" ]; then
    found=${asked:+"$asked is not one"}
    found=${found:-"none of python3.11, python3.10, python3 and python is one"}
    echo "setup: spotfw needs Python 3.10 or 3.11, but $found." \
        "Install one of them, or name it: make setup PYTHON=/path/to/python3.11" >&2
    exit 1
fi

version=$("$python" -c 'import sys; print("%d%d" % sys.version_info[:2])')
lock=requirements/py$version.txt

# A folder left by a broken set-up or by another Python is made anew.
if [ -e "$venv" ]; then
    have=$("$venv/bin/python" -c 'import sys; print("%d%d" % sys.version_info[:2])' 2>/dev/null || true)
    if [ "$have" != "$version" ]; then
        echo "setup: $venv is not a Python $version environment; making it anew"
        rm -rf "$venv"
    fi
fi
if ! [ -e "$venv" ] && ! "$python" -m venv "$venv"; then
    rm -rf "$venv"
    echo "setup: $python cannot make a virtual environment. On Debian and Ubuntu install" \
        "python3-venv; elsewhere use a Python that brings ensurepip." >&2
    exit 1
fi

echo "setup: installing $lock into $venv (some 3 GB on disk, a few minutes the first time)"
pip="$venv/bin/python -m pip --disable-pip-version-check"
$pip install --quiet -r "$lock"
editable="-e ."
for project in plugins/*/pyproject.toml; do
    case $project in
    # They need what the lock does not hold, MLflow and PyTorch: their READMEs say how to add it.
    plugins/spotfw-mlflow/* | plugins/spotfw-torch/*) ;;
    *) if [ -e "$project" ]; then editable="$editable -e ./$(dirname "$project")"; fi ;;
    esac
done
# The lock holds the build backend, so that nothing unlocked is fetched to build these.
# The folders go on the path as such ("compat"): beside a clone named spotfw, Python would
# otherwise take the clone itself for the package.
# shellcheck disable=SC2086
$pip install --quiet --no-deps --no-build-isolation --config-settings editable_mode=compat $editable
$pip check
