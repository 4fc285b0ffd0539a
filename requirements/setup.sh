#!/bin/sh
# Makes the virtual environment of `make setup`: the exact lock for this Python, then
# spotfw and the plugins beside it, editable. On Python 3.12 and 3.13, which TensorFlow 2.15 has
# no wheels for, the engine is the one on PyTorch; SPOTFW_SETUP_TORCH=no leaves it out, for tests
# of what needs no engine. Usage: setup.sh VENV [PYTHON]
set -eu
cd "$(dirname "$0")/.."
venv=$1
asked=${2:-}

. requirements/choose_python.sh
choose_python "$asked" "$venv" newer

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
make_environment "$venv"

echo "setup: installing $lock into $venv (some 3 GB on disk, a few minutes the first time)"
pip="$venv/bin/python -m pip --disable-pip-version-check"
if [ "${SPOTFW_SETUP_TORCH:-yes}" = no ]; then
    work=$(mktemp)
    grep -v '^torch==' "$lock" >"$work"
    lock=$work
fi
$pip install --quiet -r "$lock"
editable="-e ."
for project in plugins/*/pyproject.toml; do
    case $project in
    # Need what the lock does not hold, MLflow, wandb and Ray: their READMEs say how to add it.
    plugins/spotfw-mlflow/* | plugins/spotfw-ray/* | plugins/spotfw-wandb/*) ;;
    *) if [ -e "$project" ]; then editable="$editable -e ./$(dirname "$project")"; fi ;;
    esac
done
# The lock holds the build backend, so that nothing unlocked is fetched to build these.
# The folders go on the path as such ("compat"): beside a clone named spotfw, Python would
# otherwise take the clone itself for the package.
# shellcheck disable=SC2086
$pip install --quiet --no-deps --no-build-isolation --config-settings editable_mode=compat $editable
$pip check
case $version in
310 | 311) ;;
*) echo "setup: Python $("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') has no" \
    "TensorFlow 2.15: the engine is torch. Missing are Mesh TensorFlow's checkpoints and" \
    "tasks that are seqio's own; make setup PYTHON=/path/to/python3.11 brings them." >&2 ;;
esac
