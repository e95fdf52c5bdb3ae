#!/bin/sh
# make demo: deploy examples/echo-agent into a local box and talk to it.
# usage: demo.sh BUILD [AGENTDIR]
set -eu
build=$1
top=$(cd "$(dirname "$0")/../.." && pwd)
case $build in /*) ;; *) build=$top/$build ;; esac
export PATH="$build/bin:$PATH" BINDU_RUNTIME=local
agent=${2:-$top/examples/echo-agent}
uuid() { cat /proc/sys/kernel/random/uuid; }
say() { printf '\n%s\n' "demo: $*"; }

say "make deploy, in $agent"
make --no-print-directory -C "$agent" deploy
eval "$(bindu-discover -C "$agent")"
# shellcheck disable=SC2154 # discover prints name=
box=$(bindu-box get --json "$name")
field() { printf '%s' "$box" | python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }
url=$(field url)
local_url=$(field local_url)
body() {
	printf '{"jsonrpc":"2.0","method":"message/send","id":"%s","params":{"message":{"role":"user","kind":"message","messageId":"%s","contextId":"%s","taskId":"%s","parts":[{"kind":"text","text":"hello"}]},"configuration":{"acceptedOutputModes":["application/json"]}}}' \
		"$(uuid)" "$(uuid)" "$(uuid)" "$1"
}
for u in "$url" "$local_url"; do
	say "GET $u/health"
	curl -fsS --max-time 10 "$u/health"
	echo
	task=$(uuid)
	say "message/send to $u/"
	curl -fsS --max-time 10 -H 'content-type: application/json' -d "$(body "$task")" "$u/"
	echo
	i=0
	until answer=$(curl -fsS --max-time 10 -H 'content-type: application/json' \
		-d "{\"jsonrpc\":\"2.0\",\"method\":\"tasks/get\",\"id\":\"$(uuid)\",\"params\":{\"taskId\":\"$task\"}}" "$u/") &&
		case $answer in *completed*) true ;; *) false ;; esac do
		i=$((i + 1))
		[ $i -lt 50 ] || { echo "demo: no answer: $answer" >&2; exit 1; }
		sleep 0.2
	done
	say "answer of $u"
	echo "$answer"
done
say "the agent runs; look inside with: bindu-logs $name, bindu-shell $name; end it with: bindu-box destroy $name"
say "these programs are in ${build#"$top/"}/bin; make install puts them into PATH"
