/* scrub_allow.h - what somebody decided may ship (binduscrub(5)).
 *
 * Entries name content by digest, never a place.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_SCRUB_ALLOW_H
#define BINDU_SCRUB_ALLOW_H

#include "scrub_priv.h"

struct scrub_allow;
/* file may be NULL (dirfd/.binduscrub, if there), so may baseline. */
struct scrub_allow *scrub_allow_load(int dirfd, const char *file,
    const char *baseline, struct bindu_err *);
void scrub_allow_free(struct scrub_allow *);
/* Who allows the finding, or NULL; caller frees.  sha256 is of the secret. */
char *scrub_allow_secret(struct scrub_allow *, const char *path,
    const char *rule, const uint8_t sha256[BINDU_SHA256], const char *pragma);
/* May it ship though it could not be read (path GLOB unread)? */
char *scrub_allow_unread(struct scrub_allow *, const char *path);
/* Does an entry bound to the file's content let it ship in spite of all? */
char *scrub_allow_file(struct scrub_allow *, const char *path,
    const uint8_t sha256[BINDU_SHA256]);
bool scrub_allow_wants_digest(const struct scrub_allow *, const char *path);
/* Entries that allowed nothing, or are past their date. */
void scrub_allow_stale(const struct scrub_allow *, struct bindu_strv *);
/* The line that would allow it. */
char *scrub_allow_line(const char *rule, const uint8_t sha256[BINDU_SHA256]);
#endif
