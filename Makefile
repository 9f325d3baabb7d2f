# Two targets matter: `make demo` and `make test`. Both work on a fresh Debian
# 12 with Go and this repository, as root or with sudo.

# A pipe into tee must not hide that what stands before it failed.
SHELL   := bash
.SHELLFLAGS := -o pipefail -c

SUDO    := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
COMMIT  := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
# When this was made, for programs on machines without a clock; same inputs, same bytes.
BUILT   := $(shell date -u -d "@$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct 2>/dev/null || echo 0)}" +%FT%TZ)
GO      := CGO_ENABLED=0 go
KIT     := build/kit
LAB     := build/lab

.PHONY: all demo test unit system deps programs kit kit-arm64 fuzz matrix scenarios soak bench lint clean

all: programs

demo: ## from nothing to two deployed machines
	@mkdir -p build && date +%s >build/demo.begun
	@$(MAKE) --no-print-directory deps programs kit
	$(SUDO) bin/bootward lab run --since $$(cat build/demo.begun) --kit $(KIT) --dir $(LAB) --cache build/cache $(LABFLAGS)

test: deps lint unit system ## everything that must pass, at most 25 minutes

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt on these files"; exit 1; }
	go vet ./...

unit: deps ## units, goldens, fuzz seeds, interop, namespaces
	$(SUDO) env "PATH=$$PATH" go test -timeout 10m ./...

system: deps programs kit ## whole machines in emulation
	$(SUDO) env "PATH=$$PATH" BOOTWARD_KIT=$(CURDIR)/$(KIT) BOOTWARD_BIN=$(CURDIR)/bin BOOTWARD_CACHE=$(CURDIR)/build/cache \
		go test -count=1 -v -tags system -timeout $(or $(TIMEOUT),40m) -run "$(or $(TESTS),TestWard|TestBoots)" ./lab/systemtest

deps:
	@scripts/deps

programs:
	$(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION) -X main.built=$(BUILT)" -o bin/ ./cmd/...

kit: programs
	scripts/kit $(KIT)

fuzz: ## every fuzz target, FUZZTIME each (default 30s)
	scripts/fuzz $(or $(FUZZTIME),30s) | tee docs/results/fuzz-$(COMMIT).txt

kit-arm64: programs ## what boot images for arm64 are made of
	@dpkg --print-foreign-architectures | grep -qx arm64 || { $(SUDO) dpkg --add-architecture arm64 && $(SUDO) apt-get update -q; }
	scripts/kit $(KIT)-arm64 arm64

matrix: deps programs kit kit-arm64 ## firmware × NIC × mode, from power-on to the agent; ROWS=PATTERN for some
	$(SUDO) env "PATH=$$PATH" ROWS=$(ROWS) scripts/matrix | tee docs/results/matrix-$(COMMIT).txt

scenarios: deps programs kit ## the situations of the isolated lab, TESTS=NAME for one
	$(SUDO) env "PATH=$$PATH" scripts/scenarios "$(TESTS)" | tee docs/results/scenarios-$(COMMIT).txt

soak: deps programs kit ## the chain again and again, with faults
	scripts/soak $(or $(ROUNDS),5) | tee docs/results/soak-$(COMMIT).txt

bench: ## benchmarks beside the code
	scripts/bench | tee docs/results/bench-$(COMMIT).txt

clean:
	rm -rf bin build
