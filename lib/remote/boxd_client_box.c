/* boxd_client_box.c - boxes as messages: create once, get, list.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "boxd_client.h"
#include "lib/base/mem.h"
#include "lib/base/tool.h"

#define CREATE_MS 120000 /* the service's own limit is near it */
#define CREATE_LOCAL_MS 900000 /* may build an image first */
#define NONCE_LABEL "bindu.create"
#define LOOKUPS 4

static char *
dup_or_null(const char *s)
{
	return s != NULL && *s != '\0' ? xstrdup(s) : NULL;
}

static const char *
label(const PB(GetVmResponse) * vm, const char *key)
{
	for (size_t i = 0; i < vm->n_labels; i++)
		if (strcmp(vm->labels[i]->key, key) == 0)
			return vm->labels[i]->value;
	return NULL;
}

/* The zone that names end in, for servers that do not say it per box. */
static const char *
zone(struct bindu_remote *r)
{
	PB(GetConfigRequest)
	req = PB_INIT(GET_CONFIG_REQUEST);
	AUTO_PB PB(GetConfigResponse) *reply = NULL;
	struct boxd_conn *c = boxd_conn(r);

	if (c->zone == NULL &&
	    boxd_call(r, BOXD_METHOD("GetConfig"), &req,
		&boxd__api__v1__get_config_response__descriptor, BOXD_SAFE,
		r->timeout_ms, &reply, NULL) == 0)
		c->zone = xstrdup(reply->zone);
	if (c->zone == NULL)
		c->zone = xstrdup("");
	return c->zone;
}

/* What a bare name in an answer stands for.  The local runtime's names end in
 * localhost: no TLS there. */
static const char *
scheme_of(const char *host)
{
	return strstr(host, "localhost") != NULL ? "http://" : "https://";
}

static char *
url_of(struct bindu_remote *r, const PB(GetVmResponse) * vm)
{
	const char *domain = vm->access_domain;
	const char *scheme;

	if (*domain == '\0')
		domain = zone(r);
	if (*domain == '\0')
		return NULL;
	scheme = strstr(domain, "://");
	if (scheme == NULL)
		return xasprintf("%s%s.%s", scheme_of(domain), vm->name,
		    domain);
	scheme += 3;
	return xasprintf("%.*s%s.%s", (int)(scheme - domain), domain, vm->name,
	    scheme);
}

static void
fill_info(struct bindu_remote *r, const PB(GetVmResponse) * vm,
    struct bindu_box_info *info)
{
	*info = (struct bindu_box_info){
		.vm_id = xstrdup(vm->vm_id),
		.name = xstrdup(vm->name),
		.status = xstrdup(vm->status),
		.image_ref = dup_or_null(vm->image_ref),
		.url = url_of(r, vm),
		.local_url = dup_or_null(label(vm, "local_url")),
		.restart_policy = dup_or_null(vm->restart_policy),
		.vcpu = vm->vcpu,
		.memory_bytes = vm->memory_bytes,
		.disk_bytes = vm->disk_bytes,
		.auto_suspend_timeout_secs = vm->auto_suspend_timeout_secs,
		.created_at = vm->created_at,
		.boot_time_ms = vm->boot_time_ms,
	};
}

static int
get_vm(struct bindu_remote *r, const char *box, PB(GetVmResponse) * *vm,
    struct bindu_err *err)
{
	PB(GetVmRequest)
	req = PB_INIT(GET_VM_REQUEST);

	req.vm_id = (char *)box;
	return boxd_call(r, BOXD_METHOD("GetVm"), &req,
	    &boxd__api__v1__get_vm_response__descriptor, BOXD_SAFE,
	    r->timeout_ms, vm, err);
}

int
boxd_get(struct bindu_remote *r, const char *box, struct bindu_box_info *info,
    struct bindu_err *err)
{
	AUTO_PB PB(GetVmResponse) *vm = NULL;

	if (get_vm(r, box, &vm, err) == -1)
		return -1;
	fill_info(r, vm, info);
	return 0;
}

static int
list_vms(struct bindu_remote *r, PB(ListVmsResponse) * *reply,
    struct bindu_err *err)
{
	PB(ListVmsRequest)
	req = PB_INIT(LIST_VMS_REQUEST);

