/* boot.h - what the box's user wants run when the box starts.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BOXD_INIT_BOOT_H
#define BOXD_INIT_BOOT_H

/* In a process of its own: HOME/.bindu/boot, as the user, if there is one.
 * Only a child may call it: it changes who we are.  Returns when there is
 * nothing to run. */
void boot_exec(void);
#endif
