/* scrub_names.c - what a path's name says about secrets (secrets.md 4.2).
 *
 * Patterns are lower case and match without regard to case; `*` stays within
 * a component.  A pattern with `/` inside is a path tail, one that ends in
 * `/` is a folder and covers all below it.  The first row that matches wins.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "scrub.h"

enum { CODE = 1 }; /* source code of that name is read, not dropped */

struct name_rule {
	const char *pattern;
	const char *id;
	enum bindu_name_act act;
	unsigned flags;
};

#define DROP BINDU_NAME_DROP
#define SCAN BINDU_NAME_SCAN
#define WARN BINDU_NAME_WARN

static const struct name_rule folders[] = {
	{ ".aws/", "name/client-folder", DROP, 0 },
	{ ".ssh/", "name/client-folder", DROP, 0 },
	{ ".gnupg/", "name/client-folder", DROP, 0 },
	{ ".bindu/", "name/agent-keys", DROP, 0 },
	{ ".azure/", "name/cloud-login", DROP, 0 },
	{ ".config/gcloud/", "name/cloud-login", DROP, 0 },
	{ ".oci/", "name/cloud-login", DROP, 0 },
	{ ".aliyun/", "name/cloud-login", DROP, 0 },
	{ ".bluemix/", "name/cloud-login", DROP, 0 },
	{ ".kube/", "name/kubernetes", DROP, 0 },
	{ ".git/", "name/git", DROP, 0 },
	{ ".terraform/", "name/terraform-state", DROP, 0 },
	{ ".env/", "name/dotenv", DROP, 0 },
	{ ".envs/", "name/dotenv", DROP, 0 },
	{ "secrets/", "name/secrets-folder", DROP, 0 },
	{ ".secrets/", "name/secrets-folder", DROP, 0 },
	{ "nkeys/", "name/nats-seed", DROP, 0 },
	{ ".nkeys/", "name/nats-seed", DROP, 0 },
	{ "private-keys-v1.d/", "name/pgp", SCAN, 0 },
};

