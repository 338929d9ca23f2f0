# Sourced by the scripts beside it: finds uv, or gets it, and syncs the environment from uv.lock.
# Needs Python 3.11 or newer and nothing else.

set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.9

find_python() {
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    echo "Python 3.11 or newer is needed; set PYTHON to its path." >&2
    exit 1
}

# A virtual environment is the clean way. Debian splits it off into python3-venv; there, pip can
# still install into a folder of its own, which a system-managed Python allows.
get_uv() {
    rm -rf .uv
    if "$python" -m venv .uv >/dev/null 2>&1 &&
        .uv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"; then
        return
    fi
    rm -rf .uv
    if "$python" -m pip install --quiet --disable-pip-version-check --target .uv "uv==$UV_VERSION"
    then
        return
    fi
    echo "uv is not on PATH and $python has neither venv nor pip to get it with." >&2
    echo "Install uv, or the package python3-venv, and try again." >&2
    exit 1
}

python=$(find_python)
if command -v uv >/dev/null 2>&1; then
    uv=uv
else
    [ -x .uv/bin/uv ] || get_uv
    uv=.uv/bin/uv
fi

export UV="$uv" UV_PYTHON_DOWNLOADS=never
"$uv" sync --quiet --locked --python "$python"
