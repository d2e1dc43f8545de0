# The one list of build steps. `make test` is what continuous integration runs; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# Everything that may be cached lives outside the clone.
export BUCATINI_CACHE ?= $(HOME)/.cache/bucatini
export CARGO_TARGET_DIR ?= $(BUCATINI_CACHE)/target
TOOLS := $(BUCATINI_CACHE)/tools
MVN := mvn -q -B -f java-shim/pom.xml

VERSION := 0.1.0
DIST := dist
ARTIFACTS := $(DIST)/artifacts
PLUGIN := $(DIST)/bucatini-connect-plugin.zip
CORPUS := tests/corpus/avro tests/corpus/smt tests/corpus/wal2json tests/corpus/story

PURE := connect-data schema-registry avro-converter extract-new-record-state wal2json
COMPONENTS := avro-converter extract-new-record-state wal2json
FAULTS := trap loop
# Built together, always: another selection would choose other features of the dependencies and build wasmtime anew.
RELEASE := -p bucatini-sdk -p connect-jni-core -p connect-jni-wasm -p component-build -p corpus -p bucatini

TESTED_RELEASE := -p bucatini-sdk -p component-build -p component-host -p connect-jni -p connect-jni-core \
	-p connect-jni-wasm -p corpus -p postgres-source -p mysql-sink -p bucatini

## Build

.PHONY: plugin
plugin: artifacts ## The plug-in zip for plugin.path: dist/bucatini-connect-plugin.zip
	$(MVN) package -DskipTests -Dbucatini.artifacts=$(abspath $(ARTIFACTS)) -Dbucatini.zip=$(abspath $(PLUGIN))

.PHONY: artifacts
artifacts: native components ## Native libraries and components, staged for the jar

.PHONY: native
native: ## libbucatini.so (cores) and libbucatini_wasm.so (components in wasmtime)
	mkdir -p $(ARTIFACTS)/native/linux-x86-64
	cargo build --release $(RELEASE)
	install -m 644 $(CARGO_TARGET_DIR)/release/libbucatini.so $(CARGO_TARGET_DIR)/release/libbucatini_wasm.so \
		$(ARTIFACTS)/native/linux-x86-64/