static const struct name_rule files[] = {
	/* Looks like a secret, is public. */
	{ "*.pub", "name/public", BINDU_NAME_OK, 0 },
	{ "known_hosts", "name/public", BINDU_NAME_OK, 0 },
	{ "authorized_keys", "name/public", BINDU_NAME_OK, 0 },
	{ "credentials.yml.enc", "name/public", BINDU_NAME_OK, 0 },

	{ ".env*.example", "name/dotenv-template", SCAN, 0 },
	{ ".env*.sample", "name/dotenv-template", SCAN, 0 },
	{ ".env*.template", "name/dotenv-template", SCAN, 0 },
	{ ".env*.dist", "name/dotenv-template", SCAN, 0 },
	{ ".env*.defaults", "name/dotenv-template", SCAN, 0 },
	{ ".env*.schema", "name/dotenv-template", SCAN, 0 },
	{ ".env-example", "name/dotenv-template", SCAN, 0 },
	{ ".env_example", "name/dotenv-template", SCAN, 0 },
	{ "env.example", "name/dotenv-template", SCAN, 0 },
	{ "*.env.example", "name/dotenv-template", SCAN, 0 },
	{ "*.env.sample", "name/dotenv-template", SCAN, 0 },
	{ "*.env.template", "name/dotenv-template", SCAN, 0 },
	{ "*.env.dist", "name/dotenv-template", SCAN, 0 },
	{ "example.env", "name/dotenv-template", SCAN, 0 },
	{ "sample.env", "name/dotenv-template", SCAN, 0 },
	{ "template.env", "name/dotenv-template", SCAN, 0 },
	{ "*.example.env", "name/dotenv-template", SCAN, 0 },
	{ "*.sample.env", "name/dotenv-template", SCAN, 0 },
	{ "*.template.env", "name/dotenv-template", SCAN, 0 },
	{ ".envrc", "name/direnv", DROP, 0 },
	{ ".env*", "name/dotenv", DROP, 0 },
	{ "*.env", "name/dotenv", DROP, 0 },
	{ ".flaskenv", "name/dotenv", DROP, 0 },
	{ ".dev.vars", "name/wrangler", DROP, 0 },
	{ ".dev.vars.*", "name/wrangler", DROP, 0 },

	{ "id_rsa*", "name/ssh-key", DROP, CODE },
	{ "id_dsa*", "name/ssh-key", DROP, CODE },
	{ "id_ecdsa*", "name/ssh-key", DROP, CODE },
	{ "id_ed25519*", "name/ssh-key", DROP, CODE },
	{ "id_xmss*", "name/ssh-key", DROP, CODE },
	{ "*_rsa", "name/ssh-key", DROP, 0 },
	{ "*_dsa", "name/ssh-key", DROP, 0 },
	{ "*_ecdsa", "name/ssh-key", DROP, 0 },
	{ "*_ed25519", "name/ssh-key", DROP, 0 },

	{ "authkey_*.p8", "name/apple-signing", DROP, 0 },
	{ "config/master.key", "name/rails-key", DROP, 0 },
	{ "config/credentials/*.key", "name/rails-key", DROP, 0 },
	{ "config/*.secret.exs", "name/phoenix-secret", DROP, 0 },
	{ "secret_token.rb", "name/rails-key", DROP, 0 },
	{ "cacert.pem", "name/certificate", SCAN, 0 },
	{ "*.crt", "name/certificate", SCAN, 0 },
	{ "*.cer", "name/certificate", SCAN, 0 },
	{ "*.csr", "name/certificate", SCAN, 0 },
	{ "*.pem", "name/key-file", SCAN, 0 },
	{ "*.key", "name/key-file", SCAN, 0 },
	{ "*.keypair", "name/key-file", SCAN, 0 },
	{ "*.p8", "name/key-file", SCAN, 0 },
	{ "*.der", "name/key-file", SCAN, 0 },
	{ "*.p12", "name/key-bundle", DROP, 0 },
	{ "*.pfx", "name/key-bundle", DROP, 0 },
	{ "*.pkcs12", "name/key-bundle", DROP, 0 },
	{ "*.jks", "name/keystore", DROP, 0 },
	{ "*.keystore", "name/keystore", DROP, 0 },
	{ "*.bks", "name/keystore", DROP, 0 },
	{ "*.keyring", "name/keystore", DROP, 0 },
	{ "*.ppk", "name/putty-key", DROP, 0 },
	{ "secring.*", "name/pgp", SCAN, 0 },
	{ "*.asc", "name/pgp", SCAN, 0 },
	{ "*.gpg", "name/pgp", SCAN, 0 },
	{ "*.kdb", "name/password-safe", DROP, 0 },
	{ "*.kdbx", "name/password-safe", DROP, 0 },
	{ "*.psafe3", "name/password-safe", DROP, 0 },
	{ "*.agilekeychain", "name/password-safe", DROP, 0 },
	{ "*.keychain", "name/password-safe", DROP, 0 },
	{ "*.keychain-db", "name/password-safe", DROP, 0 },
	{ "*.kwallet", "name/password-safe", DROP, 0 },

	{ ".codex/auth.json", "name/agent-login", DROP, 0 },
	{ ".claude/.credentials.json", "name/agent-login", DROP, 0 },
	{ ".gemini/oauth_creds.json", "name/agent-login", DROP, 0 },
	{ ".config/gh/hosts.yml", "name/agent-login", DROP, 0 },
	{ ".netlify/config.json", "name/agent-login", DROP, 0 },
	{ ".vercel/auth.json", "name/agent-login", DROP, 0 },
	{ ".huggingface/token", "name/model-hub", DROP, 0 },
	{ ".cache/huggingface/token", "name/model-hub", DROP, 0 },
	{ "hf_tokeniz*", "name/public", BINDU_NAME_OK, 0 },
	{ "hf_token*", "name/model-hub", DROP, CODE },
	{ ".kaggle/kaggle.json", "name/model-hub", DROP, 0 },
	{ "kaggle.json", "name/model-hub", SCAN, 0 },
	{ ".cohere*", "name/model-hub", DROP, 0 },

	{ "credentials", "name/credentials", DROP, 0 },
	{ "credentials.yml", "name/credentials", DROP, 0 },
	{ "credentials.yaml", "name/credentials", DROP, 0 },
	{ "credentials.toml", "name/credentials", DROP, 0 },
	{ "credentials.csv", "name/credentials", DROP, 0 },
	{ "credentials.xml", "name/credentials", DROP, 0 },
	{ "credentials*.json", "name/credentials", DROP, 0 },
	{ "rootkey.csv", "name/credentials", DROP, 0 },
	{ "accesskeys*.csv", "name/credentials", DROP, 0 },
	{ "*_accesskeys.csv", "name/credentials", DROP, 0 },
	{ "service_account*.json", "name/google-key", SCAN, 0 },
	{ "service-account*.json", "name/google-key", SCAN, 0 },
	{ "serviceaccount*.json", "name/google-key", SCAN, 0 },
	{ "*-firebase-adminsdk-*.json", "name/google-key", SCAN, 0 },
	{ "gcp-key*.json", "name/google-key", SCAN, 0 },
	{ "application_default_credentials.json", "name/google-key", SCAN, 0 },
	{ "client_secret*.json", "name/google-key", SCAN, 0 },
	{ "*credentials.json", "name/google-key", SCAN, 0 },
	{ "token.json", "name/google-key", SCAN, 0 },
	{ ".boto", "name/storage-tool", DROP, 0 },
	{ ".s3cfg", "name/storage-tool", DROP, 0 },
	{ ".tugboat", "name/storage-tool", DROP, 0 },
	{ "rclone.conf", "name/storage-tool", DROP, 0 },
	{ ".mc/config.json", "name/storage-tool", DROP, 0 },
	{ "kubeconfig", "name/kubernetes", DROP, 0 },
	{ "kubeconfig.*", "name/kubernetes", DROP, CODE },
	{ "*.kubeconfig", "name/kubernetes", DROP, 0 },
	{ "admin.conf", "name/kubernetes", DROP, 0 },
	{ "kubelet.conf", "name/kubernetes", DROP, 0 },
	{ ".docker/config.json", "name/docker-auth", DROP, 0 },
	{ ".dockercfg", "name/docker-auth", DROP, 0 },
	{ ".dockerconfigjson", "name/docker-auth", DROP, 0 },

	{ ".npmrc", "name/npmrc", SCAN, 0 },
	{ ".yarnrc", "name/npmrc", SCAN, 0 },
	{ ".yarnrc.yml", "name/npmrc", SCAN, 0 },
	{ ".pypirc", "name/pypirc", DROP, 0 },
	{ ".netrc", "name/netrc", DROP, 0 },
	{ "_netrc", "name/netrc", DROP, 0 },
	{ "pip.conf", "name/python-index", SCAN, 0 },
	{ ".condarc", "name/python-index", SCAN, 0 },
	{ "uv.toml", "name/python-index", SCAN, 0 },
	{ ".git-credentials", "name/git-credentials", DROP, 0 },
	{ ".gitconfig", "name/gitconfig", SCAN, 0 },
	{ ".cargo/credentials*", "name/package-tool", DROP, 0 },
	{ ".gem/credentials", "name/package-tool", DROP, 0 },
	{ ".bundle/config", "name/package-tool", DROP, 0 },
	{ "composer/auth.json", "name/package-tool", DROP, 0 },
	{ ".composer/auth.json", "name/package-tool", DROP, 0 },
	{ "auth.json", "name/auth-json", SCAN, 0 },
	{ ".m2/settings.xml", "name/jvm-settings", SCAN, 0 },
	{ "gradle.properties", "name/jvm-settings", SCAN, 0 },
	{ "nuget.config", "name/nuget", SCAN, 0 },
	{ ".credentials", "name/jvm-settings", SCAN, 0 },

	{ "*.tfstate", "name/terraform-state", DROP, 0 },
	{ "*.tfstate.*", "name/terraform-state", DROP, 0 },
	{ "example.tfvars", "name/terraform-vars", SCAN, 0 },
	{ "*.example.tfvars", "name/terraform-vars", SCAN, 0 },
	{ "*.tfvars", "name/terraform-vars", DROP, 0 },
	{ "*.tfvars.json", "name/terraform-vars", DROP, 0 },
	{ ".terraformrc", "name/terraform-login", DROP, 0 },
	{ "terraform.rc", "name/terraform-login", DROP, 0 },
	{ ".vault-token", "name/vault", DROP, 0 },
	{ ".vault_pass", "name/vault", DROP, 0 },
	{ ".vault_pass.*", "name/vault", DROP, CODE },
	{ "vault_password*", "name/vault", DROP, CODE },
	{ ".vault_password*", "name/vault", DROP, CODE },

	{ "secret.yml", "name/secrets-file", DROP, 0 },
	{ "secret.yaml", "name/secrets-file", DROP, 0 },
	{ "secret.json", "name/secrets-file", DROP, 0 },
	{ "secret.toml", "name/secrets-file", DROP, 0 },
	{ "secrets.yml", "name/secrets-file", DROP, 0 },
	{ "secrets.yaml", "name/secrets-file", DROP, 0 },
	{ "secrets.json", "name/secrets-file", DROP, 0 },
	{ "secrets.toml", "name/secrets-file", DROP, 0 },
	{ ".secrets", "name/secrets-file", DROP, 0 },
	{ "local.settings.json", "name/app-secrets", DROP, 0 },
	{ "appsettings.*.json", "name/app-settings", SCAN, 0 },
	{ "*.user-secrets", "name/app-secrets", DROP, 0 },
	{ ".htpasswd", "name/server-login", DROP, 0 },
	{ ".pgpass", "name/server-login", DROP, 0 },
	{ "pgpass.conf", "name/server-login", DROP, 0 },
	{ ".my.cnf", "name/server-login", DROP, 0 },
	{ ".mylogin.cnf", "name/server-login", DROP, 0 },
	{ ".esmtprc", "name/server-login", DROP, 0 },
	{ ".msmtprc", "name/server-login", DROP, 0 },
	{ "*.ovpn", "name/vpn", DROP, 0 },
	{ "*.tblk", "name/vpn", DROP, 0 },
	{ "wg*.conf", "name/vpn", DROP, 0 },
	{ "*.nmconnection", "name/vpn", DROP, 0 },
	{ "*.rdp", "name/remote-desktop", WARN, 0 },
	{ "sftp-config.json", "name/editor-login", DROP, 0 },
	{ ".ftpconfig", "name/editor-login", DROP, 0 },
	{ ".vscode/sftp.json", "name/editor-login", DROP, 0 },
	{ ".idea/webservers.xml", "name/editor-login", DROP, 0 },
	{ ".remote-sync.json", "name/editor-login", DROP, 0 },
	{ "filezilla.xml", "name/editor-login", DROP, 0 },
	{ "recentservers.xml", "name/editor-login", DROP, 0 },
	{ "wp-config.php", "name/app-settings", SCAN, 0 },
	{ "localsettings.php", "name/app-settings", SCAN, 0 },
	{ "database.yml", "name/app-settings", SCAN, 0 },
	{ "settings.py", "name/app-settings", SCAN, 0 },
	{ ".*_history", "name/history", DROP, 0 },
	{ ".lesshst", "name/history", DROP, 0 },
	{ "wallet.*", "name/wallet", DROP, CODE },
	{ "keystore/utc--*", "name/wallet", DROP, 0 },
	{ "mnemonic*", "name/wallet", DROP, CODE },
	{ "*.seed", "name/wallet", DROP, 0 },
	{ "*.nk", "name/nats-seed", DROP, 0 },

	{ "*.sql", "name/data", WARN, 0 },
	{ "*.dump", "name/data", WARN, 0 },
	{ "*.sqlite*", "name/data", WARN, 0 },
	{ "*.db", "name/data", WARN, 0 },
	{ "*.pcap", "name/trace", WARN, 0 },
	{ "*.har", "name/trace", WARN, 0 },
	{ "core", "name/core", WARN, 0 },
	{ "core.#", "name/core", WARN, 0 },
	{ "*.mobileprovision", "name/apple-signing", WARN, 0 },
	{ "*.provisionprofile", "name/apple-signing", WARN, 0 },
};

