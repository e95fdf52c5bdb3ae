/* scrub_words.c - what the value behind a promising name is worth.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_assign.h"

static bool
starts_with(const uint8_t *p, size_t n, const char *s)
{
	return n >= strlen(s) && !strncasecmp((const char *)p, s, strlen(s));
}

/* Ends as the name of a host: an id that a service gives out. */
static bool
is_host(const uint8_t *p, size_t n)
{
	static const char *const ends[] = { ".com", ".net", ".org", ".io",
		".dev", ".app", ".cloud", ".local", ".internal" };

	for (size_t i = 0; i < n; i++)
		if (!isalnum(p[i]) && p[i] != '.' && p[i] != '-')
			return false;
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		size_t len = strlen(ends[i]);

		if (n > len && !memcmp(p + n - len, ends[i], len))
			return true;
	}
	return false;
}

/* Bytes and letters of another language, escaped: \\xed, contrase\\u00f1a. */
static bool
is_escaped_text(const uint8_t *p, size_t n)
{
	/* What colours a terminal: \033[32m */
	if (memmem(p, n, "\\033[", 5) || memmem(p, n, "\\e[", 3))
		return true;
	for (size_t i = 0; i + 3 < n; i++) {
		if (p[i] != '\\' || !isxdigit(p[i + 2]) || !isxdigit(p[i + 3]))
			continue;
		if (p[i + 1] == 'x' || p[i + 1] == 'U')
			return true;
		if (p[i + 1] == 'u' && i + 4 < n &&
		    (p[i + 2] != '0' || p[i + 3] != '0' || p[i + 4] > '7'))
			return true;
	}
	return false;
}

/* AI21_API_KEY: the name of a variable.  A random value has no words. */
static bool
is_variable(const uint8_t *p, size_t n)
{
	size_t marks = 0, digits = 0;

	for (size_t i = 0; i < n; i++) {
		if (!isupper(p[i]) && !isdigit(p[i]) && p[i] != '_')
			return false;
		marks += p[i] == '_';
		digits += isdigit(p[i]) != 0;
	}
	return isupper(p[0]) && marks > 0 && digits * 4 < n;
}

/* A name with its date behind it: gpt-4o-mini-2024-07-18. */
static bool
is_dated(const uint8_t *p, size_t n)
{
	return n > 14 && islower(p[0]) &&
	    scrub_match("-20\\d{2}-\\d{2}-\\d{2}", p, n, n - 11) == 11 &&
	    scrub_randomness(p, n - 11) < 0.5;
}

/* /run/secrets/db_password: base64 that begins so has capitals. */
static bool
is_path(const uint8_t *p, size_t n)
{
	size_t marks = 0;

	for (size_t i = 0; i < n; i++) {
		if (!islower(p[i]) && !isdigit(p[i]) && !strchr("/_.-", p[i]))
			return false;
		marks += p[i] == '/';
	}
	return p[0] == '/' && marks > 1;
}

/* A number, a time, a name that something is assigned to. */
static bool
is_plain_data(const uint8_t *p, size_t n)
{
	size_t digits = 2;

	if (scrub_match("\\d{1,9}.\\d{1,20}e-\\d{1,3}", p, n, 0) == n ||
	    is_variable(p, n))
		return true;
	if (scrub_match("\\d{4}-\\d{2}-\\d{2}", p, n, 0) || is_dated(p, n) ||
	    is_path(p, n))
		return true;
	if (n > 2 && n <= 18 && p[0] == '0' && (p[1] | 0x20) == 'x') {
		while (digits < n && (isxdigit(p[digits]) || p[digits] == '_'))
			digits++;
		return digits == n;
	}
	/* An address of Ethereum; hashes of PostgreSQL and MySQL. */
	if ((n == 42 && scrub_match("0x\\H{40}", p, n, 0) == n) ||
	    (n == 35 && scrub_match("md5\\h{32}", p, n, 0) == n) ||
	    (n == 41 && scrub_match("*\\u{40}", p, n, 0) == n))
		return true;
	return p[n - 1] == '=' && p[n - 2] != '=' && n % 4 &&
	    scrub_match("\\w{1,40}", p, n, 0) == n - 1;
}

static bool
is_regex(const uint8_t *p, size_t n)
{
	static const char *const marks[] = { "[a-z", "[A-Z", "[0-9", "[^",
		"\\d", "\\w", "\\b{", ".*", "(?", "]+", "]{" };

	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (memmem(p, n, marks[i], strlen(marks[i])))
			return true;
	return false;
}

