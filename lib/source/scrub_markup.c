/* scrub_markup.c - names and values in tags, tables and lists.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_assign.h"

/* <name>, or the end of <string name="name">. */
bool
scrub_ends_tag(const struct scrub_text *t, const struct scrub_pair *a, size_t i,
    bool quoted)
{
	size_t key = a->key;

	if (i >= t->n || t->p[i] != '>' || !key)
		return false;
	if (t->p[key - 1] == ':') /* <wsse:Password> */
		for (key--; key > 1 && isalnum(t->p[key - 1]);)
			key--;
	return (key > 0 && t->p[key - 1] == '<') ||
	    (quoted && a->key > 1 && t->p[a->key - 2] == '=');
}

/* <key>NAME</key> <string>VALUE</string> of a property list and Hadoop's
 * <name>NAME</name> <value>VALUE</value>. */
size_t
scrub_skip_plist(const struct scrub_text *t, size_t i)
{
	static const char *const pairs[][2] = { { "</key>", "<string>" },
		{ "</name>", "<value>" } };

	for (size_t k = 0; k < 2; k++) {
		size_t len = strlen(pairs[k][0]), j = i + len;
		size_t open = strlen(pairs[k][1]);

		if (t->n - i < 20 || memcmp(t->p + i, pairs[k][0], len) != 0)
			continue;
		while (j < t->n && j - i < SCRUB_GAP && isspace(t->p[j]))
			j++;
		if (t->n - j > open && !memcmp(t->p + j, pairs[k][1], open))
			return j + open;
	}
	return 0;
}

/* set(ENV{NAME} "VALUE") of CMake, ${NAME}    VALUE of Robot Framework. */
size_t
scrub_skip_brace(const struct scrub_text *t, const struct scrub_pair *a,
    size_t i)
{
	size_t j;

	if (i >= t->n || t->p[i] != '}' || a->key < 2 ||
	    t->p[a->key - 1] != '{')
		return 0;
	j = scrub_skip_blank(t, i + 1);
	if (t->p[a->key - 2] == '$')
		return (a->key == 2 || t->p[a->key - 3] == '\n') && j - i > 2 ?
		    j :
		    0;
	return j < t->n && t->p[j] == '"' && t->p[a->key - 2] == 'V' ? j : 0;
}

/* The head of a table, user,NAME,mail: where its first row has the value. */
size_t
scrub_skip_head(const struct scrub_text *t, const struct scrub_pair *a)
{
	size_t bol = a->key, i = a->kend, column = 0, width = 0;

	for (; bol > 0 && a->key - bol < 200 && t->p[bol - 1] != '\n'; bol--) {
		if (!isalpha(t->p[bol - 1]) && !strchr("_ ,", t->p[bol - 1]))
			return 0;
		column += t->p[bol - 1] == ',';
	}
	for (; i < t->n && t->p[i] != '\n'; i++) {
		if (!isalpha(t->p[i]) && !strchr("_ ,\r", t->p[i]))
			return 0;
		width += t->p[i] == ',';
	}
	width += column;
	if (!width || i >= t->n || (a->key > bol && t->p[a->key - 1] != ',') ||
	    !strchr(",\r\n", t->p[a->kend]))
		return 0;
	for (i++; i < t->n && column && t->p[i] != '\n'; i++)
		column -= t->p[i] == ',';
	return i < t->n && !column ? i : 0;
}

/* A row of comma separated values: ...,NAME,VALUE */
bool
scrub_is_row(const struct scrub_text *t, const struct scrub_pair *a, size_t i)
{
	return t->n - i > 1 && t->p[i] == ',' && a->key &&
	    strchr(",\n", t->p[a->key - 1]) && !isspace(t->p[i + 1]);
}

/* | NAME | VALUE | of a table in Markdown: where the value is, or 0. */
size_t
scrub_skip_cell(const struct scrub_text *t, const struct scrub_pair *a,
    size_t i)
{
	size_t j = scrub_skip_blank(t, i), key = a->key;

	while (key > 0 && strchr(" `", t->p[key - 1]))
		key--;
	if (!key || t->p[key - 1] != '|' || t->n - j < 3 || t->p[j] != '|')
		return 0;
	j = scrub_skip_blank(t, j + 1);
	return j < t->n && t->p[j] == '`' ? j + 1 : j;
}
