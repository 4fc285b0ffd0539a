#!/bin/sh
# Resolves pyproject.toml's ranges anew for one Python and rewrites its lock: with the built-in
# engine on 3.10 and 3.11, with PyTorch on later ones. With `keep`, the versions of the lock stay,
# and only what is new is added. Usage: requirements/lock.sh python3.11 [keep]
set -eu
cd "$(dirname "$0")/.."
python=$1
version=$("$python" -c 'import sys; print("%d%d" % sys.version_info[:2])')
case $version in
310 | 311) extras=mesh,hub,test,notebook ;;
*) extras=torch,hub,test,notebook ;;
esac
kept=
if [ "${2:-}" = keep ]; then kept="-c requirements/py$version.txt"; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m venv "$work/venv"
pip="$work/venv/bin/python -m pip --disable-pip-version-check"
# wheel: some of the older dependencies come as source only.
# shellcheck disable=SC2086
$pip install --quiet $kept ".[$extras]" wheel "setuptools>=77,<81"
$pip check
{
    echo "# Exact versions for Python $("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); made by requirements/lock.sh, not by hand."
    # What PyTorch needs for CUDA it names by exact versions itself, by machine.
    $pip freeze --all --exclude spotfw --exclude pip | grep -Ev '^(nvidia|cuda|triton)' |
        sed -E 's/^(torch==[0-9.]+)\+.*/\1/'
} >"requirements/py$version.txt"
