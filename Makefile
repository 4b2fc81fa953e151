# SPDX-License-Identifier: Apache-2.0
#
# The front of the build: every target installs the Debian packages that it
# lacks (scripts/packages), then calls Meson. The two commands of a newcomer are
# `make demo` and `make check`.

BUILD        ?= build
FUZZ_SECONDS ?= 600
SOAK_WORLDS  ?= 10000
SOAK_KILLS   ?= 100
PREFIX       ?= /usr/local

.PHONY: help build demo check bench soak fuzz lab install clean

help:
	@echo 'make build     the programs, as $(BUILD)/muster and $(BUILD)/musterd'
	@echo 'make demo      a simulated data centre on this machine, audited and explained'
	@echo 'make check     all tests: gcc, clang, sanitizers, style, layers'
	@echo 'make bench     the benchmarks beside their peers'
	@echo 'make soak      $(SOAK_WORLDS) random worlds against the oracle (SOAK_WORLDS=n), $(SOAK_KILLS) kills of the'
	@echo '               daemon under load (SOAK_KILLS=n), random captures beside tshark'
	@echo 'make fuzz      every fuzz target for $(FUZZ_SECONDS) s (FUZZ_SECONDS=n, FUZZ_TARGETS="a b")'
	@echo 'make lab       tests against real snmpd, FreeRADIUS, bridges, Open vSwitch, QEMU'
	@echo 'make install   into $(PREFIX) (PREFIX=, DESTDIR=)'
	@echo 'make clean     removes the build folders'

$(BUILD)/build.ninja:
	@scripts/install-packages build
	meson setup $(BUILD) --prefix $(PREFIX)

build: $(BUILD)/build.ninja
	@scripts/install-packages build
	@ninja -C $(BUILD) --quiet src/cli/muster src/daemon/musterd
	@ln -sf src/cli/muster $(BUILD)/muster
	@ln -sf src/daemon/musterd $(BUILD)/musterd

demo: build
	$(BUILD)/muster demo

check:
	@scripts/install-packages build check
	@scripts/check

bench: build
	@scripts/install-packages bench
	@bench/run $(BUILD)

soak: build
	@MUSTER_SOAK_WORLDS=$(SOAK_WORLDS) MUSTER_KILLS=$(SOAK_KILLS) meson test -C $(BUILD) --suite soak --timeout-multiplier 0 --verbose

fuzz:
	@scripts/install-packages build check
	@scripts/fuzz --seconds $(FUZZ_SECONDS) $(FUZZ_TARGETS)

lab: build
	@scripts/install-packages lab
	@meson test -C $(BUILD) --suite lab --num-processes 1 --print-errorlogs

install: build
	@ninja -C $(BUILD) --quiet
	meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf $(BUILD) build-check
