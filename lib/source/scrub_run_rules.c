/* scrub_run_rules.c - formats whose literal is looked for only where a run of
 * token characters starts: they cost the prefilter nothing, however many.
 * Data only; scrub_rules.c says what a row is.
 * SPDX-License-Identifier: Apache-2.0 */
#include "scrub_priv.h"

#define R(name, lit, pat) \
	{ \
		"provider/" name, lit, lit pat, NULL, RULE_RUN | RULE_SURE, \
		    NULL \
	}

const struct scrub_rule scrub_run_rules[] = {
	/* Models and agents. */
	R("cognition-token", "cog_", "\\l{52}"),
	R("cognition-key", "apk_user_", "\\B{100,200}={0,2}"),
	R("cognition-key", "apk_", "\\B{80,100}={0,2}"),
	R("minimax-key", "sk-api-", "\\b{100,130}"),
	R("letta-key", "sk-let-", "\\b{60,200}"),
	R("daytona-key", "dtn_", "\\h{64}"),
	R("composio-key", "ak_", "\\b{20}"),
	R("voyage-key", "al-", "\\b{43}"),
	R("openpipe-key", "opk_", "\\w{40,46}"),
	R("llamacloud-key", "llx-", "\\w{48}"),
	R("friendli-token", "flp_", "\\w{40,60}"),
	R("promptlayer-key", "pl_", "\\h{32}"),
	R("humanloop-key", "hl_sk_", "\\w{40,64}"),
	R("lambda-key", "secret_", "\\l{8,32}_\\h{32}.\\w{32}"),
	R("brave-key", "BSA", "\\b{27,28}"),
	R("fastgpt-key", "fastgpt-", "\\w{40,70}"),
	R("runway-key", "key_", "\\h{128}"),
	R("luma-key", "luma-", SCRUB_UUID "-" SCRUB_UUID),
	R("tripo-key", "tsk_", "\\b{40,50}"),
	R("meshy-key", "msy_", "\\w{36,40}"),
	R("you-key", "ydc-sk-", "\\b{40,80}"),
	R("kaggle-token", "KGAT_", "\\h{32}"),
	R("arcade-key", "arc_", "\\w{40,60}"),
	R("traceloop-key", "tl_", "\\h{64}"),
	R("inference-key", "inference-", "\\h{32}"),
	R("glhf-key", "glhf_", "\\h{32}"),
	R("chutes-key", "cpk_", "\\h{32}.\\h{32}.\\w{32}"),
	R("browser-use-key", "bu_", "\\b{43}"),
	R("steel-key", "ste-", "\\b{60,80}"),
	R("scrapfly-key", "scp-live-", "\\h{32}"),
	R("n8n-key", "n8n_api_", "\\h{80}"),
	R("n8n-key", "n8n_api_", "\\b{40}"),
	R("mixedbread-key", "mxb_", "\\w{30,50}"),
	R("nomic-key", "nk-", "\\b{43}"),

	/* Code and packages. */
	R("octopus-key", "API-", "\\u{26}"),
	R("teamcity-token", "eyJ0eXAiOiAiVENWMiJ9", ".\\b{36}.\\b{48}"),
	R("artifactory-reference-token", "cmVmd", "\\w{59}"),
	R("packagist-token", "packagist_", "\\l{3}_\\h{60,80}"),
	R("aikido-token", "AIK_CI_", "\\w{20,44}"),
	R("aikido-secret", "AIK_SECRET_", "\\w{64}"),
	R("endor-key", "endr+", "\\w{16}"),
	R("wakatime-key", "waka_", SCRUB_UUID),
	R("adobe-secret", "p8e-", "\\w{32}"),
	R("intra42-secret", "s-s4t2ud-", "\\h{64}"),
	R("intra42-secret", "s-s4t2af-", "\\h{64}"),
	R("valtown-token", "vtwn_", "\\w{20,40}"),

	/* Clouds and data. */
	R("netlify-token", "nfb_", "\\w{36,40}"),
	R("netlify-token", "nfc_", "\\w{36,40}"),
	R("netlify-token", "nfo_", "\\w{36,40}"),
	R("netlify-token", "nfu_", "\\w{36,40}"),
	R("upcloud-token", "ucat_", "\\w{24,40}"),
	R("vercel-blob-token", "vercel_blob_rw_", "\\w{14,20}_\\w{28,40}"),
	R("confluent-secret", "cflt", "\\B{60}"),
	R("cockroach-key", "CCDB1_", "\\w{22}_\\w{40}"),
	R("mongodb-secret", "mdb_sa_sk_", "\\b{40}"),
	R("clickhouse-key", "4b1d", "\\w{38}"),
	R("elastic-key", "essu_", "\\b{60,200}={0,2}"),
	R("databricks-secret", "dose", "\\h{32}"),
	R("1password-secret-key", "A3-", "\\u{6}-\\u{11}-\\u{5}-\\u{5}-\\u{5}"),
	R("xata-key", "xau_", "\\w{36,42}"),
	R("fauna-key", "fnA", "\\b{37}"),

	/* Talk, money, watching, work. */
	R("slack-cookie", "xoxd-", "\\r{100,400}"),
	R("matrix-token", "syt_", "\\B{4,60}={0,2}_\\w{20}_\\w{6}"),
	R("onesignal-key", "os_v2_app_", "\\l{80,110}"),
	R("onesignal-key", "os_v2_org_", "\\l{80,110}"),
	R("telnyx-key", "KEY0", "\\H{31}_\\w{20,24}"),
	R("telnyx-key", "KEY", "\\H{32}_\\w{20,24}"),
	R("paddle-key", "pdl_", "\\l{4}_apikey_\\l{26}_\\w{22}_\\w{3}"),
	R("mercadopago-token", "APP_USR-",
	    "\\d{12,18}-\\d{6}-\\h{32}-\\d{6,12}"),
	R("xendit-key", "xnd_production_", "\\w{40,80}"),
	R("ory-token", "ory_at_", "\\b{43}.\\b{43}"),
	R("ory-token", "ory_pat_", "\\w{32}"),
	R("pinterest-token", "pina_", "\\u{40,80}"),
	R("persona-key", "persona_production_", "\\w{24,60}"),
	R("newrelic-query-key", "NRIQ-", "\\b{32}"),
	R("statsig-key", "secret-", "\\w{43}"),
	R("stytch-secret", "secret-live-", "\\b{32,36}={0,2}"),
	R("stytch-secret", "secret-test-", "\\b{32,36}={0,2}"),
	R("segment-token", "sgp_", "\\w{64}"),
	R("postman-token", "PMAT-", "\\u{26}"),
	R("cal-com-key", "cal_live_", "\\h{32}"),
	R("canva-secret", "cnvca", "\\b{51}"),
	R("lichess-token", "lip_", "\\w{20}"),
	R("liveblocks-key", "sk_prod_", "\\b{40,70}"),
	R("liveblocks-key", "sk_dev_", "\\b{40,70}"),
	R("adafruit-key", "aio_", "\\w{28}"),
	R("ubidots-token", "BBFF-", "\\w{30}"),
	R("ubidots-token", "BBUS-", "\\w{30}"),
	R("readme-key", "rdme_", "\\l{60,72}"),
};
const size_t scrub_nrun_rules = sizeof scrub_run_rules /
    sizeof *scrub_run_rules;
