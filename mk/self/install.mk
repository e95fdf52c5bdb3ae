# install, uninstall, dist.  DESTDIR stages; nothing here needs a network.
MAN1 = $(wildcard man/*.1)
MAN5 = $(wildcard man/*.5)
MAN7 = $(wildcard man/*.7)
MAN8 = $(wildcard man/*.8)
D = $(DESTDIR)
DIRS = '$(BINDIR)' '$(LIBEXECDIR)' '$(DATADIR)/remote' '$(PKGCONFIGDIR)' \
	$(foreach s,1 5 7 8,$(if $(MAN$s),'$(MANDIR)/man$s'))

# The directories that were not there are noted, so that uninstall leaves
# those that were, and no other.
install: all
	set -e; made=$$(for d in $(DIRS); do \
	    while [ ! -d '$D'"$$d" ] && [ "$$d" != / ] && [ "$$d" != . ]; do \
	    echo "$$d"; d=$$(dirname "$$d"); done; done | LC_ALL=C sort -u); \
	for d in $(DIRS); do install -d '$D'"$$d"; done; \
	[ -z "$$made" ] || printf '%s\n' "$$made" >>'$D$(DATADIR)/made'
	[ ! -e '$D$(DATADIR)/made' ] || chmod 644 '$D$(DATADIR)/made'
	install -m 755 $(filter $(BUILD)/bin/%,$(PROGS)) '$D$(BINDIR)'
	install -m 755 $(filter $(BUILD)/libexec/%,$(PROGS)) '$D$(LIBEXECDIR)'
	install -m 644 $(wildcard share/remote/*.sh share/remote/*.py) '$D$(DATADIR)/remote'
	install -m 644 mk/bindu.mk '$D$(DATADIR)'
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@MK@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(DATADIR)/bindu.mk)|' -e 's|@VERSION@|$(VERSION)|' \
	    mk/self/bindu.pc.in >'$D$(PKGCONFIGDIR)/bindu.pc'
	chmod 644 '$D$(PKGCONFIGDIR)/bindu.pc'
	$(foreach s,1 5 7 8,$(if $(MAN$s),install -m 644 $(MAN$s) '$D$(MANDIR)/man$s' &&)) :
uninstall:
	rm -f $(patsubst $(BUILD)/bin/%,'$D$(BINDIR)/%',$(filter $(BUILD)/bin/%,$(PROGS)))
	rm -f $(foreach s,1 5 7 8,$(patsubst man/%,'$D$(MANDIR)/man$s/%',$(MAN$s))) '$D$(PKGCONFIGDIR)/bindu.pc'
	made=$$(cat '$D$(DATADIR)/made' 2>/dev/null); rm -rf '$D$(LIBEXECDIR)' '$D$(DATADIR)'; \
	[ -z "$$made" ] || printf '%s\n' "$$made" | LC_ALL=C sort -ru | while read -r d; do \
	    rmdir '$D'"$$d" 2>/dev/null || :; done
dist:
	git archive --format=tar --prefix=bindu-$(VERSION)/ HEAD | gzip -9n >bindu-$(VERSION).tar.gz
.PHONY: install uninstall dist