static const char *const code_suffixes[] = { ".py", ".pyi", ".pyx", ".go",
	".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".vue", ".svelte", ".c",
	".h", ".cc", ".cpp", ".hpp", ".cs", ".java", ".kt", ".scala", ".rb",
	".rs", ".php", ".sh", ".swift", ".dart", ".lua", ".pl", ".ex", ".exs",
	".md", ".rst", ".html", ".css", ".scss", ".svg", ".png", ".jpg", ".gif",
	".webp", ".ico", NULL };

/* A copy of a dropped file is the file. */
static const char *const copy_suffixes[] = { ".bak", ".backup", ".old", ".orig",
	".save", ".swp", ".swo", "~", " copy", NULL };

static char
fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Does all of s[0..n) match the pattern?  `#` is a run of digits; a slash at
 * the end is not looked at. */
static bool
glob(const char *p, const char *s, size_t n)
{
	const char *end = s + n;

	for (; *p && (*p != '/' || p[1]); p++) {
		if (*p == '*') {
			for (;; s++) {
				if (glob(p + 1, s, (size_t)(end - s)))
					return true;
				if (s == end || *s == '/')
					return false;
			}
		}
		if (*p == '#') {
			if (s == end || *s < '0' || *s > '9')
				return false;
			while (s < end && *s >= '0' && *s <= '9')
				s++;
			continue;
		}
		if (s == end || fold(*s) != *p)
			return false;
		s++;
	}
	return s == end;
}

