# install, uninstall, dist.  DESTDIR stages; nothing here needs a network.
MAN1 = $(wildcard man/*.1)
MAN5 = $(wildcard man/*.5)
MAN7 = $(wildcard man/*.7)
MAN8 = $(wildcard man/*.8)
D = $(DESTDIR)

install: all
	install -d '$D$(BINDIR)' '$D$(LIBEXECDIR)' '$D$(DATADIR)/remote' '$D$(PKGCONFIGDIR)'
	install -m 755 $(filter $(BUILD)/bin/%,$(PROGS)) '$D$(BINDIR)'
	install -m 755 $(filter $(BUILD)/libexec/%,$(PROGS)) '$D$(LIBEXECDIR)'
	install -m 644 $(wildcard share/remote/*.sh share/remote/*.py) '$D$(DATADIR)/remote'
	install -m 644 mk/bindu.mk '$D$(DATADIR)'
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@MK@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(DATADIR)/bindu.mk)|' -e 's|@VERSION@|$(VERSION)|' \
	    mk/self/bindu.pc.in >'$D$(PKGCONFIGDIR)/bindu.pc'
	chmod 644 '$D$(PKGCONFIGDIR)/bindu.pc'
	$(foreach s,1 5 7 8,$(if $(MAN$s),install -d '$D$(MANDIR)/man$s' && install -m 644 $(MAN$s) '$D$(MANDIR)/man$s' &&)) :
uninstall:
	rm -f $(patsubst $(BUILD)/bin/%,'$D$(BINDIR)/%',$(filter $(BUILD)/bin/%,$(PROGS)))
	rm -f $(foreach s,1 5 7 8,$(patsubst man/%,'$D$(MANDIR)/man$s/%',$(MAN$s))) '$D$(PKGCONFIGDIR)/bindu.pc'
	rm -rf '$D$(LIBEXECDIR)' '$D$(DATADIR)'
dist:
	git archive --format=tar --prefix=bindu-$(VERSION)/ HEAD | gzip -9n >bindu-$(VERSION).tar.gz
.PHONY: install uninstall dist