/* a.b.c, get_x(), name[...]: an expression, not a literal. */
static bool
is_expression(const uint8_t *p, size_t n)
{
	size_t i = 0, dots = 0;
	bool digit = false;

	if (!isalpha(p[0]) && p[0] != '_')
		return false;
	for (; i < n && (isalnum(p[i]) || strchr("_.:$", p[i])); i++) {
		dots += p[i] == '.' && i + 1 < n && isalpha(p[i + 1]);
		digit |= isdigit(p[i]) != 0;
	}
	if (i < n)
		return strchr("([{", p[i]) ||
		    (i + 1 < n &&
			((p[i] == '-' && p[i + 1] == '>') ||
			    (p[i] == '?' && p[i + 1] == '.') ||
			    p[i + 1] == '=' ||
			    (p[i] == '=' && p[i + 1] == '!')));
	return dots > 0 || !digit;
}

/* user1_pwd, unhexlify(x: names of a program, where no quote stands. */
static bool
is_code(const uint8_t *p, size_t n)
{
	const uint8_t *last = memrchr(p, '_', n);
	bool digit = false;
	size_t i = 0;

	for (; i < n && (isalnum(p[i]) || p[i] == '_' || p[i] == '.'); i++)
		digit |= isdigit(p[i]) != 0;
	if (!isalpha(p[0]))
		return false;
	if (i < n)
		return i > 2 && !digit && (p[i] == '(' || p[i] == '[');
	return last &&
	    scrub_key_kind(last + 1, (size_t)(p + n - last) - 1) > KEY_WEAK;
}

bool
scrub_value_is_reference(const uint8_t *p, size_t n, bool quoted)
{
	static const char *const starts[] = { "${", "$(", "{{", "{%", "<", "%(",
		"#{", "env.", "env:", "env[", "process.env", "os.", "$env",
		"%env", "{", "enc[", "vault:", "ssm:", "arn:", "op://",
		"file:", "http://", "https://", "kms:", "./", "../", "~/",
		"secret://", "projects/", "data:", "-----begin", "@microsoft",
		"!ref", "!sub", "$2a$", "$2b$", "$2y$", "$argon2", "$6$", "$5$",
		"$1$", "$apr1$", "$y$", "$7$", "$pbkdf2", "$scrypt", "bcrypt$",
		"bcrypt_sha256$", "argon2$", "scrypt:", "scram-sha-", "enc(",
		"pbkdf2", "sha256:", "sha512:", "sha1:", "md5:", "sha256-",
		"sha384-", "sha512-", "{sha", "{ssha", "{cipher}", "nacl[",
		"ansible", "var.", "local.", "data.", "module.", "config.",
		"self.", "this." };

	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
		if (starts_with(p, n, starts[i]))
			return true;
	if (p[0] == '$' && n > 1 && (isalpha(p[1]) || p[1] == '_')) {
		size_t i = 1;

		while (i < n && (isalnum(p[i]) || p[i] == '_'))
			i++;
		if (i == n &&
		    (scrub_randomness(p + 1, n - 1) < 0.5 ||
			scrub_match("\\a{1}\\u{1,60}", p, n, 1) == n - 1 ||
			memchr(p, '_', n)))
			return true;
	}
	if (n > 3 && !memcmp(p + n - 3, "...", 3))
		return true; /* cut short by whoever wrote it down */
	/* ref+vault://kv/app#key: where it is kept, without a login. */
	if (memmem(p, n < 24 ? n : 24, "://", 3) && !memchr(p, '@', n) &&
	    !memchr(p, '?', n))
		return true;
	if (((p[0] == '%' || p[0] == '@') && p[n - 1] == p[0]) ||
	    (p[0] == '@' && is_variable(p + 1, n - 1)) || is_host(p, n) ||
	    is_escaped_text(p, n) || is_plain_data(p, n) ||
	    (is_regex(p, n) && scrub_randomness(p, n) < 0.5))
		return true;
	if (memmem(p, n, "${", 2) || memmem(p, n, "{{", 2) ||
	    memmem(p, n, "#{", 2) ||
	    (memmem(p, n, "%s", 2) && scrub_randomness(p, n) < 0.5))
		return true;
	return !quoted &&
	    (is_code(p, n) ||
		(is_expression(p, n) && scrub_randomness(p, n) < 0.5));
}

