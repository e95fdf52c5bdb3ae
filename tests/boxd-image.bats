# boxd-monitor hub: images and what boxes learn of this machine's settings.
# mmdebstrap is a stand-in here: it writes a tar of busybox and records how it
# was called.  The real one builds the image of the deploy tests.
load boxd-hub

setup() {
	[ "$(id -u)" = 0 ] || skip "not possible here: needs root"
	export BINDU_IMAGE_DIR=$BATS_TEST_TMPDIR/images
	export HOME=$BATS_TEST_TMPDIR/home
	mkdir -p "$HOME" "$BATS_TEST_TMPDIR/bin"
	unset XDG_CONFIG_HOME PIP_CONFIG_FILE PIP_INDEX_URL PIP_EXTRA_INDEX_URL \
		PIP_FIND_LINKS PIP_TRUSTED_HOST PIP_PROXY PIP_DEFAULT_TIMEOUT \
		PIP_RETRIES PIP_CERT UV_DEFAULT_INDEX UV_INDEX UV_INDEX_URL \
		UV_EXTRA_INDEX_URL UV_FIND_LINKS http_proxy https_proxy no_proxy \
		HTTP_PROXY HTTPS_PROXY NO_PROXY all_proxy ALL_PROXY SSL_CERT_FILE \
		REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
}
teardown() {
	end_hub
}
# stand_in [SHELL...]: a mmdebstrap that runs SHELL before it writes its tar
stand_in() {
	new_state
	busybox_image
	mkdir -p "$STATE/image/etc/apt/apt.conf.d"
	write "$BATS_TEST_TMPDIR/bin/mmdebstrap" <<-P
	#!/bin/sh
	printf '%s\n' "\$@" >>"$BATS_TEST_TMPDIR/argv"
	env >"$BATS_TEST_TMPDIR/env"
	echo "I: running apt-get update..." >&2
	${1:-:}
	tar --numeric-owner --owner=0 --group=0 -C "$STATE/image" -c .
	echo "I: success in 0.1 seconds" >&2
	P
	chmod +x "$BATS_TEST_TMPDIR/bin/mmdebstrap"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH
	export IMAGE='{"kind":"debian","suite":"trixie"}'
}
# build [SUITE]: every message of the build
build() {
	python3 -c "$build" "$STATE/hub.sock" "${1-trixie}"
}
build='
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout(60)
s.connect(sys.argv[1])
s.send(json.dumps({"op": "build",
    "image": {"kind": "debian", "suite": sys.argv[2]}}).encode())
while True:
    m = json.loads(s.recv(1 << 18))
    print(json.dumps(m))
    if "ok" in m:
        break'

@test "image: a Debian is built once, with its progress, and boxes start from it" {
	stand_in
	start_hub
	run start_box one 2
	[[ $output == *'"code": "noinput"'*"debian:trixie is not built"* ]]
	run -0 build
	[[ $output == *'"progress", "text": "running apt-get update..."'* ]]
	[[ ${lines[-1]} == *'"ok": true'* ]]
	[ -d "$BINDU_IMAGE_DIR/debian-trixie/bin" ]
	run -0 build
	[ "${#lines[@]}" = 1 ]
	[ "$(grep -c variant=minbase "$BATS_TEST_TMPDIR/argv")" = 1 ]
	start_box one 2
	[ "$(in_box one 'id -un' boxd)" = boxd ]
	run -0 wire "$STATE/hub.sock" '{"op":"ping"}'
	[[ $output == *'"debian:trixie"'* ]]
}

@test "image: two builds at once are one" {
	stand_in 'sleep 1'
	start_hub
	build >"$BATS_TEST_TMPDIR/a" &
	build >"$BATS_TEST_TMPDIR/b"
	wait $!
	grep -q '"ok": true' "$BATS_TEST_TMPDIR/a"
	grep -q '"ok": true' "$BATS_TEST_TMPDIR/b"
	[ "$(grep -c variant=minbase "$BATS_TEST_TMPDIR/argv")" = 1 ]
}

@test "image: a build that fails says why and leaves nothing" {
	stand_in 'echo "E: unable to resolve host" >&2; exit 3'
	start_hub
	run build
	[[ ${lines[-1]} == *'"ok": false'*"mmdebstrap failed: unable to resolve host"* ]]
	[ -z "$(ls "$BINDU_IMAGE_DIR")" ]
	sed -i /E:/d "$BATS_TEST_TMPDIR/bin/mmdebstrap"
	run -0 build
	[[ ${lines[-1]} == *'"ok": true'* ]]
}

