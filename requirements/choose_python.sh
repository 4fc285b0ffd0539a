# Sourced: choose_python ASKED FOLDER [NEWER] sets $python to one that TensorFlow 2.15 has wheels
# for: what was asked for, else the one of the environment FOLDER, else the first on the PATH.
# With NEWER set to "newer", where there is none: 3.11 by uv, else a newer one without TensorFlow.

fits() { # fits PYTHON LOWEST HIGHEST (a pyenv shim may be there and fail)
    "$1" -c "import sys; sys.exit(not (3, $2) <= sys.version_info[:2] <= (3, $3))" 2>/dev/null
}

first_that_fits() { # first_that_fits LOWEST HIGHEST NAME...
    lowest=$1 highest=$2
    shift 2
    for candidate in "$@"; do
        if fits "$candidate" "$lowest" "$highest"; then
            echo "$candidate"
            return
        fi
    done
}

python_by_uv() { # python_by_uv PYTHON: prints a Python 3.11 that uv has or gets, or nothing.
    work=$(mktemp -d)
    if command -v uv >/dev/null; then
        uv=uv
    else
        uv=$work/bin/uv
        "$1" -m venv "$work" >/dev/null 2>&1 &&
            "$work/bin/python" -m pip install --quiet --disable-pip-version-check uv >/dev/null 2>&1
    fi
    "$uv" python install 3.11 >/dev/null 2>&1 && "$uv" python find 3.11 2>/dev/null
    rm -rf "$work"
}

choose_python() {
    python=
    highest=11
    if [ "${3:-}" = newer ]; then highest=13; fi
    if [ -n "$1" ]; then
        if fits "$1" 10 $highest; then python=$1; fi
    elif fits "$2/bin/python" 10 $highest; then
        # What was chosen once stays, also when the lock changes.
        python=$2/bin/python
    else
        python=$(first_that_fits 10 11 python3.11 python3.10 python3 python)
        newer=$(first_that_fits 12 13 python3.13 python3.12 python3 python)
        if [ -z "$python" ] && [ $highest = 13 ] && [ -n "$newer" ]; then
            echo "setup: no Python 3.10 or 3.11 here; asking uv for 3.11" >&2
            python=$(python_by_uv "$newer")
            python=${python:-$newer}
        fi
    fi
    if [ -z "$python" ]; then
        reason=${1:+"$1 is not one"}
        reason=${reason:-"none of python3.11, python3.10, python3 and python is one"}
        echo "setup: spotfw needs Python 3.10 or 3.11 (3.12 or 3.13 without TensorFlow)," \
            "but $reason. Install one of them, or name it: make setup PYTHON=/path/to/python3.11" >&2
        exit 1
    fi
}

make_environment() { # make_environment FOLDER: with $python, where there is none yet.
    if ! [ -e "$1" ] && ! "$python" -m venv "$1"; then
        rm -rf "$1"
        echo "setup: $python cannot make a virtual environment. On Debian and Ubuntu install" \
            "python3-venv; elsewhere use a Python that brings ensurepip." >&2
        exit 1
    fi
}
