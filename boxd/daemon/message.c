/* message.c - see message.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void
message_init(struct message *m, bool request)
{
	memset(m, 0, sizeof *m);
	m->request = request;
}

static void
start_line(struct message *m)
{
	const char *version = m->line;
	int minor = 1;

	if (m->request) {
		version = strrchr(m->line, ' ');
		m->head = !strncmp(m->line, "HEAD ", 5);
		m->again = m->head || !strncmp(m->line, "GET ", 4);
		if (!version || sscanf(version, " HTTP/1.%1d", &minor) != 1) {
			m->state = MESSAGE_BAD;
			return;
		}
	} else if (sscanf(version, "HTTP/1.%1d %3d", &minor, &m->status) != 2) {
		m->state = MESSAGE_TO_EOF;
		m->close = true;
		return;
	}
	m->old = minor == 0;
	m->close = m->old;
	m->state = MESSAGE_FIELDS;
}

/* Is word one of the comma-separated tokens of v? */
static bool
has_token(const char *v, const char *word)
{
	size_t n = strlen(word);

	while (*v) {
		size_t len;

		v += strspn(v, " \t,");
		len = strcspn(v, " \t,;");
		if (len == n && !strncasecmp(v, word, n))
			return true;
		v += strcspn(v, ",");
	}
	return false;
}

static void
take_length(struct message *m, const char *v)
{
	uint64_t n = 0;
	size_t digits = strspn(v, "0123456789");

	if (digits == 0 || digits > 18 || v[digits + strspn(v + digits, " \t")])
		m->odd = true;
	for (size_t i = 0; i < digits && i < 18; i++)
		n = n * 10 + (uint64_t)(v[i] - '0');
	if (m->sized && n != m->left)
		m->odd = true;
	m->sized = true;
	m->left = n;
}

static void
field_line(struct message *m)
{
	char *colon = strchr(m->line, ':');
	const char *v;

	/* A line that continues another, a name with a space, no name. */
	if (!colon || colon == m->line ||
	    strcspn(m->line, " \t") < (size_t)(colon - m->line)) {
		m->odd = true;
		return;
	}
	*colon = '\0';
	v = colon + 1 + strspn(colon + 1, " \t");
	if (!strcasecmp(m->line, "content-length")) {
		take_length(m, v);
	} else if (!strcasecmp(m->line, "transfer-encoding")) {
		/* Any other coding, or chunked twice, is not for us. */
		if (m->chunked || strcasecmp(v, "chunked") != 0)
			m->odd = true;
		m->chunked = true;
	} else if (!strcasecmp(m->line, "connection")) {
		if (has_token(v, "close"))
			m->close = true;
		else if (m->old && has_token(v, "keep-alive"))
			m->close = false;
	}
}

static void
end_of_head(struct message *m)
{
	bool none = m->request ?
	    !m->chunked && !m->sized :
	    m->bare || m->status == 204 || m->status == 304;

	if (m->request && (m->odd || (m->chunked && (m->sized || m->old)))) {
		m->state = MESSAGE_BAD;
		return;
	}
	if (!m->request && m->status == 101) {
		m->state = MESSAGE_TUNNEL;
		return;
	}
	if (!m->request && m->status < 200) {
		bool bare = m->bare;

		message_init(m, false);
		m->bare = bare;
		m->any = true;
		return;
	}
	m->again = m->again && none;
	if (none) {
		m->state = MESSAGE_DONE;
	} else if (m->odd || (!m->chunked && !m->sized)) {
		m->state = MESSAGE_TO_EOF;
		m->close = true;
	} else if (m->chunked) {
		m->state = MESSAGE_CHUNK;
	} else {
		m->state = m->left ? MESSAGE_SIZED : MESSAGE_DONE;
	}
}

static void
chunk_line(struct message *m)
{
	size_t digits = strspn(m->line, "0123456789abcdefABCDEF");
	unsigned long long n = 0;

	if (digits == 0 || digits > 15 || m->odd ||
	    (m->line[digits] && !strchr("; \t", m->line[digits])) ||
	    sscanf(m->line, "%15llx", &n) != 1) {
		m->close = true;
		m->state = m->request ? MESSAGE_BAD : MESSAGE_TO_EOF;
		return;
	}
	m->left = n + 2; /* its line end */
	m->state = n ? MESSAGE_DATA : MESSAGE_TRAILER;
}

static void
line(struct message *m)
{
	if (m->n && m->line[m->n - 1] == '\r')
		m->n--;
	m->line[m->n] = '\0';
	switch (m->state) {
	case MESSAGE_START:
		if (m->n) /* an empty line before a request is allowed */
			start_line(m);
		break;
	case MESSAGE_FIELDS:
		if (m->n)
			field_line(m);
		else
			end_of_head(m);
		break;
	case MESSAGE_CHUNK:
		chunk_line(m);
		break;
	default:
		if (!m->n)
			m->state = MESSAGE_DONE;
		break;
	}
	m->n = 0;
}

/* Of a long line only the beginning is looked at, and of a request line the
 * end: what is asked for in between may be long. */
static void
add(struct message *m, char c)
{
	enum { KEEP = 16 };

	if (m->n == sizeof m->line - 1) {
		if (m->state == MESSAGE_CHUNK)
			m->odd = true;
		if (m->state != MESSAGE_START)
			return;
		memmove(m->line + KEEP, m->line + m->n - KEEP, KEEP);
		m->n = (size_t)2 * KEEP;
	}
	m->line[m->n++] = c;
}

static size_t
feed_line(struct message *m, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n') {
			line(m);
			return i + 1;
		}
		add(m, p[i]);
	}
	return n;
}

static size_t
feed_some(struct message *m, const char *p, size_t n)
{
	size_t take;

	switch (m->state) {
	case MESSAGE_SIZED:
	case MESSAGE_DATA:
		take = n < m->left ? n : (size_t)m->left;
		m->left -= take;
		if (m->left == 0)
			m->state = m->state == MESSAGE_DATA ? MESSAGE_CHUNK :
							      MESSAGE_DONE;
		return take;
	case MESSAGE_TO_EOF:
	case MESSAGE_TUNNEL:
		return n;
	default:
		return feed_line(m, p, n);
	}
}

size_t
message_feed(struct message *m, const char *p, size_t n)
{
	size_t done = 0;

	m->any = m->any || n != 0;
	while (done < n && m->state != MESSAGE_DONE && m->state != MESSAGE_BAD)
		done += feed_some(m, p + done, n - done);
	return done;
}

bool
message_may_end(const struct message *m)
{
	return m->state == MESSAGE_DONE || m->state == MESSAGE_TO_EOF ||
	    m->state == MESSAGE_TUNNEL;
}