	return boxd_call(r, BOXD_METHOD("ListVms"), &req,
	    &boxd__api__v1__list_vms_response__descriptor, BOXD_SAFE,
	    r->timeout_ms, reply, err);
}

int
boxd_list(struct bindu_remote *r, struct bindu_box_info **list, size_t *n,
    struct bindu_err *err)
{
	AUTO_PB PB(ListVmsResponse) *reply = NULL;

	if (list_vms(r, &reply, err) == -1)
		return -1;
	*n = reply->n_vms;
	*list = xcalloc(*n + 1, sizeof(**list));
	for (size_t i = 0; i < *n; i++)
		fill_info(r, reply->vms[i], &(*list)[i]);
	return 0;
}

/* After a CreateVm whose outcome is not known: the box that carries our
 * nonce is ours.  1 found, 0 not there (yet). */
static int
find_ours(struct bindu_remote *r, const char *name, const char *nonce,
    char **id, struct bindu_err *err)
{
	AUTO_PB PB(ListVmsResponse) *all = NULL;
	AUTO_PB PB(GetVmResponse) *one = NULL;
	const char *theirs;

	if (name != NULL) {
		if (get_vm(r, name, &one, err) == -1)
			return err->code == BINDU_E_NOINPUT ? 0 : -1;
		theirs = label(one, NONCE_LABEL);
		if (theirs == NULL || strcmp(theirs, nonce) != 0)
			return bindu_err_set(err, BINDU_E_AGAIN,
			    "box %s exists, but cannot be told to be the one "
			    "this command asked for; look at it with "
			    "bindu-box get",
			    name);
		*id = xstrdup(one->vm_id);
		return 1;
	}
	if (list_vms(r, &all, err) == -1)
		return -1;
	for (size_t i = 0; i < all->n_vms; i++) {
		theirs = label(all->vms[i], NONCE_LABEL);
		if (theirs == NULL || strcmp(theirs, nonce) != 0)
			continue;
		*id = xstrdup(all->vms[i]->vm_id);
		return 1;
	}
	return 0;
}

static int
adopt(struct bindu_remote *r, const char *name, const char *nonce, char **id,
    struct bindu_err *err)
{
	struct bindu_err why;
	int found = 0;

	for (int i = 0; i < LOOKUPS && found == 0; i++) {
		if (i != 0 && bindu_pause(250 << i, err) == -1)
			return -1;
		why = (struct bindu_err){ 0 };
		found = find_ours(r, name, nonce, id, &why);
		if (found == -1) {
			if (err != NULL)
				*err = why;
			return -1;
		}
	}
	if (found == 1)
		return 0;
	return bindu_err_set(err, BINDU_E_AGAIN,
	    "the connection was lost while the box was made, and it is not "
	    "there; safe to try again");
}

/* The nested messages of one create request, all on one stack. */
struct create {
	PB(CreateVmRequest)
	req;
	PB(VmConfig)
	config;
	PB(SrfConfig)
	srf;
	PB(NetworkConfig)
	network;
	PB(ProxyEntry)
	proxy;
	PB(ProxyEntry) * proxies[1];
	PB(CreateVmRequest__LabelsEntry)
	nonce;
	PB(CreateVmRequest__LabelsEntry) * labels[1];
	PB(EnvVar) * env;
	PB(EnvVar) * *envp;
	char text[33];
};

static void
fill_env(struct create *c, const struct bindu_strv *env)
{
	c->env = xcalloc(env->n + 1, sizeof(*c->env));
	c->envp = xcalloc(env->n + 1, sizeof(*c->envp));
	for (size_t i = 0; i < env->n; i++) {
		const char *eq = strchr(env->v[i], '=');

		if (eq == NULL)
			continue;
		c->env[i] = (PB(EnvVar))PB_INIT(ENV_VAR);
		c->env[i].key = xstrndup(env->v[i], (size_t)(eq - env->v[i]));
		c->env[i].value = (char *)eq + 1;
		c->envp[c->req.n_env++] = &c->env[i];
	}
	c->req.env = c->envp;
}

