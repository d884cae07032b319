#!/bin/sh
# Makes .venvs/dev from requirements-dev.txt and the client, once per contents.
# The first Python of at least 3.11 that really runs is taken; PYTHON=/path/to/python names another.
set -eu
cd "$(dirname "$0")/.."

environment=.venvs/dev
stamp=$environment/made-from

inputs() {
    for file in requirements.txt requirements-dev.txt client/pyproject.toml; do
        if [ -f "$file" ]; then cat "$file"; fi
    done
    pwd
}

runs() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3.14 python3 python}; do
        if runs "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    echo "Lorry needs Python 3.11 or newer, and found none that runs (tried: ${PYTHON:-python3.13 ... python3});" \
        "install one, or name it: make ... PYTHON=/path/to/python3" >&2
    return 1
}

same_version() {
    runs "$environment/bin/python" && [ "$("$1" -V 2>&1)" = "$("$environment/bin/python" -V)" ]
}

wanted=$(inputs | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && same_version "${PYTHON:-$environment/bin/python}"; then
    exit 0
fi

python=$(find_python)
if ! "$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
    echo "$python cannot create environments; on Debian and Ubuntu: apt-get install python3-venv" >&2
    exit 1
fi
echo "creating the Python environment in $environment (once, a minute or so)"
rm -f "$stamp"
if ! same_version "$python"; then
    rm -rf "$environment"
    "$python" -m venv "$environment"
fi
set -- --requirement requirements-dev.txt
if [ -f client/pyproject.toml ]; then set -- "$@" --editable client; fi
"$environment/bin/python" -m pip install -qq --disable-pip-version-check "$@"
echo "$wanted" >"$stamp"
