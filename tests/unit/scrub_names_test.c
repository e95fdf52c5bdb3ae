/* The name table: every act, look-alikes that must ship, copies, folders.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "lib/source/scrub.h"
#include "tap.h"

#define D BINDU_NAME_DROP
#define S BINDU_NAME_SCAN
#define W BINDU_NAME_WARN
#define O BINDU_NAME_OK

static const struct {
	const char *path;
	enum bindu_name_act act;
} rows[] = {
	{ ".env", D },
	{ ".env.production", D },
	{ "a/b/.ENV", D },
	{ "prod.env", D },
	{ ".env_prod", D },
	{ "bob_accessKeys.csv", D },
	{ "hf_token.txt", D },
	{ "hf_tokenizer.json", O },
	{ ".env~", D },
	{ ".env.swp", D },
	{ "..env.swp", D },
	{ ".envrc", D },
	{ ".env/production", D },
	{ ".envs/.production/.django", D },
	{ ".env.example", S },
	{ "x/.env.sample", S },
	{ ".env.local.template", S },
	{ "env.example", S },
	{ "prod.env.example", S },
	{ "env.py", O },
	{ "environment.yml", O },
	{ ".flaskenv", D },
	{ ".dev.vars.local", D },
	{ "id_rsa", D },
	{ "ID_RSA", D },
	{ "id_rsa_deploy", D },
	{ "id_rsa.bak", D },
	{ "id_rsa.pub", O },
	{ "id_ed25519_sk", D },
	{ "id_ed25519_sk.pub", O },
	{ "id_rsa.py", S },
	{ "deploy_rsa", D },
	{ ".id_rsa.swp", D },
	{ ".#id_rsa", D },
	{ "#id_rsa#", D },
	{ "known_hosts", O },
	{ "keys/authorized_keys", O },
	{ "server.PEM", S },
	{ "a.pem.bak", S },
	{ "cacert.pem", S },
	{ "slides.key", S },
	{ "x.der", S },
	{ "ca.crt", S },
	{ "app.keystore", D },
	{ "store.jks", D },
	{ "key.ppk", D },
	{ "cert.p12", D },
	{ "cert.pfx.old", D },
	{ "AuthKey_ABC.p8", D },
	{ "AuthKey.p8", S },
	{ "private.gpg", S },
	{ "db.kdbx", D },
	{ ".aws/config", D },
	{ "home/.ssh/id.pub", D },
	{ ".bindu/x", D },
	{ ".config/gcloud/a.db", D },
	{ "x.config/gcloud/a", O },
	{ "credentials", D },
	{ "aws/credentials", D },
	{ "credentials.yml", D },
	{ "credentials-prod.json", D },
	{ "credentials.yml.enc", O },
	{ "credentials.py", O },
	{ "gcp-credentials.json", S },
	{ "service-account.json", S },
	{ "client_secret_1.json", S },
	{ "rclone.conf", D },
	{ ".mc/config.json", D },
	{ "config.json", O },
	{ ".docker/config.json", D },
	{ "kubeconfig", D },
	{ "kubeconfig.yaml", D },
	{ "kubeconfig.go", S },
	{ "admin.conf", D },
	{ ".npmrc", S },
	{ ".npmrc.bak", S },
	{ ".pypirc", D },
	{ ".netrc", D },
	{ "_netrc", D },
	{ "pip.conf", S },
	{ ".git-credentials", D },
	{ ".git/config", D },
	{ ".gitignore", O },
	{ ".gitconfig", S },
	{ ".cargo/credentials.toml", D },
	{ "auth.json", S },
	{ ".codex/auth.json", D },
	{ ".claude/.credentials.json", D },
	{ "terraform.tfstate", D },
	{ "terraform.tfstate.backup", D },
	{ "prod.tfvars", D },
	{ "example.tfvars", S },
	{ "main.tf", O },
	{ ".vault-token", D },
	{ "config/master.key", D },
	{ "master.key", S },
	{ "config/credentials/production.key", D },
	{ "config/prod.secret.exs", D },
	{ "secrets.yaml", D },
	{ "secrets.py", O },
	{ "secrets/x.txt", D },
	{ "app/Secrets/x", D },
	{ ".streamlit/secrets.toml", D },
	{ "local.settings.json", D },
	{ "appsettings.Development.json", S },
	{ ".htpasswd", D },
	{ "wg0.conf", D },
	{ "office.ovpn", D },
	{ "x.rdp", W },
	{ "sftp-config.json", D },
	{ ".vscode/sftp.json", D },
	{ ".vscode/settings.json", O },
	{ "settings.py", S },
	{ ".bash_history", D },
	{ "wallet.json", D },
	{ "wallet.py", S },
	{ "keystore/UTC--2020", D },
	{ "user.nk", D },
	{ "mnemonic.txt", D },
	{ "dump.sql", W },
	{ "knowledge.db", W },
	{ "core", W },
	{ "core.1234", W },
	{ "core.py", O },
	{ "app.mobileprovision", W },
	{ "agent.py", O },
	{ "monkey.py", O },
	{ "keys.ts", O },
	{ "", O },
};

int
main(void)
{
	const char *rule;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum bindu_name_act a =
		    bindu_scrub_name(rows[i].path, false, &rule);

		ok(a == rows[i].act && !rule == !a, "%s -> %d (%s)",
		    rows[i].path, a, rule ? rule : "-");
	}
	ok(bindu_scrub_name(".aws", true, &rule) == D, "folder .aws");
	ok(bindu_scrub_name("a/SECRETS/", true, &rule) == D, "folder secrets/");
	ok(bindu_scrub_name("id_rsa", true, &rule) == O, "a folder id_rsa");
	ok(bindu_scrub_name("private-keys-v1.d", true, &rule) == O,
	    "a scan folder itself is no drop");
	return done();
}