@test "image: a build whose client goes away ends, and leaves nothing" {
	stand_in 'sleep 555'
	start_hub
	python3 -c "$build" "$STATE/hub.sock" trixie >/dev/null 3>&- &
	client=$!
	eventually 5 test -e "$BATS_TEST_TMPDIR/env"
	eventually 5 pgrep -f 'sleep 555' >/dev/null
	kill $client
	eventually 5 eval "! pgrep -f 'sleep 555' >/dev/null"
	eventually 5 eval '[ -z "$(ls "$BINDU_IMAGE_DIR")" ]'
}

@test "image: a hub that is stopped ends its build, one that is killed leaves no rest" {
	stand_in 'sleep 556'
	start_hub
	build >"$BATS_TEST_TMPDIR/said" 3>&- &
	eventually 5 pgrep -f 'sleep 556' >/dev/null
	[ -d "$BINDU_IMAGE_DIR/debian-trixie.tmp" ]
	stop_hub
	[ -z "$(ls "$BINDU_IMAGE_DIR")" ]
	eventually 5 eval "! pgrep -f 'sleep 556' >/dev/null"
	grep -q 'was cancelled' "$BATS_TEST_TMPDIR/said"
	mkdir "$BINDU_IMAGE_DIR"/{debian-sid.tmp,debian-bookworm,mine.tmp}
	start_hub
	eventually 5 eval '[ "$(ls "$BINDU_IMAGE_DIR" | tr "\n" " ")" = \
		"debian-bookworm mine.tmp " ]'
}

@test "image: mmdebstrap missing is said with the cure" {
	stand_in 'exit 127'	# as when there is none
	start_hub
	run build
	[[ ${lines[-1]} == *"apt-get install mmdebstrap"* ]]
}

@test "image: names that are no suite are refused" {
	stand_in
	start_hub
	for suite in ../x 'a b' -x '' 'a/b' 'a;b'; do
		run build "$suite"
		[[ ${lines[-1]} == *"not the name of a Debian suite"* ]]
	done
	! [ -e "$BATS_TEST_TMPDIR/argv" ] || false
}

@test "image: the host's mirror and apt's settings reach the build, passwords not its argv" {
	stand_in
	write "$BATS_TEST_TMPDIR/bin/apt-get" <<-'P'
	#!/bin/sh
	c=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	echo "http://mirror.example/debian/ $c main"
	echo "http://mirror.example/debian/ $c contrib"
	echo "http://mirror.example/debian/ $c-updates main"
	echo "http://u:sesame@secret.example/debian/ $c-security main"
	echo "http://other.example/tool/ stable main"
	P
	write "$BATS_TEST_TMPDIR/bin/apt-config" <<-'P'
	#!/bin/sh
	echo 'Acquire::http::Proxy "http://user:sesame@proxy.example:3128";'
	echo 'Acquire::https::CaInfo "/etc/ssl/corp.pem";'
	echo 'Acquire::http::Proxy-Auto-Detect "/usr/bin/find-proxy";'
	echo 'Acquire::Retries "4";'
	echo 'APT::Architecture "amd64";'
	P
	chmod +x "$BATS_TEST_TMPDIR/bin"/apt-*
	start_hub
	run -0 build
	argv=$(<"$BATS_TEST_TMPDIR/argv")
	[[ $argv == *'--aptopt=Acquire::https::CaInfo "/etc/ssl/corp.pem";'* ]]
	[[ $argv == *'--aptopt=Acquire::Retries "4";'* ]]
	[[ $argv != *sesame* && $argv != *Auto-Detect* && $argv != *Architecture* ]]
	grep -qx 'http_proxy=http://user:sesame@proxy.example:3128' "$BATS_TEST_TMPDIR/env"
	if grep -qx ID=debian /etc/os-release; then
		[[ $argv == *'deb http://mirror.example/debian/ trixie main'* ]]
		[[ $argv == *'deb http://mirror.example/debian/ trixie-updates main'* ]]
		[[ $output == *"mirror needs a password"* ]]
	fi
	[[ $argv != *other.example* && $argv != *contrib* ]]
	# The box's apt has the proxy; no one but its root can read it.
	conf=$BINDU_IMAGE_DIR/debian-trixie/etc/apt/apt.conf.d/90host
	grep -q sesame "$conf"
	[ "$(stat -c %a:%u "$conf")" = 600:0 ]
}

