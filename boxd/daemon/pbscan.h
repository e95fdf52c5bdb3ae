/* pbscan.h - walk the fields of an encoded message without copying.
 *
 * For the calls that carry data: the payload is used where it lies.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_PBSCAN_H
#define BOXD_PBSCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pb_field {
	uint32_t number;
	uint64_t value; /* of a varint; 0 otherwise */
	const uint8_t *p; /* of a length-delimited field; NULL otherwise */
	size_t n;
};

/* 1 the next field, 0 the end, -1 malformed. */
int pb_next(const uint8_t **p, const uint8_t *end, struct pb_field *);
/* Room pb_bytes_head() needs at most, and the head of a bytes field of n
 * bytes, written so that it ends at end; returns its first byte. */
#define PB_HEAD_MAX 6
uint8_t *pb_bytes_head(uint8_t *end, uint32_t number, size_t n);
#endif