/* Rows by the last byte of their pattern, so that a path meets the few that
 * can match; [0] holds those that end in a wildcard.  A chain is in the order
 * of the table, each link one more than the row's number. */
struct row_index {
	uint8_t head[256];
	uint8_t next[256];
	char first[256]; /* of a single component; 0: a wildcard, or
				 * the row has several */
	char second[256]; /* last byte but one; 0: a wildcard */
};

static struct row_index file_rows, folder_rows;

static void
index_rows(struct row_index *x, const struct name_rule *rule, size_t n)
{
	while (n-- > 0) {
		const char *p = rule[n].pattern;
		size_t len = strlen(p);
		uint8_t last;

		len -= p[len - 1] == '/';
		last = (uint8_t)p[len - 1];
		last = last == '*' || last == '#' ? 0 : last;
		x->next[n] = x->head[last];
		x->head[last] = (uint8_t)(n + 1);
		if (*p != '*' && *p != '#' && memchr(p, '/', len) == NULL)
			x->first[n] = *p;
		if (last != 0 && len > 1 && p[len - 2] != '*' &&
		    p[len - 2] != '#')
			x->second[n] = p[len - 2];
	}
}

#define ROWS(table) (sizeof(table) / sizeof *(table))
_Static_assert(ROWS(files) < 256 && ROWS(folders) < 256,
    "a row's number and one more fit into a byte");

