/* service_reflect.c - gRPC server reflection, v1 and v1alpha.
 *
 * The messages of the two are the same on the wire and small enough to be read
 * and written by hand; the answers are the embedded descriptors as they are.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "pbscan.h"
#include "service.h"

extern const uint8_t boxd_descriptors[], boxd_descriptors_end[];

#define ANSWER_MAX (1 << 20)
#define SERVICE_NAME "boxd.api.v1.BoxdApi"

/* Field numbers of the request, the answer and FileDescriptorProto. */
enum { ASK_FILE = 3, ASK_SYMBOL = 4, ASK_LIST = 7 };
enum {
	SAY_HOST = 1,
	SAY_ORIGINAL = 2,
	SAY_FILES = 4,
	SAY_SERVICES = 6,
	SAY_ERROR = 7
};
enum {
	FILE_NAME = 1,
	FILE_PACKAGE = 2,
	FILE_MESSAGE = 4,
	FILE_ENUM = 5,
	FILE_SERVICE = 6
};

static void
add_bytes(struct bindu_buf *b, uint32_t number, const void *p, size_t n)
{
	uint8_t head[PB_HEAD_MAX];
	uint8_t *start = pb_bytes_head(head + sizeof head, number, n);

	bindu_buf_add(b, start, (size_t)(head + sizeof head - start), NULL);
	bindu_buf_add(b, p, n, NULL);
}

static void
add_varint(struct bindu_buf *b, uint32_t number, uint8_t value)
{
	uint8_t two[2] = { (uint8_t)(number << 3), value };

	bindu_buf_add(b, two, 2, NULL);
}

static bool
is_text(const struct pb_field *f, const char *s, size_t n)
{
	return f->p && f->n == n && !memcmp(f->p, s, n);
}

/* Is the symbol name, or something inside it, one of this file's? */
static bool
defines(const struct pb_field *file, const char *sym, size_t n)
{
	const uint8_t *p = file->p, *end = p + file->n;
	const char *pkg = "";
	size_t pkglen = 0;
	struct pb_field f, name;

	while (pb_next(&p, end, &f) == 1)
		if (f.number == FILE_PACKAGE && f.p) {
			pkg = (const char *)f.p;
			pkglen = f.n;
		}
	if (n <= pkglen || memcmp(sym, pkg, pkglen) ||
	    (pkglen && sym[pkglen] != '.'))
		return false;
	sym += pkglen + (pkglen != 0);
	n -= pkglen + (pkglen != 0);
	for (p = file->p; pb_next(&p, end, &f) == 1;) {
		const uint8_t *q = f.p;

		if ((f.number != FILE_MESSAGE && f.number != FILE_ENUM &&
			f.number != FILE_SERVICE) ||
		    !q || pb_next(&q, f.p + f.n, &name) != 1 ||
		    name.number != 1 || !name.p)
			continue;
		if (n >= name.n && !memcmp(sym, name.p, name.n) &&
		    (n == name.n || sym[name.n] == '.'))
			return true;
	}
	return false;
}

static bool
named(const struct pb_field *file, const char *s, size_t n)
{
	const uint8_t *p = file->p, *end = p + file->n;
	struct pb_field f;

	while (pb_next(&p, end, &f) == 1)
		if (f.number == FILE_NAME)
			return is_text(&f, s, n);
	return false;
}

static void
say_error(struct bindu_buf *out, uint8_t code, const char *text)
{
	struct bindu_buf e = BINDU_BUF_INIT(1024);

	add_varint(&e, 1, code);
	add_bytes(&e, 2, text, strlen(text));
	add_bytes(out, SAY_ERROR, e.p, e.len);
	bindu_buf_fini(&e);
}

static void
say_file(struct bindu_buf *out, const struct pb_field *ask)
{
	const uint8_t *p = boxd_descriptors;
	struct pb_field file;
	struct bindu_buf files = BINDU_BUF_INIT(ANSWER_MAX);

	while (pb_next(&p, boxd_descriptors_end, &file) == 1) {
		const char *s = (const char *)ask->p;

		if (!file.p ||
		    !(ask->number == ASK_FILE ? named(&file, s, ask->n) :
						defines(&file, s, ask->n)))
			continue;
		add_bytes(&files, 1, file.p, file.n);
		add_bytes(out, SAY_FILES, files.p, files.len);
		bindu_buf_fini(&files);
		return;
	}
	say_error(out, RPC_NOT_FOUND, "not found");
}

static void
say_services(struct bindu_buf *out)
{
	struct bindu_buf one = BINDU_BUF_INIT(1024), all = BINDU_BUF_INIT(1024);

	add_bytes(&one, 1, SERVICE_NAME, strlen(SERVICE_NAME));
	add_bytes(&all, 1, one.p, one.len);
	add_bytes(out, SAY_SERVICES, all.p, all.len);
	bindu_buf_fini(&one);
	bindu_buf_fini(&all);
}

static void
answer(struct rpc *r, const uint8_t *p, size_t n)
{
	struct bindu_buf out = BINDU_BUF_INIT(ANSWER_MAX);
	const uint8_t *at = p, *end = p + n;
	struct pb_field f, ask = { 0 };

	while (pb_next(&at, end, &f) == 1) {
		if (f.number == 1 && f.p)
			add_bytes(&out, SAY_HOST, f.p, f.n);
		else if (f.p)
			ask = f;
	}
	add_bytes(&out, SAY_ORIGINAL, p, n);
	if (ask.number == ASK_LIST)
		say_services(&out);
	else if (ask.number == ASK_FILE || ask.number == ASK_SYMBOL)
		say_file(&out, &ask);
	else
		say_error(&out, RPC_UNIMPLEMENTED, "not served");
	memcpy(rpc_room(r, out.len), out.p, out.len);
	rpc_send(r, 0, out.len);
	bindu_buf_fini(&out);
}

static void
on_message(struct rpc *r, const uint8_t *p, size_t n)
{
	if (!p)
		rpc_finish(r, RPC_OK, "");
	else
		answer(r, p, n);
}

static const struct rpc_ops reflect_ops = { on_message, rpc_recv, svc_nothing };

void
svc_reflect(struct rpc *r, struct boxd *d)
{
	(void)d;
	rpc_set(r, &reflect_ops, NULL);
	rpc_recv(r);
}
