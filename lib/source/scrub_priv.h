/* scrub_priv.h - what the parts of the scrubber share.
 *
 * A content stream is read into a window; literal hits and long runs of token
 * characters in the window's core are judged with look-back and look-ahead,
 * so no finding depends on where a block ended.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_SCRUB_PRIV_H
#define BINDU_SCRUB_PRIV_H

#include "lib/base/buf.h"
#include "scrub.h"

/* Bytes seen before and after a candidate.  A private key longer than the
 * look-ahead is judged by its beginning. */
enum {
	SCRUB_BACK = 4096,
	SCRUB_AHEAD = 32768,
	SCRUB_BLOCK = 128 * 1024,
	SCRUB_PAD = 16
};

/* Character classes of rule patterns, one bit each. */
enum {
	CH_WORD = 1, /* \w A-Za-z0-9 */
	CH_DIGIT = 2, /* \d */
	CH_HEX = 4, /* \h 0-9a-f */
	CH_XHEX = 8, /* \H 0-9A-Fa-f */
	CH_UPPER = 16, /* \u A-Z0-9 */
	CH_LOWER = 32, /* \l a-z0-9 */
	CH_B64URL = 64, /* \b A-Za-z0-9_- */
	CH_B64 = 128, /* \B A-Za-z0-9+/ */
	CH_DOTTED = 256, /* \s A-Za-z0-9_.~- */
	CH_B32 = 512, /* \2 A-Z2-7 */
	CH_ALPHA = 1024, /* \a A-Za-z */
	CH_RUN = 2048, /* \r A-Za-z0-9_+/%~ and - : runs of the value pass */
	CH_IDENT = 4096, /* A-Za-z0-9_.- : names of variables */
	CH_B58 = 8192, /* \5 base58 */
	CH_ANYB64 = 16384, /* A-Za-z0-9+/_- : either base64 alphabet */
	CH_PRINT = 32768, /* ASCII text */
	CH_BEFORE = 65536, /* may stand right before a value */
	CH_PADDED = 131072, /* \q A-Za-z0-9_.~=- */
};
extern const uint32_t scrub_class[256];

/* What a candidate is judged in: at most SCRUB_BACK bytes before it and
 * SCRUB_AHEAD after, the same ones whatever the block size.  SCRUB_PAD more
 * may be read without a look at n: what follows in the stream, or zeros. */
struct scrub_text {
	const uint8_t *p;
	size_t n;
	uint64_t abs; /* offset of p[0] in the stream */
};

enum scrub_verdict { SCRUB_NO, SCRUB_FAILED, SCRUB_GOOD };

/* One format of a credential. */
struct scrub_rule {
	const char *id; /* "provider/github-pat" */
	const char *lit; /* the case-sensitive literal that is looked for */
	const char *pat; /* the whole token, from lit on (see match) */
	const char *pre; /* what stands before lit and belongs to it */
	unsigned flags;
	/* FAILED lowers to warn: the shape is right, the checksum is not. */
	enum scrub_verdict (*check)(const uint8_t *, size_t);
};
enum {
	RULE_LEFT = 1, /* weak prefix: needs a border on the left */
	RULE_WARN = 2, /* never blocks */
	RULE_RANDOM = 4, /* the part after lit must look random */
	RULE_RUN = 8, /* tried at the start of a run, not by prefilter */
	RULE_SURE = 16, /* as RANDOM, and more so: words come close */
};
extern const struct scrub_rule scrub_rules[];
extern const size_t scrub_nrules;
/* More of them, all marked RUN: no work of the prefilter. */
extern const struct scrub_rule scrub_run_rules[];
extern const size_t scrub_nrun_rules;

/* The literal prefilter's own work: triggers that are no provider rule. */
enum scrub_trigger {
	TRIG_PEM,
	TRIG_PUTTY,
	TRIG_URL,
	TRIG_WORD,
	TRIG_CONN,
	TRIG_COMMAND,
	TRIG_CALL,
	TRIG_DER,
	TRIG_DER64,
	TRIG_DERHEX,
	TRIG_BUNDLE,
	TRIG_JWK,
	TRIG_OPENVPN,
	TRIG_KEYPAIR,
	TRIG_SEED,
	TRIG_QUOTED,
};
struct scrub_literal {
	const char *lit;
	uint8_t len; /* 0: strlen */
	bool caseless;
	enum scrub_trigger trig;
};
extern const struct scrub_literal scrub_literals[];
/* Literal i of both tables: rules first, then the others.  NULL: row i is no
 * work of the prefilter. */
