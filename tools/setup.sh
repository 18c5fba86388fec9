#!/usr/bin/env bash
# Installs what the tests need where it is missing: PostgreSQL (Debian, Ubuntu). Says how where it cannot.
set -eu
if [ -n "${TEST_POSTGRES_URL:-}" ]; then exit 0; fi
if command -v initdb >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then exit 0; fi
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
	echo "installing PostgreSQL for the tests"
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql postgresql-client >/dev/null
	exit 0
fi
echo "The tests need PostgreSQL: install it (sudo apt-get install postgresql), or set TEST_POSTGRES_URL to a server that may be filled with test databases." >&2
exit 1
