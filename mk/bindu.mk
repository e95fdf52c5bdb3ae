# bindu.mk - deploy Python agents with make; see bindu.mk(7).
#
#	BINDU_SCRIPT := agent.py
#	BINDU_MK ?= $(shell bindu-discover --mk)
#	include $(or $(BINDU_MK),$(error bindu.mk not found: install the bindu tools))
#
# One file a step under $(BINDU_DIR)/AGENT carries the state, so that make does
# what changed and no more:
#
#	agent -> manifest -> src.tar -> uploaded -> deps -> started
#	    \-> box -----------------/
#
# Public names begin with BINDU_ or bindu-, private ones with _bindu_.
# Reading this file runs nothing and asks no network.  No variable holds a
# secret: BINDU_ENV_FILE and BINDU_PASS say where they are.
#
# SPDX-License-Identifier: Apache-2.0
ifndef _bindu_included
_bindu_included := yes
_bindu_goal := $(.DEFAULT_GOAL)
ifneq ($(filter 3.%,$(MAKE_VERSION)),)
$(error bindu.mk needs GNU make 4.0 or newer, this is $(MAKE_VERSION))
endif
_bindu_here := $(dir $(lastword $(MAKEFILE_LIST)))

# What to deploy.  With BINDU_AGENTS = a b a variable may carry _a or _b.
BINDU_AGENTS ?= agent
BINDU_SRC ?=
BINDU_SCRIPT ?=
BINDU_NAME ?=
# Where, and how.
BINDU_RUNTIME ?=
BINDU_ENV ?=
BINDU_ENV_FILE ?=
BINDU_PASS ?=
BINDU_IMAGE ?=
BINDU_VCPU ?=
BINDU_MEMORY ?=
BINDU_DISK ?=
BINDU_AUTO_SUSPEND ?=
BINDU_VERSION ?=
BINDU_MAX_SIZE ?=
BINDU_KEEP ?=
BINDU_HEALTH_TIMEOUT ?=
BINDU_PRE_DEPLOY ?=
BINDU_POST_DEPLOY ?=
# This machine's side.
BINDU_DIR ?= .bindu/deploy
BINDU_ALIASES ?= yes
BINDU_YES ?=
BINDU_BINDIR ?= $(wildcard $(_bindu_here)../build/default/bin)