const char *scrub_literal_get(size_t i, size_t *len, bool *caseless);
size_t scrub_literal_count(void);
enum { SCRUB_LIT_MAX = 32 };

/* Prefilter: calls hit for every occurrence of a literal that starts in
 * p[from..to); p[..n) may be looked at.  Order is not defined. */
typedef void scrub_hit_fn(void *ctx, size_t literal, size_t at);
void scrub_prefilter_portable(const uint8_t *p, size_t n, size_t from,
    size_t to, scrub_hit_fn *, void *ctx);
/* False when this build or machine has no vectorscan. */
bool scrub_prefilter_hs(const uint8_t *p, size_t n, size_t from, size_t to,
    scrub_hit_fn *, void *ctx);
/* For tests: 0 best, 1 portable only. */
extern int scrub_engine;

/* Patterns of a UUID: in lower case, in any. */
#define SCRUB_UUID "\\h{8}-\\h{4}-\\h{4}-\\h{4}-\\h{12}"
#define SCRUB_UUID_ANY "\\H{8}-\\H{4}-\\H{4}-\\H{4}-\\H{12}"
/* Length of the text at p[at..) that matches the pattern, 0 if none. */
size_t scrub_match(const char *pat, const uint8_t *p, size_t n, size_t at);
/* The longest text that the pattern matches. */
size_t scrub_match_max(const char *pat);
bool scrub_border_left(const uint8_t *p, size_t at);
bool scrub_border_right(const uint8_t *p, size_t n, size_t end);
bool scrub_borders(const struct scrub_text *, size_t start, size_t end);
bool scrub_binary_near(const uint8_t *p, size_t n, size_t at, size_t end);

/* Is this a made-up value of documentation: EXAMPLE, xxxx, your-key-here,
 * 1234..., one letter repeated, ${VAR}, <value>? */
bool scrub_is_placeholder(const uint8_t *, size_t);
extern const uint8_t scrub_pairs[64 * 64];
/* How unlike words: bits per character pair; above 0 is random. */
double scrub_randomness(const uint8_t *, size_t);
double scrub_entropy(const uint8_t *, size_t); /* Shannon, bits a char */

/* Checks of structure. */
enum scrub_verdict scrub_check_github(const uint8_t *, size_t);
enum scrub_verdict scrub_check_gitlab(const uint8_t *, size_t);
enum scrub_verdict scrub_check_grafana(const uint8_t *, size_t);
enum scrub_verdict scrub_check_npm(const uint8_t *, size_t);
enum scrub_verdict scrub_check_jwt(const uint8_t *, size_t);
enum scrub_verdict scrub_check_wif(const uint8_t *, size_t);
enum scrub_verdict scrub_check_xprv(const uint8_t *, size_t);
enum scrub_verdict scrub_check_stellar(const uint8_t *, size_t);
enum scrub_verdict scrub_check_nats(const uint8_t *, size_t);

/* What kind of key DER bytes are: NULL if none.  *secure: encrypted. */
const char *scrub_der_key(const uint8_t *, size_t, bool *encrypted);
/* The size that a DER structure of at least 4 bytes says it has. */
size_t scrub_der_size(const uint8_t *);
extern const int8_t scrub_digits16[256]; /* of hex, -1: none */
/* The byte that two digits of hex are, less than 0: they are none. */
static inline int
scrub_hex(const uint8_t *p)
{
	return scrub_digits16[p[0]] * 16 | scrub_digits16[p[1]];
}
/* Either alphabet of base64; stops at the first foreign character. */
extern const int8_t scrub_digits64[256]; /* -1: none */
size_t
scrub_base64(const uint8_t *, size_t, uint8_t *out, size_t max, size_t *used);
/* Groups of four characters, or more, as long as none is foreign; how many
 * characters.  out has room for three bytes a group, and 8 more. */
size_t scrub_base64_blocks(const uint8_t *, size_t, uint8_t *out);

/* The scanner of one stream. */
struct scrub_scan;