__attribute__((constructor)) static void
index_all(void)
{
	index_rows(&file_rows, files, ROWS(files));
	index_rows(&folder_rows, folders, ROWS(folders));
}

/* Does the tail of s[0..n) with as many components as the pattern match it?
 * base: where the last component starts. */
static bool
tail_matches(const char *p, const char *s, size_t base, size_t n)
{
	size_t start = base;

	for (const char *q = strchr(p, '/'); q != NULL && q[1] != '\0';
	     q = strchr(q + 1, '/')) {
		start -= start > 0;
		while (start > 0 && s[start - 1] != '/')
			start--;
	}
	return glob(p, s + start, n - start);
}

/* The first row of the table that matches the tail of s[0..n). */
static const struct name_rule *
find_row(const struct row_index *x, const struct name_rule *rule, const char *s,
    size_t n)
{
	uint8_t a, b = x->head[0];
	char first, second;
	size_t base = n;

	if (n == 0)
		return NULL;
	a = x->head[(uint8_t)fold(s[n - 1])];
	while (base > 0 && s[base - 1] != '/')
		base--;
	first = fold(s[base]);
	second = n > 1 ? fold(s[n - 2]) : 0;
	while (a != 0 || b != 0) {
		uint8_t *at = b == 0 || (a != 0 && a < b) ? &a : &b;
		size_t i = *at - 1u;

		if ((x->first[i] == 0 || x->first[i] == first) &&
		    (x->second[i] == 0 || x->second[i] == second) &&
		    tail_matches(rule[i].pattern, s, base, n))
			return &rule[i];
		*at = x->next[i];
	}
	return NULL;
}

