# Sourced: choose_python ASKED FOLDER sets $python to one that TensorFlow 2.15 has wheels for:
# what was asked for, else the one of the environment FOLDER, else the first on the PATH.

fits() { # (A pyenv shim may be there and fail.)
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 11))' 2>/dev/null
}

choose_python() {
    python=
    if [ -n "$1" ]; then
        if fits "$1"; then python=$1; fi
    elif fits "$2/bin/python"; then
        # What was chosen once stays, also when the lock changes.
        python=$2/bin/python
    else
        for candidate in python3.11 python3.10 python3 python; do
            if fits "$candidate"; then python=$candidate; break; fi
        done
    fi
    if [ -z "$python" ]; then
        reason=${1:+"$1 is not one"}
        reason=${reason:-"none of python3.11, python3.10, python3 and python is one"}
        echo "setup: spotfw needs Python 3.10 or 3.11, but $reason." \
            "Install one of them, or name it: make setup PYTHON=/path/to/python3.11" >&2
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
