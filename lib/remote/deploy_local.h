/* deploy_local.h - --bindu-version=local: this machine's bindu source goes
 * into the box and is installed there.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BINDU_DEPLOY_LOCAL_H
#define BINDU_DEPLOY_LOCAL_H

#include "lib/source/tree.h"

/* Where it lies in the box; deps.sh looks there. */
#define BINDU_LOCAL_DIR ".bindu/src/bindu"

/* The source checkout the bindu of python3 here is imported from: package and
 * project file, scrubbed and hashed.  A bindu installed without its source is
 * BINDU_E_NOINPUT. */
int bindu_deploy_local(struct bindu_tree **, const struct bindu_report *,
    struct bindu_err *);
#endif
