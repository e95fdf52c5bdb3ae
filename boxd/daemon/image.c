/* image.c - the images a box can be made of.
 * SPDX-License-Identifier: Apache-2.0 */
#include "image.h"

#include <string.h>
#include "hub.h"

#define FALLBACK "debian:trixie"
#define SUITE_MAX 32

/* "trixie" of "debian:trixie"; NULL when it is no such name. */
static const char *
suite(const char *ref)
{
	const char *s = ref + 7;
	size_t n;

	if (!bindu_str_starts(ref, "debian:"))
		return NULL;
	n = strlen(s);
	if (n == 0 || n > SUITE_MAX ||
	    strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") != n ||
	    s[0] == '-')
		return NULL;
	return s;
}

const char *
image_default(const struct boxd *d)
{
	const json_t *facts = hub_facts(d->hub);
	const char *ref = facts ? bindu_json_str(facts, "default_image") : NULL;

	return ref ? ref : FALLBACK;
}

const char *
image_choose(const struct boxd *d, const char *ref, struct bindu_err *err)
{
	if (!*ref || !strcmp(ref, "ubuntu:latest"))
		return image_default(d);
	if (!strcmp(ref, "host") || suite(ref))
		return ref;
	bindu_err_set(err, BINDU_E_DATA,
	    "image \"%.200s\" is not known here: "
	    "use \"host\" (this machine's programs) or \"debian:SUITE\" "
	    "(debian:trixie, debian:bookworm)",
	    ref);
	return NULL;
}

json_t *
image_json(const char *ref)
{
	const char *s = suite(ref);

	return s ? json_pack("{ssss}", "kind", "debian", "suite", s) :
		   json_pack("{ss}", "kind", "host");
}

bool
image_is_built(const char *ref)
{
	return suite(ref) != NULL;
}
