/* ignore_rules.h - the rules of one ignore file, parsed and looked up as git
 * does: the last one that matches decides.
 *
 * Internal to the ignore module.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_IGNORE_RULES_H
#define BINDU_IGNORE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file larger than this is refused: 4 bytes a rule at the least, and every
 * rule costs memory and time. */
#define BINDU_IGNORE_FILE_MAX (16u << 20)

struct bindu_rules;

struct bindu_rule {
	const char *text; /* the line as written, ends trimmed */
	unsigned line;
	bool negated;
};

/* Takes over text, which has n bytes, and copies source. */
struct bindu_rules *
bindu_rules_new(char *text, size_t n, const char *source, bool fold);
void bindu_rules_free(struct bindu_rules *);
const char *bindu_rules_source(const struct bindu_rules *);
/* Decide about path (n bytes, relative to the file's directory), whose last
 * component starts at base.  False: no rule matches. */
bool bindu_rules_find(struct bindu_rules *, const char *path, size_t n,
    size_t base, bool is_dir, struct bindu_rule *);
#endif
