# Tests.  Everything prints TAP: unit programs (tests/unit/tap.h), bats files,
# tests/peers/run.  tests/run collects, sums up and decides.
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*_test.c))
UNIT_NEEDS_auth_test := crypto
UNIT_NEEDS_box_build_test := $(REMOTE_NEEDS)
UNIT_NEEDS_bundle_test := seccomp
UNIT_NEEDS_deploy_text_test := $(NEEDS_deploy)
UNIT_NEEDS_digest_test := crypto
UNIT_NEEDS_endpoint_test := $(REMOTE_NEEDS)
UNIT_NEEDS_health_test := $(REMOTE_NEEDS)
UNIT_NEEDS_manifest_test := crypto
UNIT_NEEDS_pack_test := $(NEEDS_pack)
UNIT_NEEDS_release_test := $(REMOTE_NEEDS)
UNIT_NEEDS_rpc_server_test := grpc
UNIT_NEEDS_scrub_names_test := crypto
UNIT_NEEDS_scrub_scan_test := crypto hs
UNIT_NEEDS_stream_line_test := $(REMOTE_NEEDS)
UNIT_NEEDS_token_test := $(REMOTE_NEEDS)
UNIT_NEEDS_transfer_test := $(NEEDS_pack)
UNIT_NEEDS_walk_test := crypto
# Parts of the daemon that stand alone.
$(BUILD)/unit/instance_test: $(BUILD)/boxd/daemon/instance.o
$(BUILD)/unit/pbscan_test: $(BUILD)/boxd/daemon/pbscan.o
$(BUILD)/unit/gate_test: $(BUILD)/boxd/daemon/gate_count.o
$(BUILD)/unit/ask_test: $(BUILD)/boxd/daemon/ask.o $(BUILD)/boxd/daemon/loop.o $(BUILD)/boxd/wire.o
$(BUILD)/unit/auth_test: $(BUILD)/boxd/daemon/auth.o
$(BUILD)/unit/rpc_server_test: $(addprefix $(BUILD)/boxd/daemon/,rpc_server.o rpc_server_settings.o loop.o gate.o gate_count.o)
$(BUILD)/unit/wire_test: $(BUILD)/boxd/wire.o
$(BUILD)/unit/message_test: $(BUILD)/boxd/daemon/message.o
$(BUILD)/unit/exec_user_test: $(BUILD)/boxd/monitor/exec_user.o
$(BUILD)/unit/bundle_test: $(BUILD)/boxd/monitor/bundle.o $(BUILD)/boxd/monitor/seccomp.o
$(BUILD)/unit/image_pip_test: $(BUILD)/boxd/monitor/image_pip.o
$(BUILD)/unit/net_test: $(BUILD)/boxd/monitor/net.o $(BUILD)/boxd/monitor/net_link.o
$(UNIT): $(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libbindu.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(OUR_LDFLAGS) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(call libs,$(UNIT_NEEDS_$*)) $(LDLIBS)

deps:
	$(Q)mk/self/deps.sh build run
deps-test:
	$(Q)mk/self/deps.sh build run test

# What a newcomer runs.  Sub-makes: the libraries may only just be installed.
demo: deps
	$(Q)$(MAKE) --no-print-directory all
	$(Q)mk/self/demo.sh $(BUILD)
check: deps-test
	$(Q)$(MAKE) --no-print-directory all test-programs
	$(Q)tests/run $(BUILD)
check-san: deps-test
	$(Q)$(MAKE) --no-print-directory SAN=address,undefined VARIANT=san all test-programs
	$(Q)BINDU_TEST_SAN=1 tests/run build/san
	$(Q)$(MAKE) --no-print-directory check-threads
# The programs with threads of their own, and the daemon's loop, under TSan.
check-threads:
	$(Q)$(MAKE) --no-print-directory SAN=thread all test-programs
	$(Q)BINDU_TEST_SAN=1 tests/run build/tsan build/tsan/unit/*_test
# README's first command on a fresh machine made of namespaces (root).
check-fresh:
	$(Q)tests/fresh/run $(or $(SUITE),bookworm) $(or $(AS),root) $(CHECK)
test-programs: $(UNIT)
unit: $(UNIT)
	$(Q)tests/run $(BUILD) $(UNIT)
lint: deps-test
	$(Q)$(MAKE) --no-print-directory all
	$(Q)mk/self/lint.sh $(BUILD)
# Programs the benches and tests run beside the tools.
BENCH_NEEDS_pack_probe := crypto deflate zstd
BENCH := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
$(BENCH): $(BUILD)/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/libbindu.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(OUR_LDFLAGS) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(call libs,$(BENCH_NEEDS_$*)) $(LDLIBS)
bench-programs: $(BENCH)
bench:
	$(Q)$(MAKE) --no-print-directory all bench-programs
	$(Q)tests/bench/run $(BUILD)
# Longer than in check: 100,000 paths judged by git and by us.
fuzz-ignore:
	$(Q)$(MAKE) --no-print-directory all
	$(Q)PATH=$(CURDIR)/$(BUILD)/bin:$$PATH tests/fuzz/ignore.py --cases $(or $(CASES),100000) $(if $(SEED),--seed $(SEED))
# Every step from one run of an agent to the next, and from one release to the
# next, cut off; then 200 deploys killed at random moments.
fuzz-kill:
	$(Q)$(MAKE) --no-print-directory all
	$(Q)KILL_ALL=1 BINDU_BUILD=$(CURDIR)/$(BUILD) bats tests/kill-live.bats tests/kill-receive.bats
	$(Q)BINDU_BUILD=$(CURDIR)/$(BUILD) PATH=$(CURDIR)/$(BUILD)/bin:$$PATH tests/bench/kill $(or $(POINTS),200) $(SEED)
# Keys, databases and logs through 50 redeploys, a rollback, a reboot.
soak:
	$(Q)$(MAKE) --no-print-directory all
	$(Q)BINDU_BUILD=$(CURDIR)/$(BUILD) PATH=$(CURDIR)/$(BUILD)/bin:$$PATH tests/bench/soak $(REDEPLOYS)
# Boxes at random for some seconds, with the daemon, the hub and monitors killed.
stress:
	$(Q)$(MAKE) --no-print-directory all
	$(Q)BINDU_BUILD=$(CURDIR)/$(BUILD) tests/bench/stress $(or $(TIME),300) $(SEED)
help:
	@sed -n '3,13s/^# \{0,1\}//p' Makefile
.PHONY: fuzz-ignore fuzz-kill soak stress bench-programs deps deps-test demo check check-fresh check-san check-threads test-programs unit lint bench help
