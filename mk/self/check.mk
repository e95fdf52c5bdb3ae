# Tests.  Unit programs are TAP (tests/unit/tap.h); tools are bats.
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*_test.c))
$(UNIT): $(BUILD)/unit/%: $(BUILD)/tests/unit/%.o $(BUILD)/libbindu.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(OUR_LDFLAGS) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(UNIT_EXTRA_$*) $(call libs,$(UNIT_NEEDS_$*)) $(LDLIBS)
unit: $(UNIT)
	$(Q)set -e; for t in $(UNIT); do $$t >$$t.log 2>&1 || { cat $$t.log; exit 1; }; tail -n1 $$t.log | sed "s|^|$$(basename $$t): |"; done
.PHONY: unit
