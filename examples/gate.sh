#!/bin/sh
# Asks a question through sayso, waits, and exits by the answer: 0 approved, 1 not, 2 nobody knows.
#
#   SAYSO_URL=http://127.0.0.1:8765 SAYSO_TOKEN=... examples/gate.sh "Release 4.2.0 to production?" && ./deploy
#
# The service hosts examples/gate.py, with token:deploy among its starters. `sayso token deploy --scope start --scope
# read` makes the token: it starts and reads, so the job cannot approve its own gate. Run again with the same SAYSO_KEY,
# for example the id of the CI job, it asks nothing new and waits for the same answer.
set -eu
question=${1:?"usage: gate.sh QUESTION"}
key=${SAYSO_KEY:-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')}

call() { # call METHOD PATH [BODY]: the answer; tries again while the service is down, under the same key
    curl --silent --show-error --fail-with-body --max-time 90 --retry 5 --retry-connrefused --retry-all-errors \
        --request "$1" --header "Authorization: Bearer $SAYSO_TOKEN" --header "Idempotency-Key: $key" \
        --header "Content-Type: application/json" ${3:+--data "$3"} "$SAYSO_URL/api/v1$2"
}
member() { # member NAME: the first text of that name in the JSON on standard input
    sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" | head -n 1
}
trouble() {
    echo "gate: $1" >&2
    exit 2
}
known=$(curl --silent --write-out '\n"code": "%{http_code}"' --header "Authorization: Bearer $SAYSO_TOKEN" \
    "$SAYSO_URL/api/v1/me") || true
[ "$(printf '%s' "$known" | member code)" != 401 ] || trouble "$(printf '%s' "$known" | member detail)"
json=$(printf '%s' "$question" | sed 's/\\/\\\\/g; s/"/\\"/g' | tr '\n\t' '  ')

said=$(call POST /runs "{\"workflow\": \"gate\", \"shared\": {\"question\": \"$json\"}}") ||
    trouble "the question could not be asked: $(printf '%s' "$said" | member detail)"
run=$(printf '%s' "$said" | member run_id)
echo "gate: asked, run $run" >&2
while :; do
    stands=$(call GET "/runs/$run?wait=60") || trouble "sayso cannot be reached; look at run $run"
    case $(printf '%s' "$stands" | member status) in
        COMPLETED) break ;;
        RUNNING | WAITING_FOR_INPUT) ;;
        *) trouble "the run did not end well: $stands" ;;
    esac
done
answer=$(call GET "/runs/$run/requests" | member answer)
echo "gate: $answer" >&2
[ "$answer" = approve ]
