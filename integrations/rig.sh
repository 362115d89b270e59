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
#   rig_measure     imports statistics every second until the end: those of the sample, and a value
#                   for each column of the service web/http and its real service web-1
#   rig_edge SOCKET adds a cluster edge, with one server, whose HAProxy has this socket
#   rig_driver      starts lbcluster-haproxy
#   rig_exporter    sets exporter (the program) and exporter_files (its options, by its version)
#   rig_prometheus  starts an snmp_exporter and a Prometheus that scrape the agent every second, by
#                   the files of prometheus/; sets prometheus_at (127.0.0.1:PORT)
#
# The variable rig_snmpd may have further lines of snmpd.conf before rig_up.
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
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { echo "not in time: $*" >&2; return 1; }
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
		${rig_snmpd-}
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

# Prints a value for each column of the service and the real service; totals grow with SECONDS.
all_statistics() {
	local n=$((SECONDS * 100)) totals
	totals="\"counters_since\": 1700000000, \"total_connections\": $n, \"requests\": $n,
	    \"total_octets_in\": $n, \"total_octets_out\": $((n * 9)), \"total_packets_in\": $n,
	    \"total_packets_out\": $n, \"connection_errors\": $n, \"response_errors\": $n,
	    \"http_4xx\": $n, \"http_5xx\": $((n / 5)), \"queued_connections\": 3,
	    \"response_time_ms\": 1500"
	echo "{\"path\": \"web/http\", \"algorithm\": \"wrr\", $totals}" | tr -d '\n'
	echo
	sed -n 's/}$//; /web.http.web-1/p' "$SOURCE/conf/sample-statistics.jsonl" | tr -d '\n'
	echo ", $totals, \"connection_limit\": 220, \"check_failures\": $n,
	    \"connect_time_ms\": 1, \"queue_time_ms\": 2, \"check_code\": 200,
	    \"check_duration_ms\": 4}" | tr -d '\n'
	echo
}

rig_measure() {
	while :; do
		{
			grep -v web/http/web-1 "$SOURCE/conf/sample-statistics.jsonl"
			all_statistics
		} | lbclusterctl -q import-statistics -
		sleep 1
	done >"$work/measure.log" 2>&1 &
	rig_later $!
}

rig_edge() {
	cat >"$work/edge.conf" <<-END
		cluster edge {
		    plane = haproxy  socket = "$1"
		    service http {
		        address = 192.0.2.11  port = 80  protocol = tcp
		        real web-1 { address = 10.0.0.1  port = 80  weight = 1 }
		    }
		}
	END
	lbclusterctl load "$work/edge.conf" >>"$work/load.log" || exit 2
}

rig_driver() {
	lbcluster-haproxy -f -c "$SOURCE/conf/lbcluster-haproxy.conf" -s "$work/store" \
	    >"$work/driver.log" 2>&1 </dev/null &
	rig_later $!
}

rig_exporter() {
	local dir=$SOURCE/integrations/prometheus
	exporter=prometheus-snmp-exporter
	case $("$exporter" --version 2>&1 | sed -n '1s/.*version \([0-9.]*\).*/\1/p') in
	0.1?.* | 0.20.* | 0.21.* | 0.22.*)
		exporter_files=(--config.file="$dir/snmp-0.22.yml")
		;;
	*)
		exporter_files=(--config.file="$dir/auth.yml" --config.file="$dir/snmp.yml")
		;;
	esac
}

rig_prometheus() {
	local dir=$SOURCE/integrations/prometheus exporter_at
	rig_exporter
	exporter_at=127.0.0.1:$(free_port)
	prometheus_at=127.0.0.1:$(free_port)
	"$exporter" "${exporter_files[@]}" --web.listen-address="$exporter_at" \
	    >"$work/exporter.log" 2>&1 &
	rig_later $!
	sed -e "s/lb1.example.net/$agent/" -e "s/127.0.0.1:9116/$exporter_at/" \
	    -e 's/scrape_interval: .*/scrape_interval: 1s/' \
	    -e 's/scrape_timeout: .*/scrape_timeout: 1s/' \
	    -e 's/^rule_files/global: {evaluation_interval: 1s}\n&/' \
	    "$dir/prometheus.yml" >"$work/prometheus.yml"
	sed 's/for: .*/for: 1s/' "$dir/lbcluster.rules.yml" >"$work/lbcluster.rules.yml"
	prometheus --config.file="$work/prometheus.yml" --web.listen-address="$prometheus_at" \
	    --storage.tsdb.path="$work/tsdb" >"$work/prometheus.log" 2>&1 &
	rig_later $!
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