struct scrub_cand {
	uint64_t start, end; /* stream offsets */
	const char *rule;
	enum bindu_scrub_level level;
	uint8_t prio; /* higher wins an overlap */
	uint32_t line, col;
	char masked[24];
	uint8_t sha256[BINDU_SHA256]; /* of the secret */
	char *pragma; /* text after "bindu:allow ", or NULL */
};
enum { PRIO_GENERIC = 1, PRIO_CONN, PRIO_SHAPE, PRIO_PROVIDER, PRIO_KEY };

struct scrub_scan *scrub_scan_new(void);
void scrub_scan_free(struct scrub_scan *);
/* weak: the file's name says that it may hold logins (.npmrc ...), so less
 * is asked of a value before it counts. */
void scrub_scan_begin(struct scrub_scan *, bool weak);
/* Where to put bytes, *n >= 1 of them; then say how many came. */
uint8_t *scrub_scan_room(struct scrub_scan *, size_t *n);
void scrub_scan_added(struct scrub_scan *, size_t n);
void scrub_scan_add(struct scrub_scan *, const uint8_t *, size_t n);
void scrub_scan_end(struct scrub_scan *);
/* After the end: findings without overlaps, sorted by offset. */
struct scrub_cand *scrub_scan_found(struct scrub_scan *, size_t *n);
/* Leaves out what overlaps something stronger, sorts the rest by offset; how
 * many are left. */
size_t scrub_settle(struct scrub_cand *, size_t n);
/* Something packed that stood in the stream as base64: a container for the
 * caller to open, since what scans bytes opens none. */
struct scrub_packed {
	uint32_t line; /* of the base64 */
	void *bytes; /* NULL: it was too large */
	size_t n;
};
enum { SCRUB_PACKED_MAX = 8 << 20, SCRUB_PACKED_COUNT = 64 };
/* Hands one over, its bytes the caller's to free; false: no more. */
bool scrub_scan_packed(struct scrub_scan *, struct scrub_packed *);
/* Were there more, or larger ones, than are handed over? */
bool scrub_scan_unopened(const struct scrub_scan *);
void scrub_keep_packed(struct scrub_scan *, const struct scrub_packed *);
/* Did the stream hold more findings than are kept? */
bool scrub_scan_overflow(const struct scrub_scan *);
/* For tests: smaller blocks. */
void scrub_scan_block(struct scrub_scan *, size_t);

/* Called by the judges: text[start..end) is a secret, at a bindu_scrub_level;
 * below a warning, or -1, it is none worth saying. */
void scrub_add(struct scrub_scan *, const struct scrub_text *, size_t start,
    size_t end, const char *rule, int level, uint8_t prio);

/* Of a format: a key's or a provider's. */
uint8_t scrub_format_prio(const char *rule);

/* The judges: is what stands at text[at) a secret? */
void scrub_judge_key(struct scrub_scan *, const struct scrub_text *, size_t at,
    enum scrub_trigger);
void scrub_judge_bare(struct scrub_scan *, const struct scrub_text *, size_t at,
    enum scrub_trigger);
void scrub_judge_raw_key(struct scrub_scan *, const struct scrub_text *,
    size_t at, enum scrub_trigger);
/* Base64 of a key, from text[i) until the END line or something foreign. */
struct scrub_key_body {
	bool bare; /* no armour: as long as the DER says, strings only */
	size_t line, mark; /* text[line..) of this length begins every line */
	uint8_t raw[16384];
	size_t len;
	size_t chars; /* of base64 */
	bool encrypted; /* Proc-Type: 4,ENCRYPTED and the like */
	size_t end; /* where it stopped */
	bool closed; /* at an END line */
};
void
scrub_read_key(const struct scrub_text *, size_t i, struct scrub_key_body *);
void scrub_judge_url(struct scrub_scan *, const struct scrub_text *, size_t at,
    bool weak);
void
scrub_judge_conn(struct scrub_scan *, const struct scrub_text *, size_t at);
void
scrub_judge_command(struct scrub_scan *, const struct scrub_text *, size_t at);
void scrub_judge_call(struct scrub_scan *, const struct scrub_text *, size_t at,
    size_t len);
void scrub_judge_word(struct scrub_scan *, const struct scrub_text *, size_t at,
    size_t len, bool weak);
