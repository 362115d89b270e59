/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of "lbclusterctl discover ldirectord": configuration files as people have them, and the
 * inventory and messages that come of them. Names of hosts are looked up in a table.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl_fixture.h"
#include "util/memory.h"

int __real_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **ret);
int __wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **ret);

int
__wrap_getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **ret)
{
	static const char *const hosts[][2] = {
		{ "web1.example.org", "10.0.0.1" }, { "sql01", "10.0.0.1" }, { "sql03", "10.0.0.3" }
	};
	struct addrinfo numeric = *hints;

	numeric.ai_flags |= AI_NUMERICHOST;
	for (size_t i = 0; i < ROWS(hosts); i++)
		host = strcmp(hosts[i][0], host) == 0 ? hosts[i][1] : host;
	return __real_getaddrinfo(host, port, &numeric, ret);
}

/* The messages of the last command without the name of the file: "7: text". */
static char *
messages_of(struct ctl_fixture *world, const char *path)
{
	char *from = world->err, *to = world->err, *at;

	while ((at = strstr(from, path)) != NULL) {
		memmove(to, from, (size_t)(at - from));
		to += at - from;
		from = at + strlen(path) + 1;
	}
	memmove(to, from, strlen(from) + 1);
	return world->err;
}

static void
discover(struct ctl_fixture *world, const char *text, int status)
{
	char path[128];

	file_write(world, "ldirectord.cf", text, path);
	assert_int_equal(run(world, "discover", "ldirectord", path, NULL), status);
	messages_of(world, path);
}

/* The inventory without the lines around the only service. */
#define SERVICE(text) "cluster ipvs {\n    plane = ipvs\n    service " text "    }\n}\n"
#define OPTION(text) "        " text "\n"
#define TIMES(interval, timeout, fall)                                        \
	OPTION("check-interval = " interval) OPTION("check-retry = " interval)  \
	OPTION("check-timeout = " timeout) OPTION("check-rise = 1") fall
#define STOP "cleanstop = no\n"

