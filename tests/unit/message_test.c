/* Where an HTTP message ends, however its bytes are cut.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "boxd/daemon/message.h"
#include "tap.h"

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
	const char *what;
	bool request, bare;
	const char *text, *rest;
	enum message_state state;
	bool close;
} rows[] = {
	{ "a request without a body", true, false,
	    "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET ", MESSAGE_DONE, false },
	{ "one with a length", true, false,
	    "POST / HTTP/1.1\r\ncontent-length:  5 \r\n\r\nhello", "GET",
	    MESSAGE_DONE, false },
	{ "one in chunks", true, false,
	    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "5;x=y\r\nhello\r\n0\r\nT: v\r\n\r\n",
	    "GET", MESSAGE_DONE, false },
	{ "a body that is not there yet", true, false,
	    "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell", "",
	    MESSAGE_SIZED, false },
	{ "two lengths that differ", true, false,
	    "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
	    "hello", MESSAGE_BAD, false },
	{ "a length and chunks", true, false,
	    "POST / HTTP/1.1\r\nContent-Length: 5\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n",
	    "0\r\n\r\n", MESSAGE_BAD, false },
	{ "a coding that hides the chunks", true, false,
	    "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n", "x",
	    MESSAGE_BAD, false },
	{ "a name with a space", true, false,
	    "POST / HTTP/1.1\r\nContent-Length : 5\r\n\r\n", "hello",
	    MESSAGE_BAD, false },
	{ "a line that continues another", true, false,
	    "POST / HTTP/1.1\r\nX: y\r\n Content-Length: 5\r\n\r\n", "hello",
	    MESSAGE_BAD, false },
	{ "a length that is no number", true, false,
	    "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n", "hello",
	    MESSAGE_BAD, false },
	{ "no HTTP", true, false, "GET /\r\n", "", MESSAGE_BAD, false },
	{ "HTTP/1.0 closes", true, false, "GET / HTTP/1.0\r\n\r\n", "",
	    MESSAGE_DONE, true },
	{ "HTTP/1.0 that stays", true, false,
	    "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "",
	    MESSAGE_DONE, false },
	{ "a request that closes", true, false,
	    "GET / HTTP/1.1\r\nConnection: x, close\r\n\r\n", "", MESSAGE_DONE,
	    true },
	{ "a response with a length", false, false,
	    OK "Content-Length: 2\r\n\r\nok", "X", MESSAGE_DONE, false },
	{ "one with none", false, false, OK "Content-Length: 0\r\n\r\n", "X",
	    MESSAGE_DONE, false },
	{ "one to HEAD", false, true, OK "Content-Length: 2\r\n\r\n", "X",
	    MESSAGE_DONE, false },
	{ "204", false, false, "HTTP/1.1 204 No\r\n\r\n", "X", MESSAGE_DONE,
	    false },
	{ "304 with a length", false, false,
	    "HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", "X", MESSAGE_DONE,
	    false },
	{ "one after 100 and 103", false, false,
	    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" OK
	    "Content-Length: 1\r\n\r\nx",
	    "X", MESSAGE_DONE, false },
	{ "101", false, false,
	    "HTTP/1.1 101 Up\r\nUpgrade: websocket\r\n\r\n\x81", "",
	    MESSAGE_TUNNEL, false },
	{ "one in chunks", false, false,
	    OK "transfer-encoding: Chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n",
	    "X", MESSAGE_DONE, false },
	{ "one until the end", false, false, OK "\r\nwhatever", "",
	    MESSAGE_TO_EOF, true },
	{ "bare line ends", false, false,
	    "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "X", MESSAGE_DONE,
	    false },
	{ "chunks that are none", false, false,
	    OK "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "", MESSAGE_TO_EOF,
	    true },
	{ "no HTTP at all", false, false, "hello\r\n", "", MESSAGE_TO_EOF,
	    true },
};

/* Fed piece by piece: how many bytes were its own. */
static size_t
feed(struct message *m, const char *text, size_t piece)
{
	size_t n = strlen(text), done = 0;

	while (done < n) {
		size_t want = n - done < piece ? n - done : piece;
		size_t took = message_feed(m, text + done, want);

		done += took;
		if (took < want)
			break;
	}
	return done;
}

static void
test_rows(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[512];
		bool good = true;

		snprintf(text, sizeof text, "%s%s", rows[i].text, rows[i].rest);
		for (size_t piece = 1; piece < 40; piece++) {
			struct message m;
			size_t n;

			message_init(&m, rows[i].request);
			m.bare = rows[i].bare;
			n = feed(&m, text, piece);
			good = good && m.state == rows[i].state &&
			    (m.state == MESSAGE_BAD ||
				(n == strlen(rows[i].text) &&
				    m.close == rows[i].close));
		}
		ok(good, "%s", rows[i].what);
	}
}

static void
test_long(void)
{
	char text[2048];
	struct message m;

	snprintf(text, sizeof text,
	    "GET /%01500d HTTP/1.0\r\nX: %0300d\r\n\r\n", 1, 2);
	message_init(&m, true);
	ok(feed(&m, text, 7) == strlen(text) && m.state == MESSAGE_DONE &&
		m.close && m.again,
	    "a request line may be long");
	message_init(&m, true);
	feed(&m, "POST / HTTP/1.1\r\n\r\n", 99);
	ok(m.state == MESSAGE_DONE && !m.again && !m.head,
	    "what may do something is not sent twice");
}

int
main(void)
{
	test_rows();
	test_long();
	return done();
}