# A preview is an environment of its own: make preview PR=12.
ifneq ($(filter preview bindu-preview preview-destroy bindu-preview-destroy,$(MAKECMDGOALS)),)
ifeq ($(strip $(PR)),)
$(error which preview: make preview PR=12)
endif
override BINDU_ENV := pr-$(strip $(PR))
endif
_bindu_odd := / @ : ; | & < > ( ) [ ] { } ? * + = % ~ ! ^ ` " ' \ \# , $$
ifneq ($(filter-out 1,$(words x$(BINDU_ENV)))$(strip $(foreach c,$(_bindu_odd),$(findstring \
    $c,$(BINDU_ENV) $(BINDU_AGENTS)))),)
$(error BINDU_ENV and BINDU_AGENTS take letters, digits and - only, not $(or $(BINDU_ENV),$(BINDU_AGENTS)))
endif

_bindu_many := $(filter-out 1,$(words $(BINDU_AGENTS)))
# $(call _bindu_v,NAME,AGENT): BINDU_NAME_AGENT, else BINDU_NAME.
_bindu_v = $(strip $(if $(filter undefined,$(origin BINDU_$1_$2)),$(BINDU_$1),$(BINDU_$1_$2)))
# The same for the agent of the rule that runs.
_bindu_a = $(firstword $(subst @, ,$(notdir $*)))
_bindu_my = $(call _bindu_v,$1,$(_bindu_a))
_bindu_q = '$(subst ','\'',$1)'
# --option 'value' when there is a value.
_bindu_o = $(if $2,$1 $(call _bindu_q,$2))
_bindu_t = $(if $(BINDU_BINDIR),$(call _bindu_q,$(BINDU_BINDIR)/bindu-$1),bindu-$1)
_bindu_rt = $(call _bindu_o,--runtime,$(call _bindu_my,RUNTIME))
_bindu_suffix := $(addprefix @,$(BINDU_ENV))
_bindu_dirs := $(foreach a,$(BINDU_AGENTS),$(BINDU_DIR)/$a$(_bindu_suffix))
_bindu_src = $(or $(if $(filter undefined,$(origin BINDU_SRC_$1)),$(if \
	$(_bindu_many),$(wildcard $1/.)),$(BINDU_SRC_$1)),$(BINDU_SRC),.)
_bindu_say := $(if $(V),,@)
# Of many agents the last to end, well or not, says how all did: it finds a
# status of this make, $$PPID, from each.
_bindu_sum = sum() { :; };
ifneq ($(and $(_bindu_many),$(filter deploy bindu-deploy preview bindu-preview,$(MAKECMDGOALS))),)
_bindu_sum = sum() { for s in $(foreach e,$(_bindu_dirs),$(call _bindu_q,$e/status)); do \
	grep -qsx "run=$$PPID" "$$s" || return 0; done; s=$(call _bindu_q,$(BINDU_DIR)/.sum); \
	mkdir "$$s.$$PPID" 2>/dev/null || return 0; \
	for o in "$$s".*; do [ "$$o" = "$$s.$$PPID" ] || rmdir "$$o"; done; \
	for a in $(BINDU_AGENTS); do ( s=$(call _bindu_q,$(BINDU_DIR))/$$a$(_bindu_suffix)/status; \
	get() { sed -n "s/^$$1=//p" "$$s"; }; \
	if [ "$$(get result)" = ok ]; then echo "bindu.mk: $$a: ok, $$(get url)"; \
	else echo "bindu.mk: $$a: FAILED, $$(get phase), status $$(get code)"; fi ) >&2; done; };
endif
# How recipes begin: $$d is the agent's directory, $$b the box's name, and the
# description's keys are variables.  COMMAND || fail PHASE says so, notes it
# and keeps the status.
_bindu_d = set -e; d=$(call _bindu_q,$(BINDU_DIR)/$(_bindu_a)$(_bindu_suffix)); b=$(_bindu_a); $(_bindu_sum) \
	fail() { rc=$$?; printf 'result=failed\nphase=%s\ncode=%s\nrun=%s\n' "$$1" $$rc $$PPID \
	>"$$d/status"; rm -f "$$d"/*.$$$$; echo "bindu.mk: $$b: $$1 failed with status $$rc" >&2; \
	sum; exit $$rc; }
_bindu_begin = $(_bindu_d); case $$d in /*) ;; *) d=./$$d ;; esac; . "$$d/agent"; \
	b=$$box$(call _bindu_q,$(addprefix -,$(BINDU_ENV)))
# $$d/NAME.$$$$ becomes $$d/NAME; an equal one stays as old as it is.
_bindu_settle = if cmp -s "$$d/$1.$$$$" "$$d/$1"; then rm -f "$$d/$1.$$$$"; else \
	mv -f "$$d/$1.$$$$" "$$d/$1"; fi

_bindu_start = $(call _bindu_t,agent) start $(_bindu_rt) --port "$$port" \
	$(call _bindu_o,--timeout,$(call _bindu_my,HEALTH_TIMEOUT)) \
	$(call _bindu_o,--env-file,$(call _bindu_my,ENV_FILE)) \
	$(foreach e,$(call _bindu_my,PASS),--env $(call _bindu_q,$e)) -- "$$b" "$$script" >/dev/null
# After a release that does not serve: the one that last did, when this box had
# it; where it still runs only its files come back.  The stamps go, so that the
# next deploy tries again.
_bindu_back = rm -f "$$d/uploaded" "$$d/started"; good=$$(cut -s -d ' ' -f 1 "$$d/good" 2>/dev/null) || :; \
	if [ "$$good" ] && [ "$$(cut -s -d ' ' -f 2 "$$d/good")" = "$$(cat "$$d/box")" ]; then \
	if $(call _bindu_t,agent) rollback $(_bindu_rt) --timeout 30s "$$b" "$$good" >/dev/null; then \
	echo "bindu.mk: $$b: the release before serves" >&2; else \
	echo "bindu.mk: $$b: the release before does not serve either" >&2; fi; fi

_bindu_where = { echo "bindu.mk: BINDU_DIR=DIR names another place for what a deploy" \
	"keeps" >&2; exit 1; }

.DELETE_ON_ERROR:
.PHONY: _bindu_force
_bindu_force:

$(_bindu_dirs):
	@mkdir -p $@ && echo '*' >'$(BINDU_DIR)/.gitignore' || $(_bindu_where)

# The first to write there, whatever is asked for.
$(_bindu_dirs:%=%/agent): %/agent: _bindu_force | %
	$(_bindu_say)$(_bindu_d); (: >"$$d/agent.$$$$") || $(_bindu_where); \
	$(call _bindu_t,discover) \
	    -C $(call _bindu_q,$(call _bindu_src,$(_bindu_a))) \
	    $(call _bindu_o,--name,$(call _bindu_my,NAME)) \
	    $(call _bindu_o,--,$(call _bindu_my,SCRIPT)) >"$$d/agent.$$$$" || \
	    fail discover; \
	$(call _bindu_settle,agent)

$(_bindu_dirs:%=%/manifest): %/manifest: %/agent _bindu_force
	$(_bindu_say)$(_bindu_begin); \
	$(call _bindu_t,pack) -C "$$root" --manifest - >"$$d/manifest.$$$$" || \
	    fail pack; \
	$(call _bindu_settle,manifest)

# The manifest has named what is left out.
# sh has no pipefail: what bindu-pack ended with comes beside the pipe.  That
# of SIGPIPE is the doing of bindu-scrub, which ended before it.
$(_bindu_dirs:%=%/src.tar): %/src.tar: %/manifest
	$(_bindu_say)$(_bindu_begin); scrub=0; \
	{ $(call _bindu_t,pack) -C "$$root" --no-names \
	    $(call _bindu_o,--max-size,$(call _bindu_my,MAX_SIZE)) || \
	    { rc=$$?; [ $$rc = 141 ] || echo $$rc >"$$d/failed.$$$$"; }; } | \
	    $(call _bindu_t,scrub) >"$$d/src.tar.$$$$" || scrub=$$?; \
	[ ! -e "$$d/failed.$$$$" ] || (exit "$$(cat "$$d/failed.$$$$")") || fail pack; \
	[ $$scrub = 0 ] || (exit $$scrub) || fail scrub; \
	mv -f "$$d/src.tar.$$$$" "$$d/src.tar"

# A missing file of secrets is found before anything is made or sent.
_bindu_env = f=$(call _bindu_q,$1); [ -r "$$f" ] || { rc=66; why='no such file'; \
	[ ! -e "$$f" ] || { rc=77; why='permission denied'; }; \
	echo "bindu.mk: $$b: cannot read $$f, which BINDU_ENV_FILE names: $$why; write" \
	"it, KEY=VALUE a line, or name another" >&2; (exit $$rc) || fail env; };

# The box, and whether what we know of it is still true.  The file is renewed
# when the box is another one, when its agent is down, or runs a release that
# is not ours: the steps that follow then ask again, and find by themselves
# what is there already.
$(_bindu_dirs:%=%/box): %/box: %/agent _bindu_force
	$(_bindu_say)$(_bindu_begin); $(if $(call _bindu_my,ENV_FILE),$(call \
	    _bindu_env,$(call _bindu_my,ENV_FILE))) got=$$d/got.$$$$; rc=0; \
	$(call _bindu_t,box) get --json $(_bindu_rt) "$$b" >"$$got" 2>"$$d/err.$$$$" || rc=$$?; \
	if [ $$rc = 66 ]; then \
	    rc=0; $(call _bindu_t,box) create --json $(_bindu_rt) \
	    $(call _bindu_o,--image,$(call _bindu_my,IMAGE)) \
	    $(call _bindu_o,--vcpu,$(call _bindu_my,VCPU)) \
	    $(call _bindu_o,--memory,$(call _bindu_my,MEMORY)) \
	    $(call _bindu_o,--disk,$(call _bindu_my,DISK)) \
	    $(call _bindu_o,--auto-suspend,$(call _bindu_my,AUTO_SUSPEND)) \
	    --port "$$port" "$$b" >"$$got" || rc=$$?; \
	elif [ $$rc != 0 ]; then cat "$$d/err.$$$$" >&2; fi; \
	[ $$rc = 0 ] || (exit $$rc) || fail box; \
	grep -q '"status": *"running"' "$$got" || \
	    $(call _bindu_t,box) wait --up $(_bindu_rt) "$$b" >/dev/null || fail box; \
	id=$$(sed -n 's/.*"vm_id": *"\([^"]*\)".*/\1/p' "$$got"); \
	sed -n 's/.*"url": *"\([^"]*\)".*/\1/p' "$$got" >"$$d/url"; \
	known=yes; \
	if [ -s "$$d/uploaded" ]; then \
	    now=$$($(call _bindu_t,agent) status --json $(_bindu_rt) "$$b" 2>/dev/null) || now=; \
	    now=$$(printf '%s\n' "$$now" | sed -n 's/.*"release": *"\([^"]*\)".*/\1/p'); \
	    [ "$$now $$id" = "$$(cat "$$d/uploaded")" ] || known=; \
	fi; \
	rm -f "$$d"/*.$$$$; \
	[ "$$known" ] && [ "$$id" = "$$(cat "$$d/box" 2>/dev/null)" ] || echo "$$id" >"$$d/box"

$(_bindu_dirs:%=%/uploaded): %/uploaded: %/src.tar %/box
	$(_bindu_say)$(_bindu_begin); \
	$(if $(call _bindu_my,PRE_DEPLOY),export BINDU_BOX="$$b"; \
	    ( $(call _bindu_my,PRE_DEPLOY) ) || fail pre-deploy;) \
	release=$$($(call _bindu_t,upload) $(_bindu_rt) $(call _bindu_o,--keep,$(call _bindu_my,KEEP)) \
	    --source "$$root" "$$b" <"$$d/src.tar") || \
	    fail upload; \
	echo "$$release $$(cat "$$d/box")" >"$$d/uploaded"

$(_bindu_dirs:%=%/deps): %/deps: %/uploaded %/agent
	$(_bindu_say)$(_bindu_begin); \
	$(call _bindu_t,agent) deps $(_bindu_rt) $${python:+--python "$$python"} \
	    $(call _bindu_o,--bindu-version,$(call _bindu_my,VERSION)) -- "$$b" "$$script" >/dev/null || \
	    { rc=$$?; $(_bindu_back); (exit $$rc) || fail deps; }; \
	cp "$$d/uploaded" "$$d/deps"

# As old as the process: made before it, in place once it serves.
$(_bindu_dirs:%=%/started): %/started: %/deps %/agent
	$(_bindu_say)$(_bindu_begin); cp "$$d/uploaded" "$$d/started.$$$$"; \
	$(_bindu_start) || \
	    { rc=$$?; $(_bindu_back); (exit $$rc) || fail start; }; \
	mv -f "$$d/started.$$$$" "$$d/started"
# The project may have a rule that makes it.  Where it has none a rule without a
# recipe lets make go on as if it were there, and the box's recipe looks.
$(foreach a,$(BINDU_AGENTS),$(if $(call _bindu_v,ENV_FILE,$a),$(eval $(call _bindu_v,ENV_FILE,$a):)))
$(foreach a,$(BINDU_AGENTS),$(eval $(BINDU_DIR)/$a$(_bindu_suffix)/started: $(call _bindu_v,ENV_FILE,$a)))
$(foreach a,$(BINDU_AGENTS),$(eval $(BINDU_DIR)/$a$(_bindu_suffix)/box: | $(call _bindu_v,ENV_FILE,$a)))

_bindu_verbs := deploy dev logs shell status suspend resume destroy plan
_bindu_of = $(BINDU_AGENTS:%=bindu-$1-%)
.PHONY: $(foreach v,$(_bindu_verbs),bindu-$v $(call _bindu_of,$v))

# The health probe is never left out.  After a start only a process as young
# counts.
$(call _bindu_of,deploy): bindu-deploy-%: $(BINDU_DIR)/%$(_bindu_suffix)/started
	$(_bindu_say)$(_bindu_begin); age=; url=$$(cat "$$d/url"); \
	if [ ! -e "$$d/healthy" ] || [ "$$d/started" -nt "$$d/healthy" ]; then \
	    age=$$(($$(date +%s) - $$(date -r "$$d/started" +%s) + 2))s; fi; \
	$(call _bindu_t,health) $(_bindu_rt) \
	    $(call _bindu_o,--timeout,$(call _bindu_my,HEALTH_TIMEOUT)) \
	    $${age:+--newer-than "$$age"} "$$b" >/dev/null || { rc=$$?; $(_bindu_back); \
	    (exit $$rc) || fail health; }; \
	$(if $(call _bindu_my,POST_DEPLOY),[ ! "$$age" ] || { export BINDU_BOX="$$b" \
	    BINDU_URL="$$url"; ( $(call _bindu_my,POST_DEPLOY) ); } || fail post-deploy;) \
	printf 'result=ok\ncode=0\nrelease=%s\nurl=%s\nrun=%s\n' \
	    "$$(cut -d ' ' -f 1 "$$d/uploaded")" "$$url" $$PPID >"$$d/status"; \
	if [ "$$age" ]; then cp "$$d/uploaded" "$$d/good"; \
	    : >"$$d/healthy"; echo "$$b serving at $$url"; \
	else echo "$$b serving at $$url, unchanged"; fi; sum

# Until interrupted: deploy, and again when what ships changes.  After a deploy
# that failed only a later change counts.
_bindu_make := $(MAKE)
$(call _bindu_of,dev): bindu-dev-%: $(BINDU_DIR)/%$(_bindu_suffix)/agent
	@$(_bindu_begin); while :; do seen=; \
	    ! $(_bindu_make) --no-print-directory bindu-deploy-$* || seen=$$d/manifest; \
	    $(call _bindu_t,watch) -C "$$root" $${seen:+--manifest "$$seen"} || exit $$?; done

$(call _bindu_of,logs): bindu-logs-%: $(BINDU_DIR)/%$(_bindu_suffix)/agent
	@$(_bindu_begin); exec $(call _bindu_t,logs) $(_bindu_rt) "$$b"
# What its last command ended with is no failure of make's.
$(call _bindu_of,shell): bindu-shell-%: $(BINDU_DIR)/%$(_bindu_suffix)/agent
	@$(_bindu_begin); [ -t 0 ] || { \
	    echo "bindu.mk: a shell needs a terminal: run make without -j," \
	    "or give its commands to bindu-shell $$b" >&2; exit 2; }; \
	$(call _bindu_t,shell) $(_bindu_rt) "$$b" || case $$? in 125|255) exit 125 ;; esac
$(call _bindu_of,status): bindu-status-%: $(BINDU_DIR)/%$(_bindu_suffix)/agent
	@$(_bindu_begin); $(call _bindu_t,box) get $(_bindu_rt) "$$b"; rc=0; \
	$(call _bindu_t,agent) status $(_bindu_rt) "$$b" || rc=$$?; \
	case $$rc in 0|1|69) ;; *) exit $$rc ;; esac
$(call _bindu_of,suspend): bindu-suspend-%: $(BINDU_DIR)/%$(_bindu_suffix)/agent
	@$(_bindu_begin); $(call _bindu_t,box) suspend $(_bindu_rt) "$$b"
$(call _bindu_of,resume): bindu-resume-%: $(BINDU_DIR)/%$(_bindu_suffix)/agent
	@$(_bindu_begin); $(call _bindu_t,box) resume $(_bindu_rt) "$$b"
$(call _bindu_of,destroy): bindu-destroy-%: $(BINDU_DIR)/%$(_bindu_suffix)/agent
	@$(_bindu_begin); rc=0; \
	$(call _bindu_t,box) destroy $(if $(BINDU_YES),--yes) $(_bindu_rt) "$$b" || rc=$$?; \
	[ $$rc != 2 ] || echo "bindu.mk: to destroy without being asked: BINDU_YES=1" >&2; \
	[ $$rc = 0 ] || [ $$rc = 66 ] || exit $$rc; rm -rf "$$d"
$(call _bindu_of,plan): bindu-plan-%: $(BINDU_DIR)/%$(_bindu_suffix)/agent
	@$(_bindu_begin); cat "$$d/agent"; $(call _bindu_t,pack) -C "$$root" --no-names --list; \
	$(call _bindu_t,scrub) "$$root" || [ $$? = 1 ]; \
	if $(call _bindu_t,box) get --json $(_bindu_rt) "$$b" >/dev/null 2>&1; \
	then echo "the box $$b is used again"; else echo "a box $$b would be made"; fi

# All agents at once; one that fails does not keep the others from theirs.
ifneq ($(_bindu_many),)
ifneq ($(filter deploy bindu-deploy preview bindu-preview,$(MAKECMDGOALS)),)
MAKEFLAGS += -k
endif
bindu-logs bindu-shell:
	@echo "bindu.mk: which one? make $(BINDU_AGENTS:%=$@-%)" >&2; exit 2
else
bindu-logs bindu-shell: %: %-$(BINDU_AGENTS)
endif
$(foreach v,$(filter-out logs shell,$(_bindu_verbs)),$(eval bindu-$v: $(call _bindu_of,$v)))

.PHONY: bindu-preview bindu-preview-destroy bindu-help bindu-vars bindu-check bindu-clean
bindu-preview: bindu-deploy
bindu-preview-destroy: bindu-destroy
# Everything that can be known without a box.
bindu-check: $(_bindu_dirs:%=%/src.tar)
bindu-clean:
	rm -rf $(call _bindu_q,$(BINDU_DIR))
bindu-help:
	@echo 'make deploy    ship what changed, start it, wait until it is healthy'
	@echo 'make dev       deploy, and again on each save, until interrupted'
	@echo 'make plan      what a deploy would ship and do; changes nothing'
	@echo 'make status    the box and its agent      make logs     what it says'
	@echo 'make shell     a shell in the box         make suspend  freeze the box'
	@echo 'make resume    thaw it                    make destroy  end it for good'
	@echo 'make preview PR=12 and preview-destroy PR=12: a box of its own'
	@echo 'make bindu-check, bindu-vars, bindu-clean; all of it in bindu.mk(7)'
bindu-vars:
	@$(foreach v,AGENTS SRC SCRIPT NAME RUNTIME ENV ENV_FILE PASS IMAGE VCPU MEMORY DISK \
	    AUTO_SUSPEND VERSION MAX_SIZE KEEP HEALTH_TIMEOUT PRE_DEPLOY POST_DEPLOY DIR ALIASES \
	    BINDIR,printf '%s\n' $(call _bindu_q,BINDU_$v = $(BINDU_$v));) :

# Short names.  Pattern rules, so that a rule of that name in the project is
# the one that counts, wherever it stands.
ifeq ($(BINDU_ALIASES),yes)
hel%: bindu-hel% ; @:
deplo%: bindu-deplo% ; @:
de%: bindu-de% ; @:
log%: bindu-log% ; @:
shel%: bindu-shel% ; @:
statu%: bindu-statu% ; @:
suspen%: bindu-suspen% ; @:
resum%: bindu-resum% ; @:
destro%: bindu-destro% ; @:
pla%: bindu-pla% ; @:
previe%: bindu-previe% ; @:
endif

.DEFAULT_GOAL := $(_bindu_goal)
endif
