#!/usr/bin/env bash
# make test: sets up what it needs, then checks and tests everything on SQLite and PostgreSQL; prints the time of each stage.
set -uo pipefail
cd "$(dirname "$0")/.."
fail=0
start=$SECONDS
stage() { local t=$SECONDS; echo "--- $1"; if "${@:2}"; then printf '=== %-40s ok   %ss\n' "$1" $((SECONDS - t)); else printf '=== %-40s FAIL %ss\n' "$1" $((SECONDS - t)); fail=1; fi; }
stage "set up" ./tools/setup.sh || exit 1
[ $fail = 0 ] || exit 1
stage "build" go build ./...
[ $fail = 0 ] || exit 1
stop() { go run ./platform/db/dbtest/cluster stop >/dev/null 2>&1; }
trap stop EXIT
go run ./platform/db/dbtest/cluster start >/dev/null || { echo "PostgreSQL for the tests did not start"; exit 1; }
stage "check" ./tools/check.sh
# Random walks start from one seed here, so that two runs of one commit say the same; `make walks` and `make fuzz` look for new ones.
walks=$(grep -rl 'pgregory.net/rapid' --include='*_test.go' . | xargs -n1 dirname | sort -u)
others=$(go list -f '{{.Dir}}' ./... | sed "s|^$PWD|.|" | grep -vxF "$walks")
stage "tests" go test -timeout 25m $others
stage "tests with random walks" go test -timeout 25m $walks -rapid.seed=20261111 -rapid.nofailfile
stage "torture, one seed on each engine" ./tools/torture.sh once 8
stage "build with protections removable" go build -tags sabotage -o /dev/null .
stage "tests under the race detector" go test -race -timeout 25m ./platform/db/... ./platform/outbox/... ./platform/jobs/...
stage "walks under the race detector" go test -race -timeout 25m ./commerce/inventory ./commerce/order -rapid.seed=20261111 -rapid.nofailfile
printf '=== %-40s %s %ss\n' "all" "$([ $fail = 0 ] && echo ok || echo FAIL)" $((SECONDS - start))
exit $fail
