# The bindu tools: the whole build, in one make process.
#
#   make            everything into build/$(VARIANT)/{bin,libexec,share}
#   make demo       install what is missing, build, deploy a real agent
#   make check      unit tests, bats, peers     make lint       style and walls
#   make check-san  the same under ASan+UBSan   make bench      the figures
#   make soak       50 redeploys of one agent   make fuzz-kill  and killed ones
#   make install    PREFIX, DESTDIR as usual    make uninstall  the same
#   make check-fresh  make demo on a bare one   make fuzz-ignore  against git
#   make stress     boxes killed at random      make clean dist help
#   make deps-test  packages for all of these
#
# Knobs (mk/self/config.mk): DEVELOPER=1 SAN=address,undefined VARIANT=name V=1
.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
all:
-include config.local.mk
include mk/self/config.mk mk/self/deps.mk

BASE   := $(wildcard lib/base/*.c)
SOURCE := $(wildcard lib/source/*.c)
REMOTE := $(wildcard lib/remote/*.c)
TOOLS  := $(patsubst tools/%.c,%,$(wildcard tools/*.c))

LIB_O    := $(patsubst %.c,$(BUILD)/%.o,$(BASE) $(SOURCE) $(REMOTE))
DAEMON_O := $(patsubst %.c,$(BUILD)/%.o,$(wildcard boxd/daemon/*.c boxd/*.c))
MONITOR_O := $(patsubst %.c,$(BUILD)/%.o,$(wildcard boxd/monitor/*.c boxd/*.c))
INIT_O   := $(patsubst %.c,$(BUILD)/%.o,$(wildcard boxd/init/*.c))

PROGS := $(TOOLS:%=$(BUILD)/bin/bindu-%) $(BUILD)/bin/bindu-boxd \
	$(BUILD)/libexec/boxd-monitor $(BUILD)/libexec/boxd-init

# Who links what: a program's line is all it may pull in (deps.mk names the
# libraries).  Tools not listed link libc and jansson alone.
REMOTE_NEEDS   := grpc protobuf-c curl crypto
NEEDS_pack     := archive crypto deflate zstd
NEEDS_scrub    := archive crypto deflate zstd hs
NEEDS_watch    := $(NEEDS_pack)
NEEDS_upload   := $(NEEDS_pack) $(NEEDS_scrub) $(REMOTE_NEEDS)
NEEDS_deploy   := $(NEEDS_upload)
NEEDS_health   := $(REMOTE_NEEDS)
NEEDS_exec     := $(REMOTE_NEEDS)
NEEDS_box      := $(REMOTE_NEEDS)
NEEDS_logs     := $(REMOTE_NEEDS)
NEEDS_shell    := $(REMOTE_NEEDS)
NEEDS_agent    := deflate $(REMOTE_NEEDS)

all: $(PROGS) $(BUILD)/share
include mk/self/proto.mk mk/self/scrub.mk

libs = $(foreach n,$(call uniq,$(1)),$(LIBS_$n)) $(LIBS_json)
uniq = $(if $1,$(firstword $1) $(call uniq,$(filter-out $(firstword $1),$1)))

$(BUILD)/libbindu.a: $(LIB_O) $(PROTO_O)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(TOOLS:%=$(BUILD)/bin/bindu-%): $(BUILD)/bin/bindu-%: $(BUILD)/tools/%.o $(BUILD)/libbindu.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(OUR_LDFLAGS) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(call libs,$(NEEDS_$*)) $(LDLIBS)
$(BUILD)/bin/bindu-boxd: $(DAEMON_O) $(BUILD)/libbindu.a $(REFLECT_O)
	@mkdir -p $(@D)
	$(Q)$(CC) $(OUR_LDFLAGS) $(CFLAGS) $(SANFLAGS) $(LDFLAGS) -o $@ $^ $(call libs,grpc protobuf-c crypto) $(LDLIBS)
# Static: it enters boxes, where no library of the host may be looked up.
$(BUILD)/libexec/boxd-monitor: $(MONITOR_O) $(BUILD)/libbindu.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(OUR_LDFLAGS) $(CFLAGS) $(LDFLAGS) $(if $(SAN),$(SANFLAGS),-static) -o $@ $^ $(call libs,seccomp crypto) $(LDLIBS)
$(BUILD)/libexec/boxd-init: $(INIT_O)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static -Wl,--gc-sections -o $@ $^
	$(Q)chmod 755 $@ # the root of a box is another user
$(BUILD)/share:
	@mkdir -p $(@D)
	$(Q)ln -sfn '$(CURDIR)/share' $@

$(BUILD)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(OUR_CFLAGS) $(if $(findstring boxd/init,$@),,$(SANFLAGS)) $(OUR_CPPFLAGS) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
# A changed flag rebuilds: the flags are a file that changes with them.  Where
# we will be installed concerns one file.
$(BUILD)/flags: TEXT := $(CC) $(OUR_CFLAGS) $(SANFLAGS) $(OUR_CPPFLAGS) $(CPPFLAGS) $(CFLAGS)
$(BUILD)/dirs: TEXT := $(OUR_DIRS)
$(BUILD)/flags $(BUILD)/dirs: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(TEXT)' | cmp -s - $@ || printf '%s\n' '$(TEXT)' >$@
$(BUILD)/lib/base/config.o: $(BUILD)/dirs
$(BUILD)/lib/base/config.o: OUR_CPPFLAGS += $(OUR_DIRS)
FORCE:

include mk/self/check.mk mk/self/install.mk
clean:
	rm -rf build
.PHONY: all clean FORCE
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
