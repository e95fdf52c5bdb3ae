/* pbscan.c - walk the fields of an encoded message without copying.
 * SPDX-License-Identifier: Apache-2.0 */
#include "pbscan.h"

static bool
varint(const uint8_t **p, const uint8_t *end, uint64_t *v)
{
	*v = 0;
	for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
		uint8_t b = *(*p)++;

		*v |= (uint64_t)(b & 127) << shift;
		if (!(b & 128))
			return true;
	}
	return false;
}

int
pb_next(const uint8_t **p, const uint8_t *end, struct pb_field *f)
{
	uint64_t key, n;

	*f = (struct pb_field){ 0 };
	if (*p == end)
		return 0;
	if (!varint(p, end, &key) || key >> 3 == 0 || key >> 32)
		return -1;
	f->number = (uint32_t)(key >> 3);
	switch (key & 7) {
	case 0:
		return varint(p, end, &f->value) ? 1 : -1;
	case 1:
		n = 8;
		break;
	case 2:
		if (!varint(p, end, &n))
			return -1;
		break;
	case 5:
		n = 4;
		break;
	default:
		return -1;
	}
	if (n > (uint64_t)(end - *p))
		return -1;
	if ((key & 7) == 2) {
		f->p = *p;
		f->n = (size_t)n;
	}
	*p += n;
	return 1;
}

uint8_t *
pb_bytes_head(uint8_t *end, uint32_t number, size_t n)
{
	uint8_t head[PB_HEAD_MAX];
	size_t len = 0;

	head[len++] = (uint8_t)(number << 3 | 2);
	for (; n > 127; n >>= 7)
		head[len++] = (uint8_t)(n | 128);
	head[len++] = (uint8_t)n;
	for (size_t i = 0; i < len; i++)
		end[(ptrdiff_t)i - (ptrdiff_t)len] = head[i];
	return end - len;
}
