#!/usr/bin/env bash
# The torture run over many short seeds.
#   tools/torture.sh once SECONDS            one seed on SQLite and one on PostgreSQL, for make test
#   tools/torture.sh hour [MINUTES] [SEED]   seeds until the time is up, engines in turn, report under bench/torture/
#   tools/torture.sh sabotage                every protection taken out must be noticed
# PostgreSQL is the one TEST_POSTGRES_URL names (a test cluster without fsync: the crash of the database itself is not played), else one of its own.
set -uo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
program=$work/openclaw-commerce
pg=${TEST_POSTGRES_URL:-}
if [ -z "$pg" ]; then pg=$(go run ./platform/db/dbtest/cluster start | tail -1) || exit 1; fi

# one ENGINE SEED MINUTES REPORT: plays a seed; what it said is shown when it fails.
one() {
  local db=()
  [ "$1" = postgres ] && db=(--db "$pg" --no-sync)
  if ! "$program" sim torture --seed "$2" --minutes "$3" "${db[@]}" >"$4" 2>"$work/said"; then tail -40 "$work/said"; return 1; fi
}

case "${1:-}" in
once)
  go build -o "$program" . || exit 1
  fail=0
  for engine in sqlite postgres; do
    start=$SECONDS
    if one "$engine" 1 "$(echo "$2" | awk '{printf "%.3f", $1/60}')" "$work/report"; then echo "torture on $engine: clean, $((SECONDS - start))s"; else echo "torture on $engine: FAILED"; fail=1; fi
  done
  exit $fail ;;
hour)
  go build -o "$program" . || exit 1
  end=$((SECONDS + ${2:-60} * 60)) seed=${3:-$(date +%s)} clean=0 failed=0
  mkdir -p bench/torture
  report=bench/torture/$(date -u +%Y%m%d-%H%M%S).jsonl
  if command -v strace >/dev/null; then
    syncs=$(strace -f -c -e trace=fsync,fdatasync "$program" sim torture --seed "$seed" --minutes 0.1 2>&1 >/dev/null | awk '/f(data)?sync$/ {n += $4} END {print n + 0}')
    echo "{\"fsyncs\":$syncs,\"seed\":$seed,\"engine\":\"sqlite\"}" >>"$report"
    [ "$syncs" -gt 0 ] || { echo "nothing was synced to disk"; exit 1; }
  else
    echo "{\"fsyncs\":null}" >>"$report"
  fi
  while [ $SECONDS -lt $end ]; do
    for engine in sqlite postgres; do
      if one "$engine" "$seed" 0.2 "$work/report"; then clean=$((clean + 1)); else failed=$((failed + 1)); fi
      tr -d '\n' <"$work/report" >>"$report"
      echo >>"$report"
    done
    seed=$((seed + 1))
  done
  echo "$clean clean, $failed failed; $report"
  [ $failed = 0 ] ;;
sabotage)
  go build -tags sabotage -o "$program" . || exit 1
  fail=0
  for protection in unique_key version_guard cursor_with_data; do
    noticed=""
    for seed in 1 2 3 4 5 6 7 8; do
      if ! OPENCLAW_SABOTAGE=$protection one sqlite $seed 0.2 "$work/report" >/dev/null; then noticed=$seed; break; fi
    done
    if [ -n "$noticed" ]; then echo "$protection: noticed with seed $noticed: $(grep -m1 '"rule"' "$work/report")"; else echo "$protection: NOT noticed"; fail=1; fi
  done
  exit $fail ;;
*)
  sed -n '2,6p' "$0"; exit 2 ;;
esac
