/* scrub_pdf.h - the compressed streams of a PDF that passes by, and a file
 * that is nothing but one of them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_SCRUB_PDF_H
#define BINDU_SCRUB_PDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scrub_pdf;
struct scrub_scan;

/* What a file begins with tells whether it is one; budget: what may come out
 * of it, counted down.  NULL: it is none, or no memory. */
struct scrub_pdf *
scrub_pdf_new(const uint8_t *head, size_t n, uint64_t *budget);
void scrub_pdf_add(struct scrub_pdf *, const uint8_t *, size_t n);
/* What was found, until scrub_pdf_free; over: the budget did not suffice. */
struct scrub_scan *scrub_pdf_end(struct scrub_pdf *, bool *over);
void scrub_pdf_free(struct scrub_pdf *);
#endif