bool
scrub_wraps_reference(const uint8_t *p, size_t n)
{
	uint8_t plain[400];
	size_t len, used, pad = n;

	if (n < 8 || n % 4 || n > sizeof plain)
		return false;
	len = scrub_base64(p, n, plain, sizeof plain, &used);
	while (pad > n - 2 && p[pad - 1] == '=')
		pad--;
	if (used != pad || len < 5)
		return false;
	for (size_t i = 0; i < len; i++)
		if (plain[i] < ' ' || plain[i] > '~')
			return false;
	/* An object is no template: the decoder reads what it holds. */
	if (plain[0] == '{' && plain[1] != '{')
		return false;
	return scrub_value_is_reference(plain, len, true) ||
	    scrub_is_placeholder(plain, len) || scrub_is_common(plain, len);
}

bool
scrub_value_is_set(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (isspace(p[i]) || p[i] < 32 || p[i] > 126)
			return false;
	return n >= 6 && !scrub_is_placeholder(p, n) && !scrub_is_common(p, n);
}

/* p@ssw0rd -> passord: letters, and what stands for one between letters. */
static size_t
plain_letters(const uint8_t *p, size_t n, char *s, size_t max)
{
	size_t len = 0;

	for (size_t i = 0; i < n && len < max - 1; i++) {
		uint8_t c = (uint8_t)tolower(p[i]);
		bool inside = i && i + 1 < n && !isdigit(p[i - 1]) &&
		    (isalpha(p[i + 1]) || p[i + 1] == p[i]);

		inside |= i && i + 1 < n && p[i - 1] == p[i] &&
		    isalpha(p[i + 1]);
		if (c == '@' && i + 1 < n)
			c = 'a';
		else if (inside && c == '0')
			c = 'o';
		else if (inside && c == '3')
			c = 'e';
		else if (inside && c == '1')
			c = 'i';
		else if (inside && c == '4')
			c = 'a';
		else if (inside && c == '5')
			c = 's';
		else if (c == '$')
			c = 's';
		if (isalpha(c))
			s[len++] = (char)c;
	}
	s[len] = '\0';
	return len;
}

/* Four digits in a row that are no year and do not count: of dragon8168 the
 * digits are the secret. */
static bool
has_number(const uint8_t *p, size_t n)
{
	size_t len = 0;
	bool counts = true;

	for (size_t i = 0; i < n; i++) {
		if (!isdigit(p[i])) {
			len = 0;
			continue;
		}
		if (!len++)
			counts = true;
		else if (p[i] != p[i - 1] && p[i] != p[i - 1] + 1 &&
		    p[i] + 1 != p[i - 1])
			counts = false;
		if (len >= 4 && !counts && memcmp(p + i - 3, "19", 2) != 0 &&
		    memcmp(p + i - 3, "20", 2) != 0)
			return true;
	}
	return false;
}

bool
scrub_is_common(const uint8_t *p, size_t n)
{
	static const char *const words[] = { "password", "passwd", "pass",
		"secret", "admin", "test", "testing", "tester", "user", "root",
		"guest", "default", "demo", "foo", "bar", "baz", "foobar",
		"abc", "qwerty", "letmein", "welcome", "changeit", "changeme",
		"temp", "hello", "world", "helloworld", "sample", "none",
		"null", "true", "false", "undefined", "string", "required",
		"postgres", "mysql", "redis", "mongo", "rabbit", "rabbitmq",
		"docker", "local", "localhost", "dev", "mypassword", "mypass",
		"testpassword", "testpass", "userpassword", "username",
		"adminpassword", "token", "apikey", "key", "mytoken", "mykey",
		"value", "somepassword", "yourpassword", "dbpassword",
		"supersecret", "topsecret", "verysecret", "verysecure", "pw",
		"pwd", "mysecret", "passphrase", "iloveyou", "monkey", "dragon",
		"minioadmin", "minio", "scott", "tiger", "hunter", "tests",
		"validpassword", "newpassword", "oldpassword", "wrongpassword",
		"badpassword", "correcthorsebatterystaple", "secretpassword",
		"strongpassword", "masterpassword", "testsecret", "secretkey",
		"testing123", "passwordpassword", "thisisasecret", "notasecret",
		"test_user", "testuser", "dummy", "securepassword", "plain",
		"soopersecret" };
	char s[64];
	size_t len = plain_letters(p, n, s, sizeof s);

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(s, words[i]))
			return !has_number(p, n);
	return len == 0 && n < 12; /* digits and marks alone */
}