/* A file, the inventory, the messages and the exit status. */
static const struct {
	const char	*name, *file, *out, *err;
	int		 status;
} cases[] = {
	{ "web servers with a page to look for",
	    "# Global Directives\n"
	    "checktimeout=3\n"
	    "checkinterval=1\n"
	    "fallback=127.0.0.1:80\n"
	    "quiescent=yes\n" STOP
	    "\n"
	    "virtual=192.168.6.240:80\n"
	    "        real=192.168.6.2:80 gate\n"
	    "\treal=192.168.6.3:80 gate 5\n"
	    "#       a comment does not end the section\n"
	    "        service=http\n"
	    "        scheduler=wlc\n"
	    "        persistent=600\n"
	    "        netmask=255.255.255.0   # a class C\n"
	    "        protocol=tcp\n"
	    "        checktype=negotiate\n"
	    "        checkport=8080\n"
	    "        request=\"index.html\"\n"
	    "        receive=\"Test Page\"\n"
	    "        virtualhost=www.x.y.z\n"
	    "        httpmethod = GET\n"
	    "        failurecount = 4\n",
	    SERVICE("tcp-192.168.6.240-80 {\n"
	    OPTION("address = 192.168.6.240") OPTION("port = 80") OPTION("protocol = tcp")
	    OPTION("forward = dr") OPTION("persistence = 600") OPTION("persistence-mask = 24")
	    OPTION("on-failure = drain") OPTION("check = http") OPTION("check-port = 8080")
	    OPTION("check-path = \"/index.html\"") OPTION("check-host = www.x.y.z")
	    OPTION("check-expect = \"Test Page\"") OPTION("check-interval = 1")
	    OPTION("check-timeout = 3") OPTION("check-rise = 1") OPTION("check-fall = 4")
	    OPTION("real 192.168.6.2-80 { address = 192.168.6.2  port = 80  weight = 1 }")
	    OPTION("real 192.168.6.3-80 { address = 192.168.6.3  port = 80  weight = 5 }")
	    OPTION("real 127.0.0.1-80 { address = 127.0.0.1  port = 80  weight = 1  "
	    "fallback = yes  check = none }")), "", CTL_OK },

	{ "a range, names of hosts and services, thresholds, several methods",
	    STOP "virtual = 192.168.10.74:https\n"
	    "\treal=sql01->sql03:8443 masq 10 l:50 u:100\n"
	    "\treal=web1.example.org:https gate\n"
	    "\treal=10.0.0.9:443 ipip 0\n"
	    "\tchecktype=connect\n"
	    "\tnegotiatetimeout=7\n",
	    SERVICE("tcp-192.168.10.74-443 {\n"
	    OPTION("address = 192.168.10.74") OPTION("port = 443") OPTION("protocol = tcp")
	    OPTION("scheduler = wrr") OPTION("check = connect") TIMES("10", "7",
	    OPTION("check-fall = 1"))
	    OPTION("real 10.0.0.1-8443 { address = 10.0.0.1  port = 8443  weight = 10  "
	    "max-connections = 100  min-connections = 50 }")
	    OPTION("real 10.0.0.2-8443 { address = 10.0.0.2  port = 8443  weight = 10  "
	    "max-connections = 100  min-connections = 50 }")
	    OPTION("real 10.0.0.3-8443 { address = 10.0.0.3  port = 8443  weight = 10  "
	    "max-connections = 100  min-connections = 50 }")
	    OPTION("real 10.0.0.1-443 { address = 10.0.0.1  port = 443  weight = 1  "
	    "forward = dr }")
	    OPTION("real 10.0.0.9-443 { address = 10.0.0.9  port = 443  weight = 0  "
	    "forward = tunnel }")),
	    "3: sql01 has the address 10.0.0.1 now, which the inventory has; plane ipvs accepts no "
	    "host names\n"
	    "3: sql03 has the address 10.0.0.3 now, which the inventory has; plane ipvs accepts no "
	    "host names\n"
	    "4: web1.example.org has the address 10.0.0.1 now, which the inventory has; plane ipvs "
	    "accepts no host names\n", CTL_OK },

	{ "a mark whose servers have no port",
	    "virtual=7\n"
	    "\treal=192.168.6.2 gate\n"
	    "\treal=192.168.6.3:8080 gate 1 \"up.html\", \"OK\\.\"\n"
	    "\tfallback=127.0.0.1:80 gate\n"
	    "\tservice=http\n"
	    "\tprotocol=fwm\n"
	    "\tcleanstop=no\n",
	    SERVICE("fwmark-7-ipv4 {\n"
	    OPTION("protocol = tcp") OPTION("scheduler = wrr") OPTION("forward = dr")
	    OPTION("fwmark = 7") OPTION("check = http") TIMES("10", "30",
	    OPTION("check-fall = 1"))
	    OPTION("real 192.168.6.2-0 { address = 192.168.6.2  weight = 1  check-port = 80 }")
	    OPTION("real 192.168.6.3-0 { address = 192.168.6.3  weight = 1  check-port = 8080  "
	    "check-path = \"/up.html\"  check-expect = OK. }")
	    OPTION("real 127.0.0.1-0 { address = 127.0.0.1  weight = 1  fallback = yes  "
	    "check = none }")), "", CTL_OK },

	{ "IPv6, UDP and one-packet",
	    STOP "fallback6=[::1]\n"
	    "virtual6=[2001:db8::5]:53\n"
	    "\treal6=[2001:db8:0:1::4]:5353 masq\n"
	    "\treal6=[2001:db8:0:1::6] gate\n"
	    "\tscheduler=mh\n"
	    "\tschedflags=mh-port,mh-fallback\n"
	    "\tpersistent=50\n"
	    "\tnetmask=64\n"
	    "\tchecktype=on\n",
	    SERVICE("udp-2001-db8--5-53 {\n"
	    OPTION("address = \"2001:db8::5\"") OPTION("port = 53") OPTION("protocol = udp")
	    OPTION("scheduler = mh") OPTION("persistence = 50") OPTION("persistence-mask = 64")
	    OPTION("hash-port = yes") OPTION("check = none")
	    OPTION("real 2001-db8-0-1--4-5353 { address = \"2001:db8:0:1::4\"  port = 5353  "
	    "weight = 1 }")
	    OPTION("real 2001-db8-0-1--6-53 { address = \"2001:db8:0:1::6\"  port = 53  "
	    "weight = 1  forward = dr }")
	    OPTION("real --1-53 { address = \"::1\"  port = 53  weight = 1  fallback = yes  "
	    "forward = dr }")), "", CTL_OK },

	{ "one-packet",
	    STOP "virtual=192.0.2.1:5060\n\tprotocol=udp\n\tops=yes\n\tchecktype=on\n"
	    "\treal=10.0.0.1:5060 ipip\n",
	    SERVICE("udp-192.0.2.1-5060 {\n"
	    OPTION("address = 192.0.2.1") OPTION("port = 5060") OPTION("protocol = udp")
	    OPTION("scheduler = wrr") OPTION("forward = tunnel") OPTION("one-packet = yes")
	    OPTION("check = none")
	    OPTION("real 10.0.0.1-5060 { address = 10.0.0.1  port = 5060  weight = 1 }")), "",
	    CTL_OK },

	{ "a program that checks",
	    STOP "virtual=192.0.2.1:9000\n\tchecktype=external\n"
	    "\tcheckcommand=\"/usr/local/bin/check_mq.sh\"\n\tcheckinterval=3\n"
	    "\treal=10.0.0.1:9000 masq\n",
	    SERVICE("tcp-192.0.2.1-9000 {\n"
	    OPTION("address = 192.0.2.1") OPTION("port = 9000") OPTION("protocol = tcp")
	    OPTION("scheduler = wrr") OPTION("check = command")
	    OPTION("check-command = check_mq.sh") TIMES("10", "5", OPTION("check-fall = 1"))
	    OPTION("real 10.0.0.1-9000 { address = 10.0.0.1  port = 9000  weight = 1 }")),
	    "4: checkcommand: lbcluster runs /etc/lbcluster/checks.d/check_mq.sh, with the address "
	    "and port of the real service first; write there: #!/bin/sh, then exec "
	    "/usr/local/bin/check_mq.sh \"$3\" \"$4\" \"$1\" \"$2\"\n", CTL_OK },

	{ "checks that lbcluster has not",
	    STOP "virtual=192.0.2.1:25\n\treal=10.0.0.1:25 masq\n"
	    "virtual=192.0.2.1:53\n\treal=10.0.0.1:53 masq\n\tchecktype=connect\n"
	    "virtual=192.0.2.1:23\n\treal=10.0.0.1:23 masq\n\tchecktype=off\n"
	    "virtual=192.0.2.1:22\n\treal=10.0.0.1:22 masq\n\tchecktype=ping\n"
	    "virtual=192.0.2.1:80\n\treal=10.0.0.1:80 masq\n\tchecktype=5\n",
	    NULL,
	    "2: service smtp: lbcluster has no check of this kind; the inventory has check = "
	    "connect; a program can check it, see check-command in lbclusterctl(1)\n"
	    "6: checktype connect is a ping for udp, which lbcluster does not send; the inventory "
	    "has check = none\n"
	    "9: checktype off: the real services have enabled = no, as ldirectord activates "
	    "none\n"
	    "12: checktype ping is a ping, which lbcluster does not send; the inventory has check "
	    "= connect\n"
	    "15: checktype 5: lbcluster makes each check the same way\n", CTL_OK },

	{ "a service that is off",
	    STOP "fallback=10.0.0.9\nvirtual=192.0.2.1:domain\n\tchecktype=off\n"
	    "\treal=10.0.0.1:domain masq\n",
	    SERVICE("udp-192.0.2.1-53 {\n"
	    OPTION("address = 192.0.2.1") OPTION("port = 53") OPTION("protocol = udp")
	    OPTION("scheduler = wrr") OPTION("check = none")
	    OPTION("real 10.0.0.1-53 { address = 10.0.0.1  port = 53  weight = 1  enabled = no }")
	    OPTION("real 10.0.0.9-53 { address = 10.0.0.9  port = 53  weight = 1  fallback = yes  "
	    "enabled = no  forward = dr }")),
	    NULL, CTL_OK },

	{ "whole masks, and a mark without the fallback of the file",
	    STOP "fallback=10.0.0.9\n"
	    "virtual=7\n\tchecktype=on\n\tpersistent=60\n\tnetmask=255.255.255.255\n"
	    "virtual6=8\n\tchecktype=on\n\tpersistent=60\n\tnetmask=128\n",
	    "cluster ipvs {\n    plane = ipvs\n    service fwmark-7-ipv4 {\n"
	    OPTION("protocol = tcp") OPTION("scheduler = wrr") OPTION("persistence = 60")
	    OPTION("fwmark = 7") OPTION("check = none")
	    "    }\n    service fwmark-8-ipv6 {\n"
	    OPTION("protocol = tcp") OPTION("scheduler = wrr") OPTION("persistence = 60")
	    OPTION("fwmark = 8") OPTION("family = ipv6") OPTION("check = none")
	    "    }\n}\n", "", CTL_OK },

	{ "regular expressions",
	    STOP "virtual=192.0.2.1:80\n\treal=10.0.0.1:80 masq 1 \"/a\", \"^up (yes|no)\"\n"
	    "\treceive=\"www.example.org\"\n",
	    NULL,
	    "4: receive \"www.example.org\": check-expect has a dot, where ldirectord accepts any "
	    "character\n"
	    "3: receive \"^up (yes|no)\" is a regular expression; write check-expect with a text "
	    "that a good answer contains; left out\n"
	    "lbclusterctl: left out: 1; the messages above say why\n", CTL_FAILURE },

	{ "settings without a counterpart",
	    "autoreload=yes\nlogfile=\"local0\"\nsupervised\nfork=yes\nmaintenancedir=/etc/m\n"
	    "emailalert=\"admin@x.y.z\"\n" STOP
	    "virtual=192.0.2.1:3306\n\tchecktype=on\n\tlogin=\"reader\"\n\tservicename=shop\n",
	    NULL,
	    "1: autoreload: run lbclusterctl load after a change of the inventory file\n"
	    "2: logfile: is about ldirectord itself; nothing to do\n"
	    "3: supervised: is about ldirectord itself; nothing to do\n"
	    "5: maintenancedir: use lbclusterctl disable PATH for maintenance\n"
	    "6: emailalert: lbcluster sends no mail; use the notifications of LBCLUSTER-MIB(7)\n"
	    "10: login: no check of lbcluster has it; write a program for check = command\n"
	    "11: servicename: write it into the inventory file as a comment\n", CTL_OK },

	{ "invalid lines",
	    STOP "virtual=192.0.2.1\n"
	    "virtual=192.0.2.1:nonsense\n"
	    "virtual=192.0.2.1:80\n"
	    "\treal=10.0.0.1:80\n"
	    "\treal=10.0.0.2:80 nat\n"
	    "\treal6=[2001:db8::1]:80 masq\n"
	    "\treal=10.0.0.3:80 masq 70000\n"
	    "\treal=10.0.0.9->10.0.0.3:80 masq\n"
	    "\treal=10.0.0.1:80 masq 1 \"/\"\n"
	    "\tscheduler=best\n"
	    "\tservice=gopher\n"
	    "\tcolour=red\n"
	    "  service=http\n"
	    "words\n",
	    NULL,
	    "7: real6 is not of the family of its virtual service; left out\n"
	    "13: colour: is not a setting of ldirectord here; left out\n"
	    "14: the line is indented and not in a section of virtual; left out\n"
	    "15: words: is not a setting of ldirectord here; left out\n"
	    "2: virtual \"192.0.2.1\" is neither an address with a port nor a mark; left out\n"
	    "3: 192.0.2.1:nonsense: Servname not supported for ai_socktype; left out\n"
	    "11: scheduler \"best\" is not one of rr, wrr, lc, wlc, lblc, lblcr, dh, sh, mh, sed, "
	    "nq, fo, ovf; left out\n"
	    "12: service \"gopher\" is not one that ldirectord checks; left out\n"
	    "5: real \"10.0.0.1:80\" has no forwarding method gate, masq or ipip; left out\n"
	    "6: real \"10.0.0.2:80 nat\" has no forwarding method gate, masq or ipip; left out\n"
	    "8: real: \"70000\" is not valid here; left out\n"
	    "9: the range from 10.0.0.9 to 10.0.0.3 has not 1 to 65536 addresses; left out\n"
	    "10: real: \"/\" is not valid here; left out\n"
	    "lbclusterctl: left out: 13; the messages above say why\n", CTL_FAILURE },

	{ "rows that load would refuse",
	    STOP "virtual=192.0.2.1:80\n\tchecktype=on\n\treal=10.0.0.1:80 masq\n"
	    "\treal=10.0.0.1:80 masq 2\n\treal=127.0.0.1:81 masq\n"
	    "\treal=127.0.0.1:81 masq\n\tfallback=10.0.0.1:80 masq\n"
	    "virtual=192.0.2.1:80\n\tchecktype=on\n",
	    SERVICE("tcp-192.0.2.1-80 {\n"
	    OPTION("address = 192.0.2.1") OPTION("port = 80") OPTION("protocol = tcp")
	    OPTION("scheduler = wrr") OPTION("check = none")
	    OPTION("real 10.0.0.1-80 { address = 10.0.0.1  port = 80  weight = 1 }")),
	    NULL, CTL_FAILURE },

	{ "a masqueraded server without a port",
	    STOP "virtual=192.0.2.1:8080\n\tchecktype=connect\n\tservice=http\n"
	    "\treal=10.0.0.1 masq\n",
	    SERVICE("tcp-192.0.2.1-8080 {\n"
	    OPTION("address = 192.0.2.1") OPTION("port = 8080") OPTION("protocol = tcp")
	    OPTION("scheduler = wrr") OPTION("check = connect") TIMES("10", "5",
	    OPTION("check-fall = 1"))
	    OPTION("real 10.0.0.1-8080 { address = 10.0.0.1  port = 8080  weight = 1  "
	    "check-port = 80 }")),
	    "5: the port is 0 in IPVS; lbcluster makes a destination with port 8080 in its "
	    "place\n", CTL_OK },

	{ "a file without cleanstop",
	    "virtual=192.0.2.1:80\n\tchecktype=on\n", NULL,
	    "lbclusterctl:  ldirectord removes its services when it stops; write cleanstop = no "
	    "before, see lbcluster-ipvs-migrate(7)\n", CTL_OK },

	{ "an empty file", "", "cluster ipvs {\n    plane = ipvs\n}\n", "", CTL_OK },
};

