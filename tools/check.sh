#!/usr/bin/env bash
# Everything about the code that a machine can check without running it.
set -euo pipefail
cd "$(dirname "$0")/.."
fail=0
step() { local t=$SECONDS; if "${@:2}"; then printf 'ok    %4ss  %s\n' $((SECONDS - t)) "$1"; else printf 'FAIL  %4ss  %s\n' $((SECONDS - t)) "$1"; fail=1; fi; }
fmt() { local out; out=$(go run mvdan.cc/gofumpt@v0.12.0 -l .) || return 1; [ -z "$out" ] || { echo "not gofumpt-clean:"; echo "$out"; return 1; }; }
generated() { go run ./docs/gen -check; }
step "vet" go vet ./...
step "gofumpt" fmt
step "staticcheck" go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...
step "import rules, table owners" go test -count=1 -run 'TestHouse|TestOwners|TestEntities' .
step "generated files" generated
exit $fail
