/* deploy_local.c - see deploy_local.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "deploy_local.h"

#include <string.h>
#include <unistd.h>
#include "lib/base/mem.h"
#include "lib/base/path.h"
#include "lib/base/proc.h"
#include "lib/base/str.h"
#include "lib/source/manifest.h"
#include "lib/source/scrub.h"

enum { FIND_MS = 20000 };

/* find_spec looks for it without running it. */
static int
find_source(char **dir, struct bindu_err *err)
{
	static const char *const argv[] = { "python3", "-c",
		"import importlib.util, os\n"
		"s = importlib.util.find_spec('bindu')\n"
		"d = os.path.dirname\n"
		"print(d(d(s.origin)) if s and s.origin else '')",
		NULL };
	struct bindu_proc_opts o = BINDU_PROC_OPTS;
	AUTO_FREE char *project = NULL;
	AUTO_FREE char *out = NULL;

	o.argv = argv;
	if (bindu_proc_capture(&o, FIND_MS, 1 << 16, &out, err) == -1)
		return bindu_err_wrap(err, "looking for bindu");
	out[strcspn(out, "\n")] = '\0';
	project = bindu_path_join(out, "pyproject.toml");
	if (*out == '\0' || access(project, R_OK) == -1)
		return bindu_err_set(err, BINDU_E_NOINPUT,
		    "--bindu-version=local: python3 here has no bindu that "
		    "comes from a source tree (pip install -e)");
	*dir = bindu_steal(&out);
	return 0;
}

static bool
belongs(const char *path)
{
	return bindu_str_starts(path, "bindu/") ||
	    strcmp(path, "pyproject.toml") == 0 ||
	    strcmp(path, "setup.py") == 0 || strcmp(path, "setup.cfg") == 0 ||
	    bindu_str_starts(path, "README") ||
	    bindu_str_starts(path, "LICENSE");
}

/* A secret in it is left out, as a secret name is: it is not the user's project
 * that is judged here. */
static int
scrub(struct bindu_tree *t, const struct bindu_report *report,
    struct bindu_err *err)
{
	struct bindu_scrub_opts so = { .drop = true };
	struct bindu_scrub_report r = { 0 };
	int bad = bindu_scrub_tree(t, &so, NULL, &r, err);

	for (size_t i = 0; i < r.ndrop; i++)
		bindu_note(report, BINDU_WARN, "bindu's %s does not ship (%s)",
		    r.drop[i].path, r.drop[i].rule);
	if (!bad && r.nunread != 0)
		bad = bindu_err_set(err, BINDU_E_IO,
		    "%s could not be checked for secrets: %s; nothing was sent",
		    r.unread[0].path, r.unread[0].rule);
	bindu_scrub_report_fini(&r);
	return bad;
}

int
bindu_deploy_local(struct bindu_tree **out, const struct bindu_report *report,
    struct bindu_err *err)
{
	/* A link that leaves the tree may be no part of bindu; where it is,
	 * scrub leaves it out. */
	struct bindu_walk_opts walk = { .any_link = true };
	struct bindu_tree *t = NULL;
	AUTO_FREE char *dir = NULL;

	if (find_source(&dir, err) == -1)
		return -1;
	if (bindu_tree_load(dir, &walk, report, &t, err) == -1)
		return bindu_err_wrap(err, "%s", dir);
	bindu_tree_keep(t, belongs);
	if (scrub(t, report, err) == -1 ||
	    bindu_manifest_hash(t, false, 0, report, err) == -1) {
		bindu_tree_free(t);
		return bindu_err_wrap(err, "%s", dir);
	}
	bindu_note(report, BINDU_NOTE, "bindu comes from %s (%zu file%s)", dir,
	    t->n, bindu_str_s(t->n));
	*out = t;
	return 0;
}