static void
a_file_becomes_an_inventory(void **state)
{
	struct ctl_fixture *world = *state;

	for (size_t i = 0; i < COUNT(cases); i++) {
		print_message("%s\n", cases[i].name);
		discover(world, cases[i].file, cases[i].status);
		if (cases[i].out != NULL)
			assert_string_equal(world->out, cases[i].out);
		if (cases[i].err != NULL)
			assert_string_equal(world->err, cases[i].err);
		assert_int_equal(load(world, world->out, NULL, NULL), CTL_OK);
		assert_int_equal(run(world, "remove", "--yes", "ipvs", NULL), CTL_OK);
	}
}

static void
a_file_is_loaded(void **state)
{
	struct ctl_fixture *world = *state;
	char path[128];

	file_write(world, "ldirectord.cf", cases[0].file, path);
	assert_int_equal(run(world, "discover", "ldirectord", path, "--load", "-c", "edge", NULL),
	    CTL_OK);
	assert_string_equal(world->out, "added 5, updated 0, removed 0, unchanged 0\n");
	assert_int_equal(run(world, "list", "edge/tcp-192.168.6.240-80", NULL), CTL_OK);
	assert_non_null(strstr(world->out, "127.0.0.1-80"));
}

static void
a_file_that_cannot_be_read_is_reported(void **state)
{
	struct ctl_fixture *world = *state;

	assert_int_equal(run(world, "discover", "ldirectord", "/nonexistent/x.cf", NULL),
	    CTL_FAILURE);
	assert_string_equal(world->err, "lbclusterctl: /nonexistent/x.cf: No such file or "
	    "directory\n");
	assert_int_equal(run(world, "discover", "ldirectord", "/", NULL), CTL_FAILURE);
	assert_string_equal(world->err, "lbclusterctl: /: Is a directory\n");
	assert_int_equal(run(world, "discover", "ldirectord", "/dev/zero", NULL), CTL_FAILURE);
	assert_non_null(strstr(world->err, "/dev/zero: has a byte that is zero"));
	assert_int_equal(run(world, "discover", "ldirectord", NULL), CTL_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CTL_TEST(a_file_becomes_an_inventory),
		CTL_TEST(a_file_is_loaded),
		CTL_TEST(a_file_that_cannot_be_read_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
