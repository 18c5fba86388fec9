#!/usr/bin/env bash
# Installs what the tests need where it is missing: PostgreSQL, chromium, and what renders a PDF and reads its bar codes (Debian, Ubuntu). Says how where it cannot.
set -eu
need=()
if [ -z "${TEST_POSTGRES_URL:-}" ] && ! command -v initdb >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then need+=(postgresql postgresql-client); fi
if ! command -v chromium >/dev/null 2>&1 && ! command -v chromium-browser >/dev/null 2>&1 && ! command -v google-chrome-stable >/dev/null 2>&1 && ! command -v google-chrome >/dev/null 2>&1; then need+=(chromium); fi
if ! command -v pdftoppm >/dev/null 2>&1; then need+=(poppler-utils); fi
if ! command -v zbarimg >/dev/null 2>&1; then need+=(zbar-tools); fi
if [ ${#need[@]} = 0 ]; then exit 0; fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
	echo "installing ${need[*]} for the tests"
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${need[@]}" >/dev/null
	exit 0
fi
echo "The tests need PostgreSQL, chromium, pdftoppm and zbarimg: install them (sudo apt-get install ${need[*]}), or set TEST_POSTGRES_URL to a server that may be filled with test databases." >&2
exit 1
