# make demo   watch lvsd at work: a client, two directors and three web servers on this machine
# make test   every rung of the test ladder, lint and build included (as root)
#
# Both install what they need with apt and keep the kernel they boot, if this machine's has no IPVS, in .cache/vm.

SHELL := /bin/bash
export PATH := $(PATH):/usr/local/go/bin:/usr/sbin:/sbin
# A clone that belongs to another user (sudo make test) has no version control information for the go command.
export GOFLAGS := $(filter-out -buildvcs%,$(GOFLAGS)) -buildvcs=false

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
# In executions, not seconds: at a time's end Go before 1.27 sometimes fails with "context deadline exceeded" (golang.org/issue/75804).
FUZZTIME ?= 30000x
SIMTIME ?= 10m
# As many random lives of the election as take about a minute of one core.
SIMSEEDS ?= 50000
BENCHTIME ?= 1s
VM_TIMEOUT ?= 15m

.PHONY: all
all: build

.PHONY: test
test: root deps lint build test-pure test-sim fuzz test-netns test-vm

.PHONY: root
root:
	@[ $$(id -u) -eq 0 ] || { echo 'The tests make network namespaces. Run as root: sudo make test'; exit 1; }

.PHONY: deps
deps:
	@tools/deps

.PHONY: build
build:
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/lvsd ./cmd/lvsd

.PHONY: lint
lint:
	@unformatted=$$(gofmt -l cmd internal examples) && [ -z "$$unformatted" ] || { echo "not formatted: $$unformatted"; exit 1; }
	go vet -tags netns,vm ./...
	go tool -modfile=tools/go.mod golangci-lint run

.PHONY: test-pure
test-pure:
	go test -race ./...

.PHONY: test-netns
test-netns: root
	dirs=$$(tools/tagged netns dirs) && tests=$$(tools/tagged netns tests) && \
	go test -race -count=1 -p 1 -tags netns -run "$$tests" $$(printf './%s ' $$dirs)

.PHONY: test-sim
test-sim:
	go test -count=1 -timeout 0 -run '^TestSimulation$$' ./internal/vrrp -sim.seeds $(SIMSEEDS)

# Seeds that nobody has simulated, until SIMTIME is over. A failure says how to see that seed's log.
.PHONY: sim
sim:
	go test -count=1 -timeout 0 -v -run '^TestSimulation$$' ./internal/vrrp -sim.time $(SIMTIME) -sim.first $$(date +%s%N)

# All packages in one boot: booting takes as long as most of the tests.
.PHONY: test-vm
test-vm: deps kernel build
	@rm -rf bin/test
	dirs=$$(tools/tagged vm dirs) && \
	for dir in $$dirs; do \
		CGO_ENABLED=0 go test -c -tags vm -o bin/test/$${dir//\//-}.test ./$$dir || exit 1; \
	done && \
	LVSD_BIN=$(CURDIR)/bin/lvsd bin/vm -timeout $(VM_TIMEOUT) -- tools/vm-tests $$dirs

.PHONY: bin/vm
bin/vm:
	@CGO_ENABLED=0 go build -o bin/vm ./internal/lab/vm

# Nothing is fetched where the running kernel has IPVS. The second try is for package lists that are missing or old.
.PHONY: kernel
kernel: deps bin/vm
	@bin/vm -prepare || { $$([ $$(id -u) -eq 0 ] || echo sudo) apt-get -q update && bin/vm -prepare; }

.PHONY: fuzz
fuzz:
	@tools/fuzz $(FUZZTIME) cmd internal

# What needs a real IPVS: side by side with keepalived and ipvsadm, in the virtual machine.
.PHONY: bench-vm
bench-vm: deps kernel build
	CGO_ENABLED=0 go test -c -tags vm -o bin/test/bench-ipvs.test ./internal/ipvs
	bin/vm -timeout $(VM_TIMEOUT) -- bin/test/bench-ipvs.test -test.run '^$$' -test.bench Program -test.benchtime 1x

.PHONY: bench
bench: root build bench-vm
	LVSD_BIN=$(CURDIR)/bin/lvsd go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -timeout 0 -tags netns ./...

.PHONY: demo
demo: deps kernel build
	@CGO_ENABLED=0 go build -o bin/demo ./internal/lab/demo
	@LVSD_BIN=$(CURDIR)/bin/lvsd bin/vm -- bin/demo

.PHONY: clean
clean:
	rm -rf bin .cache