int
scrub_password_level(const uint8_t *p, size_t n, bool quoted)
{
	bool lower = false, upper = false, digit = false, mark = false;
	double r = scrub_randomness(p, n);
	char word[64];
	int kinds;

	for (size_t i = 0; i < n; i++) {
		if (isspace(p[i]) || p[i] < 32 || p[i] > 126)
			return -1;
		lower |= islower(p[i]) != 0;
		upper |= isupper(p[i]) != 0;
		digit |= isdigit(p[i]) != 0;
		mark |= !isalnum(p[i]) && !strchr("_-./:", p[i]);
	}
	if (p[0] == '/' || n > 128 || scrub_is_placeholder(p, n) ||
	    scrub_is_common(p, n))
		return -1;
	if ((memchr(p, '(', n) && memchr(p, ')', n)) ||
	    (!quoted && memchr(p, '(', n)) || (!lower && !upper))
		return -1;
	kinds = lower + upper + digit + mark;
	if (n >= 8 && kinds >= 3 && digit &&
	    (mark || r > -0.3 || (quoted && has_number(p, n))))
		return BINDU_SCRUB_BLOCK;
	/* A word with a digit in it is a word: rapunz3l. */
	if (n >= 8 && digit && (lower || upper) && r > 0 &&
	    (plain_letters(p, n, word, sizeof word) < 5 ||
		scrub_randomness((uint8_t *)word, strlen(word)) > 0))
		return BINDU_SCRUB_BLOCK;
	if (n >= 10 && kinds >= 3 && mark && quoted && r > 0.7)
		return BINDU_SCRUB_BLOCK;
	if (n >= 12 &&
	    r > (kinds >= 3		? 0.2 :
			quoted || digit ? 0.6 :
					  0.9) &&
	    (quoted || digit || kinds >= 2))
		return BINDU_SCRUB_BLOCK;
	return n >= 10 && quoted && mark && digit ? BINDU_SCRUB_WARN :
						    BINDU_SCRUB_NOTE;
}

bool
scrub_is_uuid(const uint8_t *p, size_t n)
{
	return n == 36 && scrub_match(SCRUB_UUID_ANY, p, n, 0) == 36;
}

int
scrub_token_level(const uint8_t *p, size_t n, enum scrub_key kind)
{
	size_t digits = 0, letters = 0;
	double r = scrub_randomness(p, n > 256 ? 256 : n);

	for (size_t i = 0; i < n; i++) {
		if (isspace(p[i]) || p[i] < 32 || p[i] > 126)
			return -1;
		digits += isdigit(p[i]) != 0;
		letters += isalpha(p[i]) != 0;
	}
	if (n < 8 || !letters || scrub_is_placeholder(p, n) ||
	    scrub_is_common(p, n))
		return -1;
	/* Tokens of requests and locks are UUIDs too. */
	if (scrub_is_uuid(p, n))
		return kind == KEY_SECRET ? BINDU_SCRUB_BLOCK :
		    kind == KEY_TOKEN	  ? BINDU_SCRUB_WARN :
					    -1;
	if (r < 0.5 &&
	    (p[0] == '/' || (memchr(p, '(', n) && memchr(p, ')', n))))
		return -1;
	/* JSON in base64, such as a JWT's head: the rule for JWT decides. */
	if (n > 3 && !memcmp(p, "eyJ", 3) && (n < 60 || memchr(p, '.', n)))
		return -1;
	if (kind == KEY_WEAK)
		return n >= 24 && r > 1 && digits > 2 &&
			scrub_entropy(p, n) > 3.5 ?
		    BINDU_SCRUB_NOTE :
		    -1;
	if (n >= 16 && r > 0.5 && digits && scrub_entropy(p, n) > 2.8)
		return BINDU_SCRUB_BLOCK;
	if (n >= 16 && r > 0.9)
		return BINDU_SCRUB_BLOCK;
	if (kind == KEY_SECRET && n >= 10 && digits && r > 0.3)
		return BINDU_SCRUB_BLOCK;
	return n >= 12 && r > 0.5 && digits ? BINDU_SCRUB_WARN :
					      BINDU_SCRUB_NOTE;
}

bool
scrub_is_login(const uint8_t *p, size_t n)
{
	const uint8_t *colon = memchr(p, ':', n);

	if (!colon || colon == p || n < 6 || colon + 4 > p + n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (p[i] < 32 || p[i] > 126)
			return false;
	colon++;
	n -= (size_t)(colon - p);
	return !scrub_is_placeholder(colon, n) && !scrub_is_common(colon, n) &&
	    scrub_password_level(colon, n, true) == BINDU_SCRUB_BLOCK;
}
