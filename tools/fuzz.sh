#!/usr/bin/env bash
# Fuzzes every target for the given time (default 60s each); what the fuzzer finds stands under testdata/fuzz of its package and is replayed by go test.
set -uo pipefail
cd "$(dirname "$0")/.."
fail=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for file in $(grep -lrE '^func Fuzz[A-Z]' --include='*_test.go' . | sort); do
	dir=$(dirname "$file")
	for f in $(grep -oE '^func Fuzz[A-Za-z0-9_]+' "$file" | sed 's/func //'); do
		if go test -run '^$' -fuzz "^$f\$" -fuzztime "${1:-60s}" -fuzzminimizetime 5s "$dir" >"$out" 2>&1; then
			echo "ok    $dir $f  $(grep -oE 'execs: [0-9]+' "$out" | tail -n 1)"
		else
			echo "FAIL  $dir $f"
			tail -n 20 "$out"
			fail=1
		fi
	done
done
exit $fail
