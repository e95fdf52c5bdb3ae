/* scrub_command.c - passwords given to programs on their command line.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "scrub_assign.h"

enum { COMMAND_MAX = 600 };

/* Programs and the option behind which the password stands; user: it is
 * USER:PASSWORD; glued: no blank is allowed between. */
static const struct {
	const char *program, *option;
	bool user, glued;
} commands[] = {
	{ "curl ", "-u", true, false },
	{ "curl ", "--user", true, false },
	{ "mysql", "-p", false, true },
	{ "redis-cli ", "-a", false, false },
	{ "sshpass ", "-p", false, false },
	{ " login ", "-p", false, false },
	{ "sqlcmd ", "-P", false, false },
	{ "ldapsearch ", "-w", false, false },
	{ "ldapmodify ", "-w", false, false },
	{ "mosquitto_", "-P", false, false },
	{ "openssl enc", "-k", false, false },
	{ "smbclient ", "-U", true, false },
	{ "mongo ", "-p", false, false },
	{ "mongosh ", "-p", false, false },
	{ "mongodump ", "-p", false, false },
	{ "mongorestore ", "-p", false, false },
	{ "unzip ", "-P", false, false },
	{ "7z x ", "-p", false, true },
	{ "keytool ", "-storepass", false, false },
	{ "keytool ", "-keypass", false, false },
};

/* The value of an option that begins at text[i); its end in *end. */
static size_t
find_argument(const struct scrub_text *t, size_t i, size_t eol, size_t *end)
{
	uint8_t quote = 0;

	while (i < eol && strchr(" =\\", t->p[i]))
		i++;
	if (i < eol && (t->p[i] == '"' || t->p[i] == '\''))
		quote = t->p[i++];
	*end = i;
	while (*end < eol && t->p[*end] > ' ' && t->p[*end] != quote &&
	    (quote || !strchr("\"'`;|<>\\", t->p[*end])))
		++*end;
	return i;
}

static void
judge_argument(struct scrub_scan *s, const struct scrub_text *t, size_t i,
    size_t end, bool user)
{
	const uint8_t *colon = user ? memchr(t->p + i, ':', end - i) : NULL;
	size_t value;
	int level;

	if (user && !colon) /* smbclient's USER%PASSWORD */
		colon = memchr(t->p + i, '%', end - i);
	if (user && !colon)
		return;
	value = colon ? (size_t)(colon - t->p) + 1 : i;
	level = scrub_login_level(t->p + value, end - value, t->p + i,
	    colon ? value - 1 - i : 0, false);
	scrub_add(s, t, value, end,
	    user ? "connection/curl-user" : "connection/argument", level,
	    PRIO_CONN);
}

/* echo PASSWORD | program login --password-stdin, | sudo -S; echo
 * USER:PASSWORD | chpasswd */
static void
judge_piped(struct scrub_scan *s, const struct scrub_text *t, size_t at,
    size_t eol)
{
	size_t bol = at, end;
	const uint8_t *echo;

	while (bol > 0 && at - bol < COMMAND_MAX && t->p[bol - 1] != '\n')
		bol--;
	echo = memmem(t->p + bol, at - bol, "echo ", 5);
	if (!echo || !memchr(echo, '|', (size_t)(t->p + at - echo)) ||
	    (t->p[at] == ' ' &&
		!memmem(t->p + at, eol - at, "--password-stdin", 16)))
		return;
	bol = find_argument(t, (size_t)(echo - t->p) + 5, at, &end);
	judge_argument(s, t, bol, end, t->p[at] == 'c');
}

void
scrub_judge_command(struct scrub_scan *s, const struct scrub_text *t, size_t at)
{
	size_t eol = at, end;

	while (eol < t->n && t->p[eol] != '\n' && eol - at < COMMAND_MAX)
		eol++;
	if (strchr(" cs", t->p[at]))
		judge_piped(s, t, at, eol);
	for (size_t k = 0; k < sizeof commands / sizeof *commands; k++) {
		size_t n = strlen(commands[k].program);
		size_t opt = strlen(commands[k].option);
		bool again = false;

		if (eol - at < n || memcmp(t->p + at, commands[k].program, n))
			continue;
		for (size_t i = at + n; i + opt + 4 < eol; i++) {
			/* The first may have been of another option with the
			 * same beginning; the next command's are not ours. */
			if (again && strchr(";|&", t->p[i]))
				break;
			if (t->p[i - 1] != ' ' ||
			    memcmp(t->p + i, commands[k].option, opt) != 0 ||
			    (commands[k].glued && t->p[i + opt] == ' '))
				continue;
			i = find_argument(t, i + opt, eol, &end);
			judge_argument(s, t, i, end, commands[k].user);
			i = end - 1;
			again = true;
		}
	}
}
