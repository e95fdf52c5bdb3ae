/* box_text.c - see box_text.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "box_text.h"

#include <string.h>
#include "lib/base/buf.h"
#include "lib/base/mem.h"

#define TEXT_MAX (16 << 20) /* all boxes of one account */

/* In a column, or without width the last of its line.  The service's words
 * must not speak to the terminal. */
static void
add_word(struct bindu_buf *b, size_t width, const char *word)
{
	size_t before = b->len;

	bindu_str_visible(b, word, strlen(word), NULL);
	while (width != 0 && b->len - before < width)
		bindu_buf_addc(b, ' ', NULL);
	bindu_buf_addc(b, width != 0 ? ' ' : '\n', NULL);
}

static void
add_field(struct bindu_buf *b, const char *name, const char *value)
{
	if (value == NULL)
		return;
	add_word(b, 8, name);
	add_word(b, 0, value);
}

static void
add_size(struct bindu_buf *b, const char *name, uint64_t bytes)
{
	char size[16];

	if (bytes != 0)
		add_field(b, name, bindu_str_human(bytes, size, sizeof size));
}

char *
bindu_box_text(const struct bindu_box_info *i)
{
	struct bindu_buf b = BINDU_BUF_INIT(TEXT_MAX);
	AUTO_FREE char *vcpu = i->vcpu != 0 ? xasprintf("%u", i->vcpu) : NULL;

	add_field(&b, "name", i->name);
	add_field(&b, "id", i->vm_id);
	add_field(&b, "status", i->status);
	add_field(&b, "image", i->image_ref);
	add_field(&b, "vcpu", vcpu);
	add_size(&b, "memory", i->memory_bytes);
	add_size(&b, "disk", i->disk_bytes);
	add_field(&b, "url", i->url);
	add_field(&b, "local", i->local_url);
	return bindu_buf_steal(&b);
}

static void
add_row(struct bindu_buf *b, const char *name, const char *status,
    const char *url)
{
	add_word(b, 24, name);
	add_word(b, 10, status);
	add_word(b, 0, url != NULL ? url : "");
}

char *
bindu_box_list_text(const struct bindu_box_info *all, size_t n)
{
	struct bindu_buf b = BINDU_BUF_INIT(TEXT_MAX);

	if (n != 0)
		add_row(&b, "NAME", "STATUS", "URL");
	for (size_t i = 0; i < n; i++)
		add_row(&b, all[i].name, all[i].status,
		    all[i].local_url != NULL ? all[i].local_url : all[i].url);
	return bindu_buf_steal(&b);
}
