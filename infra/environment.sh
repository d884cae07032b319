#!/bin/sh
# Creates .venvs/dev from requirements-dev.txt and the client, once per contents.
# It takes the first Python of at least 3.11 that runs; PYTHON=/path/to/python names another.
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

# Run pip and show how far it is: in one line on a terminal, else every 15 seconds.
install() {
    log=$environment/pip.log
    "$environment/bin/python" -m pip install --disable-pip-version-check --no-color --progress-bar off "$@" >"$log" 2>&1 &
    pip=$!
    trap 'kill $pip 2>/dev/null; exit 130' INT TERM
    seconds=0
    while kill -0 "$pip" 2>/dev/null; do
        sleep 1
        seconds=$((seconds + 1))
        if [ -t 1 ]; then
            printf '\r\033[K  %3d s  %s' "$seconds" "$(progress "$log")"
        elif [ $((seconds % 15)) -eq 0 ]; then
            echo "  $seconds s  $(progress "$log")"
        fi
    done
    if [ -t 1 ]; then printf '\r\033[K'; fi
    trap - INT TERM
    if ! wait "$pip"; then
        cat "$log" >&2
        return 1
    fi
}

progress() {
    if packages=$(grep '^Installing collected packages' "$1"); then
        total=$(echo "$packages" | tr ',' '\n' | wc -l)
        set -- "$environment"/lib/python*/site-packages/*.dist-info
        echo "installed $(($# < total ? $# : total)) of $((total)) packages"
    else
        echo "fetched $(grep -c '^  Downloading\|^  Using cached' "$1") packages"
    fi
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
echo "creating the Python environment in $environment (once; 1 to 5 minutes)"
begun=$(date +%s)
rm -f "$stamp"
if ! same_version "$python"; then
    rm -rf "$environment"
    "$python" -m venv "$environment"
fi
set -- --requirement requirements-dev.txt
# The client by its path, not by an import hook, which a folder of the same name in the current folder would hide.
if [ -f client/pyproject.toml ]; then set -- "$@" --editable client --config-settings editable_mode=compat; fi
install "$@"
echo "$wanted" >"$stamp"
echo "created in $(($(date +%s) - begun)) s"
