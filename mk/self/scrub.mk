# The scrubber's literals compiled into a vectorscan database, once, here:
# compiling them at every start would cost more than a small scan.  Without
# vectorscan the portable prefilter finds the same.
ifneq ($(wildcard /usr/include/hs/hs.h),)
SCRUB_DB := $(BUILD)/gen/scrub.hsdb
SCRUB_DB_O := $(BUILD)/gen/scrub_hsdb.o
LIB_O += $(SCRUB_DB_O)
$(BUILD)/lib/source/scrub_hs.o: OUR_CPPFLAGS += -DBINDU_HS

$(BUILD)/gen/scrub_mkdb: mk/self/scrub_mkdb.c lib/source/scrub_rules.c lib/source/scrub_literals.c lib/source/scrub_priv.h
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O1 -I. -o $@ $(filter %.c,$^) -lhs
$(SCRUB_DB): $(BUILD)/gen/scrub_mkdb
	$(Q)$< $@
$(SCRUB_DB_O): $(SCRUB_DB)
	$(Q)printf '.section .rodata\n.balign 64\n.global scrub_hs_db\nscrub_hs_db:\n.incbin "%s"\n.global scrub_hs_db_end\nscrub_hs_db_end:\n.byte 0\n.section .note.GNU-stack,"",@progbits\n' $(SCRUB_DB) | $(CC) -x assembler -c -o $@ -
else
LIBS_hs := -lm
endif

# The rules' identity: what other rules found clean is read again.
$(BUILD)/gen/scrub_id.h: $(wildcard lib/source/scrub*.[ch] lib/source/unpack_stream.c)
	@mkdir -p $(@D)
	$(Q)printf '#define BINDU_SCRUB_ID UINT64_C(0x%.16s)\n' "$$(cat $(sort $^) | sha256sum)" >$@
$(BUILD)/lib/source/statcache.o: $(BUILD)/gen/scrub_id.h

# The fuzzers: both engines against each other; files and what they hold.
FUZZ_CC = clang-14 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -std=gnu11 -D_GNU_SOURCE -I. \
	-I$(BUILD)/gen $(if $(SCRUB_DB),-DBINDU_HS) -DBINDU_VERSION='""' -DBINDU_DATADIR='""' -DBINDU_LIBEXECDIR='""'
FUZZ_BASE = $(addprefix lib/base/,mem.c err.c fd.c buf.c path.c str.c)
FUZZ_RUN = -max_total_time=$(or $(SECONDS),60) -timeout=25
$(BUILD)/fuzz/fuzz_scrub: $(wildcard lib/source/scrub*.[ch]) tests/fuzz/fuzz_scrub.c $(SCRUB_DB_O)
	@mkdir -p $(BUILD)/fuzz/scrub
	$(Q)$(FUZZ_CC) -o $@ tests/fuzz/fuzz_scrub.c \
		$(filter-out %scrub_tree.c %scrub_path.c %scrub_filter.c %scrub_file.c %scrub_pdf.c %scrub_allow.c %scrub_report.c,$(wildcard lib/source/scrub_*.c)) \
		lib/source/digest.c $(FUZZ_BASE) $(SCRUB_DB_O) $(call libs,hs crypto) $(LDLIBS)
$(BUILD)/fuzz/fuzz_scrub_file: $(BUILD)/gen/scrub_id.h $(wildcard lib/source/scrub*.[ch] lib/source/unpack*.[ch]) tests/fuzz/fuzz_scrub_file.c $(SCRUB_DB_O)
	@mkdir -p $(BUILD)/fuzz/scrub_file
	$(Q)$(FUZZ_CC) -o $@ tests/fuzz/fuzz_scrub_file.c $(wildcard lib/source/*.c) \
		$(filter-out %tool.c,$(wildcard lib/base/*.c)) $(SCRUB_DB_O) \
		-larchive -lz -lcrypto -ldeflate -lzstd -lhs -ljansson -lm $(LDLIBS)
fuzz-scrub: $(BUILD)/fuzz/fuzz_scrub
	$(Q)$< $(FUZZ_RUN) -max_len=6000 $(BUILD)/fuzz/scrub
fuzz-scrub-file: $(BUILD)/fuzz/fuzz_scrub_file
	$(Q)$< $(FUZZ_RUN) -max_len=20000 $(BUILD)/fuzz/scrub_file
.PHONY: fuzz-scrub fuzz-scrub-file
bench-scrub:
	$(Q)$(MAKE) --no-print-directory all bench-programs
	$(Q)BINDU_BENCH_PACKAGES=1 tests/bench/run $(BUILD) scrub
.PHONY: bench-scrub
