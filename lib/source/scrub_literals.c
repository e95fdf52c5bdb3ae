/* scrub_literals.c - what the prefilter looks for besides the rules' own.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "scrub_priv.h"

const struct scrub_literal scrub_literals[] = {
	{ "PRIVATE KEY", 0, false, TRIG_PEM },
	{ "PuTTY-User-Key-File-", 0, false, TRIG_PUTTY },
	{ "2://", 0, false, TRIG_URL },
	{ "3://", 0, false, TRIG_URL },
	{ "4://", 0, false, TRIG_URL },
	{ "5://", 0, false, TRIG_URL },
	{ "a://", 0, false, TRIG_URL },
	{ "b://", 0, false, TRIG_URL },
	{ "c://", 0, false, TRIG_URL },
	{ "d://", 0, false, TRIG_URL },
	{ "e://", 0, false, TRIG_URL },
	{ "f://", 0, false, TRIG_URL },
	{ "g://", 0, false, TRIG_URL },
	{ "h://", 0, false, TRIG_URL },
	{ "i://", 0, false, TRIG_URL },
	{ "j://", 0, false, TRIG_URL },
	{ "k://", 0, false, TRIG_URL },
	{ "l://", 0, false, TRIG_URL },
	{ "m://", 0, false, TRIG_URL },
	{ "n://", 0, false, TRIG_URL },
	{ "o://", 0, false, TRIG_URL },
	{ "p://", 0, false, TRIG_URL },
	{ "q://", 0, false, TRIG_URL },
	{ "r://", 0, false, TRIG_URL },
	{ "s://", 0, false, TRIG_URL },
	{ "t://", 0, false, TRIG_URL },
	{ "u://", 0, false, TRIG_URL },
	{ "v://", 0, false, TRIG_URL },
	{ "w://", 0, false, TRIG_URL },
	{ "x://", 0, false, TRIG_URL },
	{ "y://", 0, false, TRIG_URL },
	{ "z://", 0, false, TRIG_URL },
	{ "passw", 0, true, TRIG_WORD },
	{ "_pass", 0, true, TRIG_WORD },
	{ "pass\"", 0, true, TRIG_WORD },
	{ "pass:", 0, true, TRIG_WORD },
	{ "pass=", 0, true, TRIG_WORD },
	{ "pass =", 0, true, TRIG_WORD },
	{ "pass'", 0, true, TRIG_WORD },
	{ "passphrase", 0, true, TRIG_WORD },
	{ "pass_phrase", 0, true, TRIG_WORD },
	{ "passcode", 0, true, TRIG_WORD },
	{ "_pwd", 0, true, TRIG_WORD },
	{ "pwd\"", 0, true, TRIG_WORD },
	{ "pwd:", 0, true, TRIG_WORD },
	{ "pwd=", 0, true, TRIG_WORD },
	{ "pwd ", 0, true, TRIG_WORD },
	{ "pwd'", 0, true, TRIG_WORD },
	{ "secret", 0, true, TRIG_WORD },
	{ "SharedAccessKey=", 0, true, TRIG_CONN },
	{ "AccountKey=", 0, true, TRIG_CONN },
	{ "@tcp(", 0, false, TRIG_CONN },
	{ "oracle:thin:", 0, false, TRIG_CONN },
	{ "curl ", 0, false, TRIG_COMMAND },
	{ "mysql", 0, false, TRIG_COMMAND },
	{ "redis-cli ", 0, false, TRIG_COMMAND },
	{ "sshpass ", 0, false, TRIG_COMMAND },
	{ " login ", 0, false, TRIG_COMMAND },
	{ "sqlcmd ", 0, false, TRIG_COMMAND },
	{ "ldapsearch ", 0, false, TRIG_COMMAND },
	{ "ldapmodify ", 0, false, TRIG_COMMAND },
	{ "mosquitto_", 0, false, TRIG_COMMAND },
	{ "openssl enc", 0, false, TRIG_COMMAND },
	{ "smbclient ", 0, false, TRIG_COMMAND },
	/* \u00, and the letters that most tokens have. */
	{ "\\u00", 0, false, TRIG_ESCAPE },
	{ "\\x61", 0, true, TRIG_ESCAPE },
	{ "\\x63", 0, true, TRIG_ESCAPE },
	{ "\\x65", 0, true, TRIG_ESCAPE },
	{ "\\x66", 0, true, TRIG_ESCAPE },
	{ "\\x69", 0, true, TRIG_ESCAPE },
	{ "\\x6b", 0, true, TRIG_ESCAPE },
	{ "\\x6e", 0, true, TRIG_ESCAPE },
	{ "\\x6f", 0, true, TRIG_ESCAPE },
	{ "\\x70", 0, true, TRIG_ESCAPE },
	{ "\\x72", 0, true, TRIG_ESCAPE },
	{ "\\x73", 0, true, TRIG_ESCAPE },
	{ "\\x74", 0, true, TRIG_ESCAPE },
	{ "&#10", 0, false, TRIG_ESCAPE },
	{ "&#11", 0, false, TRIG_ESCAPE },
	{ "&#12", 0, false, TRIG_ESCAPE },
	{ "&#x6", 0, true, TRIG_ESCAPE },
	{ "&#x7", 0, true, TRIG_ESCAPE },
	{ "\"kty\"", 0, false, TRIG_JWK },
	{ "mnemonic", 0, true, TRIG_SEED },
	{ "seed", 0, true, TRIG_SEED },
	{ "recovery", 0, true, TRIG_SEED },
	{ "\x02\x01\x00\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00\x04\x82",
	    20, false, TRIG_DER },
	{ "\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", 14, false,
	    TRIG_DER },
	{ "\x02\x01\x00\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", 14, false,
	    TRIG_DER },
	{ "\x02\x01\x00\x30\x05\x06\x03\x2b\x65", 9, false, TRIG_DER },
	{ "\x02\x01\x00\x02\x82", 5, false, TRIG_DER },
	{ "\x02\x01\x00\x02\x81", 5, false, TRIG_DER },
	{ "\x02\x01\x01\x04\x20", 5, false, TRIG_DER },
	{ "\x02\x01\x01\x04\x30", 5, false, TRIG_DER },
	{ "\x02\x01\x01\x04\x42", 5, false, TRIG_DER },
	{ "IBAAKB", 0, false, TRIG_DER64 },
	{ "IBAAKC", 0, false, TRIG_DER64 },
	{ "IBADANBgkqhkiG9w0BAQ", 0, false, TRIG_DER64 },
	{ "AgEAMBMGByqGSM49", 0, false, TRIG_DER64 },
	{ "AgEAMBAGByqGSM49", 0, false, TRIG_DER64 },
	{ "MC4CAQAwBQYDK2V", 0, false, TRIG_DER64 },
	{ "MEcCAQAwBQYDK2V", 0, false, TRIG_DER64 },
	{ "MHcCAQEEI", 0, false, TRIG_DER64 },
	{ "MHQCAQEEI", 0, false, TRIG_DER64 },
	{ "MIGkAgEBBD", 0, false, TRIG_DER64 },
	{ "MIHcAgEBBE", 0, false, TRIG_DER64 },
	{ "0201000282", 0, false, TRIG_DERHEX },
	{ "0201000281", 0, false, TRIG_DERHEX },
	{ "020100300d06092a864886f70d0101", 0, true, TRIG_DERHEX },
	{ "020100301306072a8648ce3d", 0, true, TRIG_DERHEX },
	{ "020100301006072a8648ce3d", 0, true, TRIG_DERHEX },
	{ "020100300506032b65", 0, true, TRIG_DERHEX },
	{ "0201010420", 0, false, TRIG_DERHEX },
	{ "0201010430", 0, false, TRIG_DERHEX },
	{ "0201010442", 0, false, TRIG_DERHEX },
	{ "openssh-key-v1", 15, false, TRIG_DER },
};
const size_t scrub_nliterals = sizeof scrub_literals / sizeof *scrub_literals;

size_t
scrub_literal_count(void)
{
	return scrub_nrules + scrub_nliterals;
}

const char *
scrub_literal_get(size_t i, size_t *len, bool *caseless)
{
	const struct scrub_rule *r;
	const struct scrub_literal *l;

	if (i < scrub_nrules) {
		r = &scrub_rules[i];
		if (r->flags & RULE_RUN || (i && !strcmp(r[-1].lit, r->lit)))
			return NULL;
		*caseless = false;
		*len = strlen(r->lit);
		return r->lit;
	}
	l = &scrub_literals[i - scrub_nrules];
	*caseless = l->caseless;
	*len = l->len ? l->len : strlen(l->lit);
	return l->lit;
}
