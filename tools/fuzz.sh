#!/usr/bin/env bash
# Fuzzes every target for the given time; new corpus entries that go's fuzzer keeps are under its cache, failures under testdata/fuzz.
set -uo pipefail
cd "$(dirname "$0")/.."
fail=0
for file in $(grep -lrE '^func Fuzz[A-Z]' --include='*_test.go' .); do
	dir=$(dirname "$file")
	for f in $(grep -oE '^func Fuzz[A-Za-z0-9_]+' "$file" | sed 's/func //'); do
		if go test -run '^$' -fuzz "^$f\$" -fuzztime "${1:-60s}" "$dir" >/tmp/fuzz.$$ 2>&1; then echo "ok    $dir $f"; else echo "FAIL  $dir $f"; tail -n 20 /tmp/fuzz.$$; fail=1; fi
	done
done
rm -f /tmp/fuzz.$$
exit $fail