@test "settings: pip's index, by pip's own order, for pip and uv in the box" {
	stand_in
	write "$HOME/.config/pip/pip.conf" <<-'P'
	[global]
	index-url = https://first.example/simple
	extra-index-url =
	    https://second.example/simple
	    https://third.example/simple
	[install]
	trusted_host = first.example
	P
	PIP_INDEX_URL=https://env.example/simple start_hub
	build
	start_box one 2
	run -0 in_box one 'cat /etc/pip.conf; cat /etc/uv/uv.toml' boxd
	[[ $output == *"index-url = https://env.example/simple"* ]]
	[[ $output == *"extra-index-url = https://second.example/simple
    https://third.example/simple"* ]]
	[[ $output == *"trusted-host = first.example"* ]]
	[[ $output == *'index-url = "https://env.example/simple"'* ]]
	[[ $output == *'extra-index-url = ["https://second.example/simple", "https://third.example/simple"]'* ]]
	[[ $output != *"https://first.example/simple"* ]]
}

@test "settings: a password in them is for boxd alone, and in no log" {
	stand_in
	PIP_INDEX_URL=https://joe:sesame@index.example/simple start_hub
	build
	start_box one 2
	[ "$(in_box one 'stat -c %a:%u /etc/pip.conf')" = 600:1000 ]
	[[ $(in_box one 'cat /etc/pip.conf' boxd) == *joe:sesame@* ]]
	! grep -rq sesame "$STATE/hub.log" || false
	! pgrep -fa sesame || false
}

@test "settings: proxy variables reach every process; one on this machine is left out and said" {
	stand_in
	https_proxy=http://proxy.example:3128 http_proxy=http://127.0.0.1:3128 \
		no_proxy=.example start_hub
	build
	start_box one 2 '"env":["no_proxy=mine"]'
	run -0 in_box one 'env' boxd
	[[ $output == *"https_proxy=http://proxy.example:3128"* ]]
	[[ $output != *"127.0.0.1:3128"* ]]
	[[ $output == *"no_proxy=mine"* ]]
	grep -q 'http_proxy is an address of this machine' "$STATE/hub.log"
	[[ $(in_box one 'cat /etc/environment') == *'https_proxy="http://proxy.example:3128"'* ]]
}

@test "settings: certificates of this machine are in the box's bundle" {
	stand_in
	printf -- '-----BEGIN CERTIFICATE-----\nVGVzdA==\n-----END CERTIFICATE-----\n' \
		>"$BATS_TEST_TMPDIR/corp.pem"
	SSL_CERT_FILE=$BATS_TEST_TMPDIR/corp.pem start_hub
	build
	start_box one 2
	bundle=/etc/ssl/certs/ca-certificates.crt
	in_box one "grep -q VGVzdA== $bundle"
	[ "$(in_box one 'echo $SSL_CERT_FILE' boxd)" = $bundle ]
	# uv of any version reads that; no word of uv.toml means it to all.
	[[ $(in_box one 'cat /etc/uv/uv.toml 2>/dev/null') != *@(native-tls|system-certs)* ]]
	[ ! -e $bundle ] || [ "$(in_box one "grep -c BEGIN $bundle")" = \
		$(($(grep -c BEGIN $bundle) + 1)) ]
}

@test "settings: find-links of a local directory is left out and said" {
	stand_in
	PIP_FIND_LINKS=/srv/wheels start_hub
	build
	start_box one 2
	[[ $(in_box one 'cat /etc/pip.conf') != *find-links* ]]
	grep -q "pip's find-links names a place of this machine" "$STATE/hub.log"
}

@test "host image: sudo, python and the package tools work, boxd has no password to give" {
	start_hub
	start_box one 2
	[ "$(in_box one 'sudo -n id -u' boxd)" = 0 ]
	[ "$(in_box one 'sudo -n python3 -c "print(6 * 7)"' boxd)" = 42 ]
	in_box one 'dpkg -l sudo >/dev/null && apt-get --version >/dev/null'
	in_box one 'apt-get -s remove hello >/dev/null 2>&1; dpkg --audit'
	[ "$(in_box one 'id -u boxd')" = 1000 ]
	[ "$(in_box one 'grep -c ^ /etc/hosts')" -ge 1 ]
}

@test "host image: layers of an earlier day are gone after the next start" {
	start_hub
	start_box one 2
	stop_box one
	stop_hub
	mkdir "$STATE/images/host-0000000000000000" "$STATE/images/settings-00"
	start_hub
	eventually 5 eval '[ "$(ls "$STATE/images" | wc -l)" = 2 ]'
	start_box one 2
	in_box one true
}
