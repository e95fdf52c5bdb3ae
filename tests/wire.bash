# wire.bash - hubs and monitors spoken to by hand, see wire.py.

# wire SOCKET ARGS...
wire() {
	timeout 120 python3 "$REPO/tests/wire.py" "$@"
}
# All boxes of the hub whose state is in STATE.
end_boxes() {
	local sock
	for sock in "$STATE"/boxes/*/monitor.sock; do
		[ -S "$sock" ] || continue
		WIRE_TIMEOUT=10 wire "$sock" '{"op":"stop","grace_ms":0}' || true
	done
}
tag() { # the name of STATE in cgroups: others may have left boxes of the same ids
	python3 -c 'import sys
h = 2166136261
for c in sys.argv[1].encode(): h = (h ^ c) * 16777619 & 0xffffffff
print("%08x" % h)' "$STATE"
}
