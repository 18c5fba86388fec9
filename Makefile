# openclaw-commerce. `make help` lists what there is.
GO ?= go
CLUSTER = $(GO) run ./platform/db/dbtest/cluster
FUZZTIME ?= 60s

.DEFAULT_GOAL := help
.PHONY: canary torture sabotage orderings help demo test check race bench bench-check bench-go docs fuzz walks shots

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  %-8s %s\n", $$1, $$2}'

demo: ## the whole thing alive, no account and no other install
	$(GO) run . demo

test: ## set up what is needed, check, and run every test on SQLite and PostgreSQL
	@./tools/test.sh

check: ## vet, staticcheck, gofumpt, import rules, generated files up to date
	@./tools/check.sh

race: ## every test under the race detector
	$(CLUSTER) start >/dev/null
	$(GO) test -race -timeout 40m ./...

bench: ## measure every figure against what disk and database allow; writes bench/latest.json and docs/performance.md
	$(GO) run ./bench table

bench-check: ## five interleaved runs against the committed table; fails on a fall of more than 30 %
	$(GO) run ./bench check

bench-go: ## Go benchmarks of the hot paths
	$(GO) test -run '^$$' -bench . -benchmem ./kernel/... ./platform/... ./commerce/...

torture: ## an hour of short seeds of the torture run on both engines, report under bench/torture/
	@./tools/torture.sh hour

sabotage: ## take protections out one by one and see that the right rule of the torture run fails; bench/torture/sabotage.md
	@./tools/torture.sh sabotage

orderings: ## play the core without network and processes, under a clock that runs and a store that fails, from new seeds for PLAY (default 10m)
	ORDERINGS=$(or $(PLAY),10m) $(GO) test ./commerce/connect -run TestOrderings -count=1 -v -timeout 24h | grep -v '^ *=== \|--- PASS'

docs: ## write docs/ from the code: schemas, states, channels, OpenAPI, AsyncAPI
	$(GO) run ./docs/gen

canary: ## plant names, numbers and secrets through every way in, and look for them where they do not belong
	go test . ./app ./platform/privacy ./platform/httpclient -run 'TestCanary|TestNothingLeaks' -count=1 -v

fuzz: ## fuzz every parser for FUZZTIME each (default 60s)
	@./tools/fuzz.sh $(FUZZTIME)

walks: ## random walks of the properties from new seeds, ROUNDS each (default 2000)
	$(CLUSTER) start >/dev/null
	$(GO) test -timeout 60m $$(grep -rl 'pgregory.net/rapid' --include='*_test.go' . | xargs -n1 dirname | sort -u) -rapid.checks=$(or $(ROUNDS),2000)

shots: ## pictures of every page of the console, in every language, look and size, into shots/
	$(GO) run ./web/console/shots
