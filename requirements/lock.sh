#!/bin/sh
# Resolves pyproject.toml's ranges anew for one Python and rewrites its lock.
# Usage: requirements/lock.sh python3.11
set -eu
cd "$(dirname "$0")/.."
python=$1
version=$("$python" -c 'import sys; print("%d%d" % sys.version_info[:2])')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m venv "$work/venv"
pip="$work/venv/bin/python -m pip --disable-pip-version-check"
# wheel: some of the older dependencies come as source only.
$pip install --quiet ".[test]" wheel
$pip check
{
    echo "# Exact versions for Python $("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); made by requirements/lock.sh, not by hand."
    $pip freeze --all --exclude spotfw --exclude pip
} >"requirements/py$version.txt"
