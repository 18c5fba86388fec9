#!/usr/bin/env bash
# The torture run over many short seeds; see `go run ./bench/torture -help`.
#   tools/torture.sh once SECONDS            one seed on SQLite and one on PostgreSQL, for make test
#   tools/torture.sh hour [MINUTES] [SEED]   seeds until the time is up, on both engines; report under bench/torture/
#   tools/torture.sh sabotage                every protection taken out must be noticed; report bench/torture/sabotage.md
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
once) exec go run ./bench/torture -once "$2" ;;
hour) exec go run ./bench/torture -for "${2:-60}m" ${3:+-from "$3"} ;;
sabotage) exec go run ./bench/torture -sabotage -from 1 ;;
*) sed -n '2,5p' "$0"; exit 2 ;;
esac