static const struct name_rule *
match_folders(const char *path, size_t n, bool is_dir)
{
	for (size_t end = 1; end <= n; end++) {
		if (end < n ? path[end] != '/' : !is_dir)
			continue;
		const struct name_rule *r =
		    find_row(&folder_rows, folders, path, end);

		if (r != NULL)
			return r;
	}
	return NULL;
}

static const struct name_rule *
match_files(const char *path, size_t n)
{
	return find_row(&file_rows, files, path, n);
}

static size_t
suffix_length(const char *const *list, const char *path, size_t n)
{
	for (; *list; list++) {
		size_t len = strlen(*list), i = 0;

		while (
		    i < len && len < n && fold(path[n - len + i]) == (*list)[i])
			i++;
		if (i == len)
			return len;
	}
	return 0;
}

/* path without the marks of a copy: "x.bak", ".#x", "#x#", ".x.swp".  Puts
 * the name into out; false when it has no such mark. */
static bool
strip_copy(const char *path, size_t n, char *out, size_t outsz)
{
	size_t cut = suffix_length(copy_suffixes, path, n), base = n, skip = 0;

	while (base > 0 && path[base - 1] != '/')
		base--;
	if (!cut && n - base > 2 && path[base] == '#' && path[n - 1] == '#')
		cut = skip = 1;
	else if (!cut && n - base > 2 && !memcmp(path + base, ".#", 2))
		skip = 2;
	else if (cut && n - base > cut + 1 && path[base] == '.' &&
	    !memcmp(path + n - cut, ".sw", 3))
		skip = 1;
	if ((!cut && !skip) || n - base <= cut + skip || n - cut >= outsz)
		return false;
	memcpy(out, path, base);
	memcpy(out + base, path + base + skip, n - base - skip - cut);
	out[n - skip - cut] = '\0';
	return true;
}

static const struct name_rule *
match_name(const char *path, size_t n)
{
	const struct name_rule *r = match_files(path, n), *copy;
	char plain[4096];

	if (r && r->act != WARN)
		return r;
	if (!strip_copy(path, n, plain, sizeof plain))
		return r;
	copy = match_files(plain, strlen(plain));
	if (!copy && path[n - 1] == 'p') { /* vim: .id_rsa.swp, .env.swp */
		const char *b = strrchr(plain, '/');
		char dotted[sizeof plain + 1];
		size_t at = b ? (size_t)(b - plain) + 1 : 0;

		memcpy(dotted, plain, at);
		dotted[at] = '.';
		memcpy(dotted + at + 1, plain + at, strlen(plain) - at + 1);
		copy = match_files(dotted, strlen(dotted));
	}
	return copy && copy->act >= SCAN ? copy : r;
}

enum bindu_name_act
bindu_scrub_name(const char *path, bool is_dir, const char **rule)
{
	const struct name_rule *r;
	size_t n = strlen(path);

	*rule = NULL;
	while (n > 1 && path[n - 1] == '/')
		n--;
	r = match_folders(path, n, is_dir);
	if (is_dir && r && r->act != DROP)
		r = NULL;
	if (!r && !is_dir && n)
		r = match_name(path, n);
	if (!r || r->act == BINDU_NAME_OK)
		return BINDU_NAME_OK;
	*rule = r->id;
	if (r->flags & CODE && suffix_length(code_suffixes, path, n))
		return SCAN;
	return r->act;
}