.PHONY: components
components: ## The shipped WASM components
	cargo build --profile component --target wasm32-unknown-unknown $(addprefix -p component-,$(COMPONENTS))
	cargo build --release $(RELEASE)
	mkdir -p $(ARTIFACTS)/components
	for name in $(COMPONENTS); do \
		$(CARGO_TARGET_DIR)/release/component-build \
			$(CARGO_TARGET_DIR)/wasm32-unknown-unknown/component/component_$${name//-/_}.wasm \
			$(ARTIFACTS)/components/$$name.wasm; \
	done

.PHONY: runner
runner: components ## The host without a JVM: dist/bucatini, with its components beside it
	cargo build --release $(RELEASE)
	install -m 755 $(CARGO_TARGET_DIR)/release/bucatini $(DIST)/bucatini
	rm -rf $(DIST)/components && cp -r $(ARTIFACTS)/components $(DIST)/components

.PHONY: generate
generate: ## Rewrites what is generated from Rust: ConfigDef resources, settings tables, golden row images
	UPDATE_EXPECT=1 cargo test -q -p config-def
	UPDATE_EXPECT=1 cargo test -q -p connect-data --test golden_row_images

TARGET ?= mysql
KEEP ?=

.PHONY: demo
demo: plugin runner ## The pasta migration, in the runner and in stock Kafka Connect (TARGET=mysql|mariadb, KEEP=1)
	tests/e2e/run demo --target $(TARGET) $(if $(KEEP),--keep)

## Test

.PHONY: test
test: plugin runner faults ## Everything that must hold before a change lands
	$(MAKE) -j2 --output-sync=line checks stories
	$(MAKE) -o plugin bench-check # with the machine for itself
	@echo "make test: passed"

# The servers of the stories wait more than they compute: compilers use the time. Each part builds what it needs when it is
# asked for by itself; here everything has been built.
.PHONY: checks stories
checks:
	$(MAKE) -j1 policy unit lint jvm-test corpus debezium-tests fuzz-short
stories: # with a copy: the JVM tests package the plug-in anew
	install -m 644 $(PLUGIN) $(DIST)/stories-plugin.zip
	BUCATINI_PLUGIN_ZIP=$(abspath $(DIST)/stories-plugin.zip) tests/e2e/run all

.PHONY: lint
lint: policy ## Formatting, clippy, dependency policy, purity of the cores
	cargo clippy -q --release --workspace --all-targets -- -D warnings

.PHONY: policy
policy: tools # what is known without compiling
	cargo fmt --all --check
	$(TOOLS)/bin/cargo-deny check bans licenses sources
	@echo "advisories: not checked, the database is not reachable from build machines (see deny.toml)"
	.ci/purity

.PHONY: unit
unit: components ## Unit and property tests of every crate
	cargo test -q $(addprefix -p ,$(PURE)) -p connect-json -p config-def
	cargo test -q --release $(TESTED_RELEASE)

.PHONY: jvm-test
jvm-test: artifacts ## Tests of the Java shim against the real libraries
	$(MVN) verify -Dbucatini.artifacts=$(abspath $(ARTIFACTS)) -Dbucatini.zip=$(abspath $(PLUGIN))

CORPUS_RUN = $(CARGO_TARGET_DIR)/release/corpus
SAMPLE ?= 300
SEED ?= 20261123

.PHONY: corpus
corpus: plugin ## The conformance corpus: whole in native, a seeded sample in the other forms
	$(CORPUS_RUN) --engine native $(CORPUS)
	for engine in wasm jvm-native jvm-wasm; do \
		$(CORPUS_RUN) --engine $$engine --sample $(SAMPLE) --seed $(SEED) $(CORPUS); \
	done

.PHONY: conformance
conformance: plugin ## The whole corpus in every form, and the stock classes as the control
	for engine in native wasm jvm-native jvm-wasm; do $(CORPUS_RUN) --engine $$engine $(CORPUS); done
	bench/peers >/dev/null
	$(CORPUS_RUN) --engine stock tests/corpus/smt tests/corpus/avro

.PHONY: debezium-tests
debezium-tests: plugin ## Debezium's own tests of ExtractNewRecordState, from its published jars, on our class
	tests/debezium-smt/run $(PLUGIN)

.PHONY: connector-tests
connector-tests: ## Tests of the source and the sink that need the databases named by BUCATINI_TEST_*
	cargo test -q --release --no-fail-fast $(TESTED_RELEASE) --test stream --test types --test rows --test values --test faults -- --ignored

.PHONY: e2e
e2e: plugin runner faults ## The reference story and the fault tests in stock Kafka Connect, on real servers
	tests/e2e/run all

.PHONY: faults
faults: plugin ## Plug-ins with a panicking core, a trapping and a looping component: for tests only
	cargo build --profile component --target wasm32-unknown-unknown $(addprefix -p fault-,$(FAULTS))
	cargo build --release -p connect-jni-core --features fault-injection --target-dir $(CARGO_TARGET_DIR)/faults
	mkdir -p $(DIST)/faults
	for name in $(FAULTS); do \
		$(CARGO_TARGET_DIR)/release/component-build \
			$(CARGO_TARGET_DIR)/wasm32-unknown-unknown/component/fault_$$name.wasm $(DIST)/faults/$$name.wasm; \
		tests/faults/repack $(PLUGIN) $(DIST)/faults/$$name-plugin.zip \
			components/avro-converter.wasm=$(DIST)/faults/$$name.wasm; \
	done
	tests/faults/repack $(PLUGIN) $(DIST)/faults/panic-plugin.zip \
		native/linux-x86-64/libbucatini.so=$(CARGO_TARGET_DIR)/faults/release/libbucatini.so

.PHONY: take-away
take-away: plugin ## Proves that the tests fail, and say why, when a server or an artefact is missing
	tests/e2e/run take-away

.PHONY: fuzz-short
fuzz-short: ## A few seconds of each fuzz target, from seeds that the corpus gives
	fuzz/run 3

.PHONY: fuzz
fuzz: ## A minute of each fuzz target
	fuzz/run 60

## Measure

.PHONY: bench-rust
bench-rust: ## What measures without a JVM
	cargo build -q --profile component --target wasm32-unknown-unknown -p bucatini-bench-guest
	cargo build -q --release $(RELEASE) -p bucatini-bench -p bucatini-bench-guest

.PHONY: bench-criterion
bench-criterion: # of bench/run; its inputs are there
	cargo bench -q $(RELEASE) -p bucatini-bench --bench records

.PHONY: bench
bench: plugin bench-rust ## Every path against its Java peer: BENCHMARKS.md and bench/results.json
	bench/run full

.PHONY: bench-quick
bench-quick: plugin bench-rust ## The same paths in minutes, one line each
	bench/run quick

.PHONY: bench-check
bench-check: plugin bench-rust ## The quick form; fails when a ratio is beyond its floor (bench/floors.txt)
	bench/run check

## Tools

.PHONY: tools
tools: $(TOOLS)/bin/cargo-deny

$(TOOLS)/bin/cargo-deny:
	CARGO_PROFILE_DEV_DEBUG=0 cargo install cargo-deny --version 0.20.2 --locked --debug --root $(TOOLS) --target-dir $(BUCATINI_CACHE)/tools-target
	rm -rf $(BUCATINI_CACHE)/tools-target

.PHONY: clean
clean: ## Removes what was built inside the clone
	rm -rf $(DIST) java-shim/target

.PHONY: help
help: ## This list
	@awk -F':.*## ' '/^## /{print "\n" substr($$0, 4)} /^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' Makefile
