#!/bin/sh
# Downloads files as one ZIP with curl alone: start a job, poll it, follow its link.
#
#   sh examples/download.sh photos.zip 70000,70001,79999
set -eu
api=${LORRY_API_URL:-http://127.0.0.1:4566/lorry}
zip=$1
ids=$2

# The first value of a field in a JSON answer.
field() { grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }

job=$(curl -fsS "$api/v1/download/initiate" -H 'Content-Type: application/json' \
    -d "{\"file_ids\":[$ids],\"archive\":{\"filename\":\"$(basename "$zip")\"}}" | field jobId)
echo "job $job"

while :; do
    answer=$(curl -fsS --retry 5 "$api/v1/download/status/$job?limit=1")
    status=$(echo "$answer" | field status)
    case $status in
    ready) break ;;
    failed | cancelled)
        echo "$status: $(echo "$answer" | field message)" >&2
        exit 1
        ;;
    esac
    sleep 1
done

# Follows the redirect to a fresh link. After an interruption, `-C -` resumes.
curl -fL --retry 5 -C - -o "$zip" "$api/v1/download/$job"
