# The few commands a person types; CI calls only these. `make` lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# DuckDB is C++, so cgo is on; the tags and the linker flags make one static
# binary of it all. Tests use the same flags: one build cache for both.
export CGO_ENABLED := 1
export GOFLAGS := -trimpath -buildvcs=false -tags=netgo,osusergo,grpcnotrace
LDFLAGS := -s -w -linkmode external -extldflags -static

BINARY := bin/otelcol-flowlogs
LINT_VERSION = $(shell sed -n 's|^\tgithub.com/golangci/golangci-lint/v2 \(v[^ ]*\).*|\1|p' tools/lint/go.mod)
LINT = .cache/bin/golangci-lint-$(LINT_VERSION)
BPF := ./receiver/flowlogreceiver/internal/bpf
UI := extension/flowvisualizerextension/internal/ui
export PATH := $(CURDIR)/.cache/node/node_modules/node/bin:$(PATH)

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## build, show this machine's flows; PORT=8687 changes the port
	@tools/run $(BINARY)

.PHONY: build
build: ## build the static binary bin/otelcol-flowlogs
	@tools/install-needs build
	@mkdir -p $(dir $(BINARY))
	@echo "building $(BINARY); the first time takes some minutes"
	@tools/quiet-static-link go build -ldflags '$(LDFLAGS)' -o $(BINARY) ./distribution

.PHONY: image
image: build ## write the container image bin/otelcol-flowlogs.tar; no container engine needed
	@go run ./distribution/image -revision="$$(git describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null)" \
		-created="$$(git log -1 --format=%ct 2>/dev/null || echo 0)"

.PHONY: test
test: ## run every check; RUN='unit|e2e' chooses suites
	@tools/install-needs build test cluster elasticsearch
	@go build -C tools -o ../.cache/bin/check ./check
	@.cache/bin/check -run '$(RUN)'

.PHONY: e2e
e2e: build ## install the chart on two Kubernetes nodes; compare records with what an application did
	@tools/install-needs build test cluster elasticsearch
	go test -count=1 -v -timeout 50m ./tests/deploy

.PHONY: soak
soak: ## churn namespaces, interfaces and sockets under the receiver for LENGTH (5m)
	@tools/install-needs build test
	FLOWLOG_TEST_SOAK=$(or $(LENGTH),5m) go test -count=1 -v -run '^TestSoak$$' -timeout 1h ./receiver/flowlogreceiver

.PHONY: cluster
cluster: ## start a Kubernetes cluster to try things on; NODES=2 FAKE_NODES=10 DUAL_STACK=true
	@tools/install-needs build cluster
	@go build -o .cache/bin/cluster ./tests/cluster/run
	@.cache/bin/cluster -nodes=$(or $(NODES),1) -fake-nodes=$(or $(FAKE_NODES),0) -dual-stack=$(or $(DUAL_STACK),false)

.PHONY: demo
demo: image ## install the chart on two Kubernetes nodes on this machine, with a web shop to look at; PORT=8687
	@tools/install-needs build cluster
	@go build -o .cache/bin/demo ./tests/demo
	@.cache/bin/demo -port=$(or $(PORT),8686)

.PHONY: lint
# The programs of the test cluster are left out: for 70 lines of ours it would take ten
# minutes to look through all of Kubernetes the first time.
lint: $(LINT) ## run golangci-lint
	@failed=0; for module in . tools tools/chart; do \
		(cd $$module && $(CURDIR)/$(LINT) run ./...) || failed=1; \
	done; exit $$failed

$(LINT):
	@echo "building golangci-lint $(LINT_VERSION); the first time takes some minutes"
	@CGO_ENABLED=0 go build -C tools/lint -ldflags '-s -w' -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

.PHONY: bench
bench: build ## measure; results go to .cache/bench; BENCH=Memory chooses, COUNT=10 repeats
	@tools/install-needs bench
	@tools/bench

.PHONY: generate generate-collector generate-docs generate-manifests generate-bpf generate-ui
generate: generate-collector generate-docs generate-manifests generate-bpf generate-ui ## regenerate what is committed but not written by hand

generate-collector:
	@go tool -modfile=tools/go.mod builder --config builder-config.yaml --skip-get-modules --skip-compilation

generate-docs:
	@UPDATE_GOLDEN=1 go test -count=1 -run '^TestFieldsDocumentation$$' ./internal/flow ./internal/elastic/schema
	@UPDATE_GOLDEN=1 go test -count=1 -run '^TestObjectFiles$$' ./internal/elastic/kibana
	@UPDATE_GOLDEN=1 go test -count=1 -run '^TestRoles$$' ./processor/flowk8sprocessor
	@UPDATE_GOLDEN=1 go test -count=1 -run '^TestRolesFiles$$' ./extension/flowelasticsearchextension/internal/roles

generate-manifests:
	@go build -C tools/chart -o ../../.cache/bin/chart .
	@.cache/bin/chart manifests

generate-bpf:
	@go generate $(BPF)

generate-ui:
	@npm --prefix $(UI) ci --no-audit --no-fund
	@npm --prefix $(UI) run build

.PHONY: clean
clean: ## remove what was built; the stored flows in data/ stay
	@rm -rf bin .cache $(UI)/node_modules
