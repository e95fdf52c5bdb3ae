/* hub_net.c - the relay between the hub's network and the machine's.
 *
 * slirp4netns runs outside and lives as long as anyone holds the writing end
 * of STATE/net.alive: the hub and every monitor do, so boxes keep their
 * network when the hub dies, and nothing is left when the last of them ends.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "hub.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "outside.h"

#define RELAY_LIMIT_MS 10000
#define RELAY_SHORT_MS 5000 /* a life that is no success */
#define RELAY_TRIES 5 /* short lives in a row */

/* A pair like pipe(2)'s, but one that a later hub can open by name.  While
 * boxes run it stays the same one: their monitors hold it. */
static int
alive_make(struct hub *h, bool anew, int *reader, struct bindu_err *err)
{
	AUTO_FREE char *path = xasprintf("%s/net.alive", h->state);

	if (anew)
		unlink(path);
	if (mkfifo(path, 0600) == -1 && (anew || errno != EEXIST))
		return bindu_err_sys(err, "cannot make %s", path);
	*reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (*reader == -1)
		return bindu_err_sys(err, "cannot open %s", path);
	if (h->alive == -1)
		h->alive = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (h->alive == -1)
		return bindu_err_sys(err, "cannot open %s", path);
	return 0;
}

static int
tun_check(struct bindu_err *err)
{
	AUTO_CLOSE int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd != -1)
		return 0;
	if (errno == ENOENT || errno == ENODEV)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "no outbound "
		    "network: no /dev/net/tun; sudo modprobe tun");
	return bindu_err_set(err, BINDU_E_UNAVAILABLE,
	    "no outbound network: "
	    "cannot open /dev/net/tun: %s (mode 0666 needed: sudo chmod 0666 "
	    "/dev/net/tun)",
	    strerror(errno));
}

/* Start slirp4netns, which writes to ready once it works. */
static int
relay_start(struct hub *h, const char *slirp, bool anew, int ready,
    struct bindu_err *err)
{
	AUTO_FREE char *pid = xasprintf("%d", (int)getpid());
	const char *const argv[] = { slirp, "--configure", "--mtu=65520",
		"--disable-host-loopback", "--enable-sandbox", "--ready-fd=3",
		"--exit-fd=4", pid, NET_TAP, NULL };
	AUTO_CLOSE int reader = -1, job = -1;
	static const int at[2] = { 3, 4 };
	int fds[2] = { ready, -1 };

	/* What fails before it begins counts as brief, too. */
	h->relay_began = bindu_clock_ms();
	if (alive_make(h, anew, &reader, err) == -1)
		return -1;
	fds[1] = reader;
	job = outside_run(h->outside, argv, NULL, fds, at, true, err);
	return job == -1 ? -1 : 0;
}

/* The same, and wait for it. */
static int
relay_first(struct hub *h, const char *slirp, bool made, int *ready,
    struct bindu_err *err)
{
	AUTO_CLOSE int writer = -1;
	int p[2];

	if (pipe2(p, O_CLOEXEC) == -1)
		return bindu_err_sys(err, "cannot make a pipe");
	*ready = p[0];
	writer = p[1];
	return relay_start(h, slirp, !made, writer, err);
}

static int
relay_ready(int ready, struct bindu_err *err)
{
	struct pollfd p = { .fd = ready, .events = POLLIN };
	char c;
	int n;

	do {
		n = poll(&p, 1, RELAY_LIMIT_MS);
	} while (n == -1 && errno == EINTR);
	if (n == 1 && read(ready, &c, 1) == 1)
		return 0;
	return bindu_err_set(err, BINDU_E_UNAVAILABLE,
	    "no outbound network: "
	    "slirp4netns %s; its message is in the log",
	    n == 0 ? "is not ready after 10 s" : "ended at once");
}

/* What a hub before us made: is its relay still there? */
static bool
relay_lives(struct hub *h)
{
	AUTO_FREE char *path = xasprintf("%s/net.alive", h->state);

	h->alive = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	return h->alive != -1;
}

static int
network_up(struct hub *h, bool joined, struct bindu_err *err)
{
	AUTO_FREE char *slirp = hub_program("slirp4netns");
	AUTO_CLOSE int ready = -1;
	bool made = joined && if_nametoindex(NET_BRIDGE) != 0;
	int rc;

	if (slirp == NULL)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "no outbound "
		    "network: slirp4netns is not installed; apt-get install "
		    "slirp4netns");
	if (h->nft == NULL)
		return bindu_err_set(err, BINDU_E_UNAVAILABLE,
		    "no outbound "
		    "network: nft is not installed; apt-get install nftables");
	if (made && relay_lives(h))
		return net_rules(h->nft, &h->hosts, err);
	if (tun_check(err) == -1 ||
	    relay_first(h, slirp, made, &ready, err) == -1)
		return -1;
	rc = made ? net_rules(h->nft, &h->hosts, err) :
		    net_make(h->nft, &h->hosts, err);
	return rc == -1 ? -1 : relay_ready(ready, err);
}

void
hub_network(struct hub *h, bool joined)
{
	struct bindu_err err = { 0 };

	h->can.network.ok = true;
	if (network_up(h, joined, &err) == -1) {
		ability_no(&h->can.network, "%s", err.msg);
		bindu_cleanup_close(&h->alive); /* ends a relay, if any */
		h->alive = -1;
	}
}

void
hub_relay_lost(struct hub *h)
{
	bool brief = bindu_clock_ms() - h->relay_began < RELAY_SHORT_MS;

	h->relay_falls = brief ? h->relay_falls + 1 : 0;
	if (h->relay_falls < RELAY_TRIES) {
		bindu_log(BINDU_WARN,
		    "the relay to the machine's network is gone; starting "
		    "slirp4netns again");
		h->relay_due = bindu_clock_deadline(1000 * h->relay_falls);
		return;
	}
	ability_no(&h->can.network,
	    "no outbound network: slirp4netns ends again and again; its "
	    "message is in the log; bindu-boxd stop and start tries anew");
	bindu_log(BINDU_ERROR, "%s", h->can.network.why);
}

void
hub_relay_again(struct hub *h)
{
	AUTO_FREE char *slirp = hub_program("slirp4netns");
	AUTO_CLOSE int nobody = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct bindu_err err = { 0 };

	h->relay_due = INT64_MAX;
	if (relay_start(h, slirp != NULL ? slirp : "slirp4netns", false, nobody,
		&err) == 0)
		return;
	bindu_log(BINDU_ERROR, "%s", err.msg);
	hub_relay_lost(h);
}