static void
fill_create(struct create *c, const struct bindu_box_config *want)
{
	uint8_t random[16];

	memset(c, 0, sizeof(*c));
	c->req = (PB(CreateVmRequest))PB_INIT(CREATE_VM_REQUEST);
	c->config = (PB(VmConfig))PB_INIT(VM_CONFIG);
	c->srf = (PB(SrfConfig))PB_INIT(SRF_CONFIG);
	c->network = (PB(NetworkConfig))PB_INIT(NETWORK_CONFIG);
	c->proxy = (PB(ProxyEntry))PB_INIT(PROXY_ENTRY);
	c->nonce = (PB(CreateVmRequest__LabelsEntry))PB_INIT(
	    CREATE_VM_REQUEST__LABELS_ENTRY);
	if (want->name != NULL)
		c->req.name = (char *)want->name;
	if (want->image != NULL)
		c->req.image_ref = (char *)want->image;
	c->req.config = &c->config;
	c->config.vcpu = want->vcpu;
	c->config.memory_bytes = want->memory_bytes;
	c->config.disk_bytes = want->disk_bytes;
	if (want->has_auto_suspend) {
		/* Presence matters: 0 is "never", absent is the default. */
		c->config.srf = &c->srf;
		c->srf.has_auto_suspend_timeout_secs_case = 1;
		c->srf.auto_suspend_timeout_secs = want->auto_suspend_secs;
	}
	if (want->proxy_port != 0) {
		c->config.network = &c->network;
		c->proxies[0] = &c->proxy;
		c->network.n_proxies = 1;
		c->network.proxies = c->proxies;
		c->proxy.port = want->proxy_port;
	}
	if (want->env != NULL && want->env->n != 0)
		fill_env(c, want->env);
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		memset(random, 0, sizeof(random));
	c->nonce.key = (char *)NONCE_LABEL;
	c->nonce.value = bindu_str_hex(random, sizeof(random), c->text);
	c->labels[0] = &c->nonce;
	c->req.labels = c->labels;
	c->req.n_labels = 1;
}

static void
fini_create(struct create *c)
{
	for (size_t i = 0; i < c->req.n_env; i++)
		free(c->envp[i]->key);
	free(c->env);
	free(c->envp);
}

/* *id is the new box's; *url what the answer called its address. */
static int
create_once(struct bindu_remote *r, const struct bindu_box_config *want,
    char **id, char **url, struct bindu_err *err)
{
	AUTO_PB PB(CreateVmResponse) *reply = NULL;
	int64_t limit = r->runtime == BINDU_LOCAL ? CREATE_LOCAL_MS : CREATE_MS;
	struct bindu_err why = { 0 };
	struct create c;
	int rc;

	fill_create(&c, want);
	rc = boxd_call(r, BOXD_METHOD("CreateVm"), &c.req,
	    &boxd__api__v1__create_vm_response__descriptor, 0, limit, &reply,
	    &why);
	if (rc == 0 && *reply->vm_id == '\0')
		rc = bindu_err_set(err, BINDU_E_PROTOCOL,
		    "CreateVm: the answer has no id");
	else if (rc == 0) {
		*id = xstrdup(reply->vm_id);
		if (*reply->url != '\0')
			*url = xasprintf("%s%s",
			    strstr(reply->url, "://") ? "" :
							scheme_of(reply->url),
			    reply->url);
	} else if (why.code == BINDU_E_AGAIN &&
	    (why.detail == BINDU_RPC_UNAVAILABLE ||
		why.detail == BINDU_RPC_DEADLINE))
		rc = adopt(r, want->name, c.text, id, err);
	else if (err != NULL)
		*err = why;
	fini_create(&c);
	return rc;
}

int
boxd_create(struct bindu_remote *r, const struct bindu_box_config *want,
    struct bindu_box_info *info, struct bindu_err *err)
{
	AUTO_FREE char *id = NULL;
	AUTO_FREE char *url = NULL;

	if (create_once(r, want, &id, &url, err) == -1)
		return -1;
	/* 0.1 servers ignored the port in the request. */
	if (want->proxy_port != 0 &&
	    bindu_box_set_port(r, id, want->proxy_port, err) == -1)
		return bindu_err_wrap(err, "box %s was made", id);
	if (boxd_get(r, id, info, err) == -1)
		return bindu_err_wrap(err, "box %s was made", id);
	if (url != NULL) {
		free(info->url);
		info->url = bindu_steal(&url);
	}
	return 0;
}
