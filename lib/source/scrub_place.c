/* scrub_place.c - values whose name does not stand right in front of them: a
 * variable's default, one of those that an expression chooses from, a value
 * written down before its name.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "scrub_assign.h"

enum { LINE_MAX = 160, BLOCK_MAX = 300, BETWEEN_MAX = 60 };

static bool
is_ident(uint8_t c)
{
	return scrub_class[c] & CH_IDENT;
}

static bool
is_quote(uint8_t c)
{
	return c == '"' || c == '\'' || c == '`';
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
ends_with(const uint8_t *p, size_t n, const char *s)
{
	size_t len = strlen(s);

	return n >= len && !memcmp(p + n - len, s, len);
}

/* default = "VALUE" of Terraform: the name is that of the block. */
static bool
find_block(const struct scrub_text *t, size_t at, struct scrub_pair *a)
{
	size_t low = at > BLOCK_MAX ? at - BLOCK_MAX : 0, i = at - 1;

	while (i > low && strchr(" \t\"=", t->p[i]))
		i--;
	if (i < low + 20 || memcmp(t->p + i - 6, "default", 7))
		return false;
	for (i -= 6; i-- > low && t->p[i] != '}';) {
		if (memcmp(t->p + i, "variable \"", 10) != 0)
			continue;
		i += 10;
		return scrub_pair_forward(t, i, i + 1, a) && a->value == at;
	}
	return false;
}

/* Does what stands before a string say that it is one of several values?
 * COND ? A : "VALUE", A or "VALUE", A.unwrap_or("VALUE") */
static bool
is_choice(const uint8_t *p, size_t n)
{
	static const char *const ends[] = { "?", "||", " or", " else", "|_|",
		"unwrap_or(", "orElse(", "OrElse(", "else {", ") {" };

	while (n && p[n - 1] == ' ')
		n--;
	if (n && p[n - 1] == ':')
		return memmem(p, n, " ? ", 3) != NULL;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
		if (ends_with(p, n, ends[i]))
			return true;
	return false;
}

/* The last = of p that assigns; n: there is none. */
static size_t
last_assignment(const uint8_t *p, size_t n)
{
	for (size_t i = n; i-- > 1;)
		if (p[i] == '=' && !strchr("=!<>", p[i - 1]) && i + 1 < n &&
		    p[i + 1] != '=' && p[i + 1] != '>')
			return i;
	return n;
}

/* NAME = COND ? A : "VALUE" and its like: the name is that of the line. */
static bool
find_chosen(const struct scrub_text *t, size_t at, struct scrub_pair *a)
{
	size_t quote = at - 1, bol = quote, end, type;

	if (!is_quote(t->p[quote]))
		return false;
	while (bol > 0 && quote - bol < LINE_MAX && t->p[bol - 1] != '\n' &&
	    t->p[bol - 1] != ';')
		bol--;
	if (!is_choice(t->p + bol, quote - bol))
		return false;
	end = bol + last_assignment(t->p + bol, quote - bol);
	if (end == quote)
		return false;
	while (end > bol && (t->p[end - 1] == ':' || t->p[end - 1] == ' '))
		end--;
	/* A type may stand between: NAME: string = ... */
	for (type = end; type > bol && t->p[type - 1] != ':'; type--)
		if (!is_ident(t->p[type - 1]) &&
		    !strchr(" <>|[]?", t->p[type - 1]))
			break;
	if (type > bol && t->p[type - 1] == ':')
		end = type - 1;
	memset(a, 0, sizeof *a);
	for (a->key = a->kend = end;
	     a->key > bol && is_ident(t->p[a->key - 1]);)
		a->key--;
	a->kind = scrub_key_kind(t->p + a->key, a->kend - a->key);
	a->value = at;
	a->quote = (char)t->p[quote];
	a->quoted = true;
	return a->kind > KEY_WEAK;
}

/* value = "VALUE", then name = "NAME": of Terraform, Kubernetes and JSON. */
static bool
find_behind(const struct scrub_text *t, size_t at, struct scrub_pair *a)
{
	size_t i = at, low = at > BETWEEN_MAX ? at - BETWEEN_MAX : 0;

	while (i > low &&
	    (is_quote(t->p[i - 1]) || is_space(t->p[i - 1]) ||
		t->p[i - 1] == '=' || t->p[i - 1] == ':'))
		i--;
	if (at - i < 2 || i < low + 6 || is_ident(t->p[i - 6]) ||
	    strncasecmp((const char *)t->p + i - 5, "value", 5))
		return false;
	memset(a, 0, sizeof *a);
	a->key = a->kend = a->value = at;
	a->quote = is_quote(t->p[at - 1]) ? (char)t->p[at - 1] : 0;
	a->quoted = a->quote != 0;
	if (!scrub_value_bounds(t, a))
		return false;
	i = a->vend;
	while (i < t->n && i - a->vend < BETWEEN_MAX &&
	    (is_quote(t->p[i]) || is_space(t->p[i]) || t->p[i] == ','))
		i++;
	if (t->n - i < 8 ||
	    (strncasecmp((const char *)t->p + i, "name", 4) &&
		strncasecmp((const char *)t->p + i, "key", 3)))
		return false;
	i += (t->p[i] | 0x20) == 'n' ? 4 : 3;
	low = i;
	while (i < t->n && i - low < 20 &&
	    (is_quote(t->p[i]) || is_space(t->p[i]) || t->p[i] == '=' ||
		t->p[i] == ':'))
		i++;
	if (!memchr(t->p + low, '=', i - low) &&
	    !memchr(t->p + low, ':', i - low))
		return false;
	a->key = a->kend = i;
	while (a->kend < t->n && a->kend - i < 64 && is_ident(t->p[a->kend]))
		a->kend++;
	a->kind = scrub_key_kind(t->p + a->key, a->kend - a->key);
	return a->kind > KEY_WEAK;
}

bool
scrub_name_elsewhere(const struct scrub_text *t, size_t at,
    struct scrub_pair *a)
{
	return find_block(t, at, a) || find_chosen(t, at, a) ||
	    find_behind(t, at, a);
}
