# Foreign libraries, one LIBS_<name> each, and the packages that bring them.
#
# gRPC, OpenSSL's libcrypto, libarchive, jansson and the small ones are linked
# from their static archives: a tool then starts in 1-5 ms, where the dynamic
# loader would need 10-24 ms for gRPC's 55 libraries.  libcurl is loaded at the first request
# (lib/remote/http.c) and is no link-time dependency.
static = -l:lib$(1).a

LIBS_json       := $(call static,jansson)
# OpenSSL 3.5 (Debian 13) compresses; older ones take nothing of the last two.
LIBS_crypto     := $(call static,crypto) $(call static,zstd) $(call static,z) -ldl -lpthread
LIBS_archive    := $(call static,archive) $(call static,nettle) $(call static,lzma) \
	$(call static,bz2) $(call static,z)
LIBS_deflate    := $(call static,deflate)
LIBS_zstd       := $(call static,zstd) -lpthread
LIBS_hs         := $(call static,hs_runtime) -lm
LIBS_protobuf-c := $(call static,protobuf-c)
LIBS_seccomp    := $(call static,seccomp)
LIBS_curl       := -ldl
ABSL = $(patsubst %,-l:%,$(notdir $(wildcard $(dir $(shell $(CC) \
	-print-file-name=libgrpc.a 2>/dev/null))libabsl_*.a)))
LIBS_grpc = -Wl,--start-group $(call static,grpc) $(call static,gpr) \
	$(call static,upb) $(call static,address_sorting) $(call static,re2) \
	$(call static,cares) $(ABSL) -Wl,--end-group $(call static,ssl) \
	$(LIBS_crypto) $(call static,stdc++) -lgcc_eh -lm -lpthread -ldl
