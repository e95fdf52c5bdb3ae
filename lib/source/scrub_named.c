/* scrub_named.c - providers whose tokens have no prefix: the name near the
 * value and the value's whole shape tell them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include "scrub_assign.h"

static const struct {
	const char *word, *pat, *id;
} named[] = {
	{ "aws_secret", "\\B{40}", "provider/aws-secret-access-key" },
	{ "secret_access_key", "\\B{40}", "provider/aws-secret-access-key" },
	{ "secretaccesskey", "\\B{40}", "provider/aws-secret-access-key" },
	{ "vault_token", "s.\\w{24}", "provider/vault-token" },
	{ "cohere", "\\w{40}", "provider/cohere-key" },
	{ "mistral", "\\w{32}", "provider/mistral-key" },
	{ "deepgram", "\\h{40}", "provider/deepgram-key" },
	{ "assemblyai", "\\h{32}", "provider/assemblyai-key" },
	{ "deepinfra", "\\w{32}", "provider/deepinfra-key" },
	{ "serpapi", "\\h{64}", "provider/serpapi-key" },
	{ "wandb", "\\h{40}", "provider/wandb-key" },
	{ "azure_openai", "\\h{32}", "provider/azure-openai-key" },
	{ "azure_", "\\h{32}", "provider/azure-key" },
	{ "exa_", SCRUB_UUID, "provider/exa-key" },
	{ "datadog", "\\h{40}", "provider/datadog-key" },
	{ "datadog", "\\h{32}", "provider/datadog-key" },
	{ "dd_api", "\\h{32}", "provider/datadog-key" },
	{ "dd_app", "\\h{40}", "provider/datadog-key" },
	{ "cloudflare", "\\b{40}", "provider/cloudflare-token" },
	{ "cloudflare", "\\h{37}", "provider/cloudflare-key" },
	{ "cf_api", "\\b{40}", "provider/cloudflare-token" },
	{ "linode", "\\h{64}", "provider/linode-token" },
	{ "hetzner", "\\w{64}", "provider/hetzner-token" },
	{ "hcloud", "\\w{64}", "provider/hetzner-token" },
	{ "vultr", "\\u{36}", "provider/vultr-key" },
	{ "heroku", SCRUB_UUID, "provider/heroku-key" },
	{ "railway", SCRUB_UUID, "provider/railway-token" },
	{ "scaleway", SCRUB_UUID, "provider/scaleway-secret" },
	{ "scw_secret", SCRUB_UUID, "provider/scaleway-secret" },
	{ "snyk", SCRUB_UUID, "provider/snyk-token" },
	{ "codecov", SCRUB_UUID, "provider/codecov-token" },
	{ "postmark", SCRUB_UUID, "provider/postmark-token" },
	{ "opsgenie", SCRUB_UUID, "provider/opsgenie-key" },
	{ "twilio", "\\h{32}", "provider/twilio-auth-token" },
	{ "algolia", "\\h{32}", "provider/algolia-key" },
	{ "mailchimp", "\\h{32}-us\\d{1,2}", "provider/mailchimp-key" },
	{ "mailgun", "\\h{32}-\\h{8}-\\h{8}", "provider/mailgun-key" },
	{ "okta", "00\\b{40}", "provider/okta-token" },
	{ "infura", "\\h{32}", "provider/infura-key" },
	{ "alchemy", "\\b{32}", "provider/alchemy-key" },
	{ "etherscan", "\\u{34}", "provider/etherscan-key" },
	{ "binance", "\\w{64}", "provider/binance-key" },
	{ "facebook", "\\h{32}", "provider/facebook-secret" },
	{ "spotify", "\\h{32}", "provider/spotify-secret" },
	{ "twitch", "\\l{30}", "provider/twitch-secret" },
	{ "twitter", "\\w{45,50}", "provider/twitter-secret" },
	{ "discord", "\\b{32}", "provider/discord-secret" },
	{ "zendesk", "\\w{40}", "provider/zendesk-token" },
	{ "pagerduty", "\\b{20}", "provider/pagerduty-key" },
	{ "rollbar", "\\h{32}", "provider/rollbar-token" },
	{ "bugsnag", "\\h{32}", "provider/bugsnag-key" },
	{ "amplitude", "\\h{32}", "provider/amplitude-key" },
	{ "circleci", "\\h{40}", "provider/circleci-token" },
	{ "travis", "\\b{22}", "provider/travis-token" },
	{ "jenkins", "\\h{32,34}", "provider/jenkins-token" },
	{ "gitea", "\\h{40}", "provider/gitea-token" },
	{ "kaggle", "\\h{32}", "provider/kaggle-key" },
	{ "confluent", "\\B{64}", "provider/confluent-secret" },
	{ "newsapi", "\\h{32}", "provider/newsapi-key" },
	{ "openweather", "\\h{32}", "provider/openweather-key" },
	{ "sumologic", "\\w{64}", "provider/sumologic-key" },
	{ "snowflake", "\\b{40,200}", "provider/snowflake-token" },
	{ "upstash", "\\b{36,120}={0,2}", "provider/upstash-token" },
	{ "fastly", "\\b{32}", "provider/fastly-token" },
	{ "dropbox", "\\l{15}", "provider/dropbox-secret" },
	{ "asana", "\\h{32}", "provider/asana-secret" },
	{ "trello", "\\h{64}", "provider/trello-token" },
	{ "bitly", "\\h{40}", "provider/bitly-token" },
	{ "unleash", "*:\\a{3,20}.\\h{56,64}", "provider/unleash-token" },
	{ "fal_", SCRUB_UUID ":\\h{32}", "provider/fal-key" },
};

const char *
scrub_named_provider(const uint8_t *context, size_t n, const uint8_t *value,
    size_t len)
{
	char line[192], plain[192];
	size_t marks = 0;

	if (len < 15 || scrub_randomness(value, len > 64 ? 64 : len) < 0.3)
		return NULL;
	n = n < sizeof line ? n : sizeof line;
	/* exaApiKey as exa_api_key, so that words have ends; datadog-key. */
	for (size_t i = 0; i < n; i++) {
		uint8_t c = context[i];

		plain[i] = (char)(c == '-'   ? '_' :
			c >= 'A' && c <= 'Z' ? c | 0x20 :
					       c);
		if (i && isupper(c) && islower(context[i - 1]) &&
		    marks < sizeof line)
			line[marks++] = '_';
		if (marks < sizeof line)
			line[marks++] = plain[i];
	}
	for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
		size_t w = strlen(named[i].word);

		if ((memmem(plain, n, named[i].word, w) ||
			memmem(line, marks, named[i].word, w)) &&
		    scrub_match(named[i].pat, value, len, 0) == len)
			return named[i].id;
	}
	return NULL;
}
