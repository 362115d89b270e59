# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# A check sources this file: a private snmpd and lbclusterd on the loopback that serve the sample
# of conf/, and functions that count results. The environment has BUILD, the build directory;
# SOURCE is the source tree.
#
#   rig_up          starts both; sets agent (127.0.0.1:PORT), port, work (a directory), mib
#                   (options of net-snmp's tools) and root (the OID of lbcMIB)
#   rig_down        ends all processes of the check; called at exit
#   rig_later PID   ends this process at exit too
#
# shellcheck shell=bash
# shellcheck disable=SC2034 # a check uses the variables

: "${BUILD:?the directory in which lbclusterd was built}"
BUILD=$(cd "$BUILD" && pwd) || exit 2
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PATH=$BUILD:$BUILD/src:$PATH:/usr/sbin:/sbin
export LC_ALL=C MIBS='' LBCLUSTER_STORE
root=1.3.6.1.4.1.8072.9999.9999.522
rig_pids=()

rig_later() { rig_pids+=("$@"); }

# Ends the latest process first: it may need the earlier ones until its end.
rig_down() {
	local pid i
	for ((i = ${#rig_pids[@]} - 1; i >= 0; i--)); do
		pid=${rig_pids[i]}
		kill -TERM "$pid" 2>/dev/null || continue
		timeout 10 tail --pid="$pid" -s 0.1 -f /dev/null || kill -KILL "$pid"
		wait "$pid" 2>/dev/null
	done
	rig_pids=()
	[ -z "${work-}" ] || [ -n "${KEEP-}" ] || rm -rf "$work"
}
trap rig_down EXIT
trap 'exit 130' INT TERM

# until_true SECONDS COMMAND...: repeats the command until it succeeds.
until_true() {
	local i=$(($1 * 10))
	shift
	while ! "$@" >/dev/null 2>&1; do
		i=$((i - 1))
		[ $i -gt 0 ] || { echo "not in time: $*" >&2; return 1; }
		sleep 0.1
	done
}

# A free port below 32768, because some programs accept no other one.
free_port() {
	python3 -c '
import random, socket
while True:
    port = random.randrange(20000, 32768)
    try:
        for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
            socket.socket(socket.AF_INET, kind).bind(("127.0.0.1", port))
    except OSError:
        continue
    print(port)
    break'
}

served() {
	snmpget -v2c -c public -Oqv -t 0.3 -r 0 "$agent" ".$root.1.1.1.0" | grep -q lbcluster
}

rig_up() {
	work=$(mktemp -d "${TMPDIR:-/tmp}/lbcluster-nms.XXXXXX") || exit 2
	mkdir "$work/store" "$work/persist"
	LBCLUSTER_STORE=$work/store
	export SNMP_PERSISTENT_DIR=$work/persist SNMPCONFPATH=$work/persist
	port=$(free_port)
	agent=127.0.0.1:$port
	mib="-M $SOURCE/mibs/base:$SOURCE/mibs -m LBCLUSTER-MIB"
	lbclusterctl load "$SOURCE/conf/sample.conf" >"$work/load.log" || exit 2
	lbclusterctl import-statistics "$SOURCE/conf/sample-statistics.jsonl" >/dev/null || exit 2
	cat >"$work/snmpd.conf" <<-END_CONF
		master agentx
		agentXSocket $work/agentx
		agentXTimeout 5
		agentXRetries 0
		dontLogTCPWrappersConnects yes
		view all included .1.3.6.1.2.1.1
		view all included .$root
		rocommunity public 127.0.0.1 -V all
		rwcommunity private 127.0.0.1 -V all
		createUser lbmon SHA-256 "passphrase-3" AES "passphrase-4"
		rouser lbmon authPriv -V all
	END_CONF
	snmpd -f -C -c "$work/snmpd.conf" -I -smux -Lf "$work/snmpd.log" "udp:$agent" \
	    >"$work/snmpd.out" 2>&1 </dev/null &
	rig_later $!
	until_true 10 snmpget -v2c -c public -t 0.3 -r 0 "$agent" .1.3.6.1.2.1.1.3.0 || exit 2
	lbclusterd -f -c "$SOURCE/conf/lbclusterd.conf" -s "$work/store" -x "$work/agentx" \
	    >"$work/lbclusterd.log" 2>&1 </dev/null &
	rig_later $!
	until_true 20 served || { cat "$work/lbclusterd.log" >&2; exit 2; }
}

# -- results -----------------------------------------------------------------------------

passed=0
failed=0
ok() { passed=$((passed + 1)); echo "ok      $*"; }
not_ok() { failed=$((failed + 1)); echo "FAILED  $*"; }

# check NAME COMMAND...: prints the output of a command that fails.
check() {
	local name=$1
	shift
	if "$@" >"$work/check.out" 2>&1; then
		ok "$name"
	else
		not_ok "$name"
		tail -n 15 "$work/check.out" | sed 's/^/        /'
	fi
}

# becomes NAME SECONDS COMMAND...: as check, and repeats the command until it succeeds.
becomes() {
	local name=$1
	shift
	if until_true "$@" 2>"$work/check.out"; then ok "$name"; else not_ok "$name"; fi
}

summary() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
}