void
scrub_judge_quoted(struct scrub_scan *, const struct scrub_text *, size_t at);
void
scrub_judge_seed(struct scrub_scan *, const struct scrub_text *, size_t at);
void scrub_judge_run(struct scrub_scan *, const struct scrub_text *, size_t at,
    size_t end, bool weak);
/* Those of the formats that a run shows (scrub_shape.c): was it one? */
bool
scrub_judge_discord(struct scrub_scan *, const struct scrub_text *, size_t at);
bool scrub_judge_prefixed(struct scrub_scan *, const struct scrub_text *,
    size_t at, size_t n);
bool scrub_judge_azure_secret(struct scrub_scan *, const struct scrub_text *,
    size_t at);
bool scrub_judge_convex(struct scrub_scan *, const struct scrub_text *,
    size_t at, size_t end);
bool scrub_judge_shape(struct scrub_scan *, const struct scrub_text *,
    size_t at, size_t end);
void scrub_judge_rule(struct scrub_scan *, const struct scrub_text *, size_t at,
    const struct scrub_rule *);
/* A token in pieces: 1 if it was one. */
int scrub_judge_pieces(struct scrub_scan *, const struct scrub_text *,
    size_t at, const struct scrub_rule *);
/* The rules marked RUN, by their first character. */
enum { SCRUB_STARTS = 192 };
struct scrub_starts {
	const struct scrub_rule *rule[SCRUB_STARTS];
	uint8_t first[256], next[SCRUB_STARTS]; /* index + 1, 0: none */
	size_t n;
};
void scrub_starts_init(struct scrub_starts *);
void scrub_judge_start(struct scrub_scan *, const struct scrub_starts *,
    const struct scrub_text *, size_t at, size_t end);

/* Bit i of run[i / 64] is set when p[i] is a token character, of escape when
 * it may begin an escape; wide has a bit per 64 bytes that look like UTF-16 or
 * UTF-32. */
struct scrub_masks {
	uint64_t *run, *escape, *wide;
};
void scrub_masks(const uint8_t *p, size_t n, const struct scrub_masks *);

/* Newlines in p[0..n), and where the last one is (NULL: none). */
uint64_t scrub_count_lines(const uint8_t *p, size_t n, const uint8_t **last);

/* One run decoded and scanned as a stream of its own (scrub_decode.c). */
struct scrub_decoder {
	struct scrub_scan *child;
	bool active;
	int kind;
	uint64_t start, next; /* stream offsets: first byte, where to go on */
	uint32_t line, col; /* of start */
	size_t width, gap; /* a wrapped line, what stands between two */
	size_t unit, place; /* of UTF-16 and 32: a unit, its ASCII byte */
	uint32_t acc;
	unsigned bits;
	struct bindu_buf packed; /* the bytes so far of something packed */
	bool is_packed;
	size_t skip; /* of its bytes, still to come */
};
struct scrub_view { /* what a decoder sees of the stream */
	const uint8_t *p;
	size_t n;
	uint64_t abs;
	size_t limit; /* go no further than p[limit) */
	bool final;
};
/* A short stretch decoded, and where each byte of it came from. */
struct scrub_mapped {
	uint8_t byte[30000];
	uint16_t from[30001]; /* one more: where it ended */
	size_t n;
};
/* Scan it; start is the stream offset that from counts from. */
void scrub_scan_mapped(struct scrub_scan *, struct scrub_decoder *,
    const struct scrub_mapped *, uint64_t start);
void scrub_decode_run(struct scrub_scan *, const struct scrub_view *, size_t at,
    size_t end);
void
scrub_decode_wide(struct scrub_scan *, const struct scrub_view *, size_t at);
/* The stretch with an escape at p[at). */
void
scrub_decode_escape(struct scrub_scan *, const struct scrub_view *, size_t at);
void scrub_decode_continue(struct scrub_scan *, const struct scrub_view *);
struct scrub_decoder *scrub_scan_decoder(struct scrub_scan *, int which);
bool scrub_scan_deep(const struct scrub_scan *); /* decodes no more */
void scrub_scan_where(const struct scrub_scan *, uint64_t abs, uint32_t *line,
    uint32_t *col);
struct scrub_scan *scrub_scan_child(struct scrub_scan *);
/* Take over a child's finding at other coordinates. */
void scrub_adopt(struct scrub_scan *, struct scrub_cand *, uint64_t start,
    uint64_t end, uint32_t line, uint32_t col);
#endif
