# Knobs and flags of our own build.  CFLAGS, LDFLAGS, CPPFLAGS are the user's.
VERSION  := 0.1.0
PREFIX   ?= $(or $(prefix),/usr/local)
BINDIR   ?= $(PREFIX)/bin
LIBEXECDIR ?= $(PREFIX)/libexec/bindu
DATADIR  ?= $(PREFIX)/share/bindu
MANDIR   ?= $(PREFIX)/share/man
PKGCONFIGDIR ?= $(PREFIX)/share/pkgconfig
DESTDIR  ?=
CFLAGS   ?= -O2 -g
SAN      ?=
VARIANT  ?= $(if $(findstring thread,$(SAN)),tsan,$(if $(SAN),san,default))
BUILD    := build/$(VARIANT)
Q        := $(if $(V),,@)
ifeq ($(origin CC),default)
CC := gcc
endif

OUR_CFLAGS := -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wvla -Wformat=2 -Wundef \
	-fno-strict-aliasing -fno-common -fstack-protector-strong \
	-ffunction-sections -fdata-sections -fPIE \
	$(if $(DEVELOPER),-Werror)
# Ubuntu's compiler has a fortify level of its own; glibc warns at -O0.
FORTIFY := $(if $(SAN)$(filter -O0,$(CFLAGS)),,-D_FORTIFY_SOURCE=2)
OUR_CPPFLAGS := -D_GNU_SOURCE -U_FORTIFY_SOURCE $(FORTIFY) -I. -I$(BUILD)/gen \
	-DBINDU_VERSION='"$(VERSION)"'
OUR_DIRS := -DBINDU_DATADIR='"$(DATADIR)"' -DBINDU_LIBEXECDIR='"$(LIBEXECDIR)"'
OUR_LDFLAGS := -pie -Wl,--as-needed -Wl,--gc-sections -Wl,-z,relro
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=all)
# The runtime of undefined beside that of address writes to stderr alone, which
# a daemon has none of: it traps, and address reports it (tests/run).
SANFLAGS += $(if $(findstring address,$(SAN)),-fsanitize-undefined-trap-on-error)
