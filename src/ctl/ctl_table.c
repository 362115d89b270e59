/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The tables of commands, options and exit statuses of lbclusterctl.
 */
#include "ctl/ctl.h"

/* Rows: name, operands, help, example, function, least and most operands, depth of PATH, open,
 * mode, options. */
static const struct command commands[] = {
	{ "list", "[PATH]", "list clusters, services, or real services",
	    "list -r web", cmd_list, 0, 1,
	    DEPTH_CLUSTER, CTL_OPEN_FIRST, STORE_READ, CTL_RECURSIVE },
	{ "info", "PATH", "show the settings of a cluster, service or real service",
	    "info web/http/web-1", cmd_info, 1, 1,
	    DEPTH_CLUSTER, CTL_OPEN_FIRST, STORE_READ, 0 },
	{ "statistics", "[PATH]", "show the statistics of real services",
	    "statistics web/http", cmd_statistics, 0, 1,
	    DEPTH_CLUSTER, CTL_OPEN_FIRST, STORE_READ, 0 },
	{ "enable", "PATH", "enable a real service, a service, or a server everywhere",
	    "enable web/http/web-1", cmd_set, 1, 1,
	    DEPTH_SERVICE, CTL_OPEN_LATER, STORE_WRITE, 0 },
	{ "disable", "PATH", "disable a real service, a service, or a server everywhere",
	    "disable 'web/*/web-1'", cmd_set, 1, 1,
	    DEPTH_SERVICE, CTL_OPEN_LATER, STORE_WRITE, 0 },
	{ "enable-fallback", "PATH", "make a real service the fallback of its service",
	    "enable-fallback web/http/sorry", cmd_set, 1, 1,
	    DEPTH_REAL, CTL_OPEN_LATER, STORE_WRITE, 0 },
	{ "disable-fallback", "PATH", "make a real service no longer the fallback",
	    "disable-fallback web/http/sorry", cmd_set, 1, 1,
	    DEPTH_REAL, CTL_OPEN_LATER, STORE_WRITE, 0 },
	{ "set-weight", "PATH WEIGHT", "set the weight of a real service, 0 to 65535",
	    "set-weight web/http/web-1 0", cmd_set, 2, 2,
	    DEPTH_REAL, CTL_OPEN_LATER, STORE_WRITE, 0 },
	{ "job", "[ID]", "show the status of a job, or of all jobs",
	    "job", cmd_job, 0, 1,
	    DEPTH_NONE, CTL_OPEN_LATER, STORE_READ, 0 },
	{ "load", "FILE", "load an inventory file into the store",
	    "load --dry-run --prune clusters.conf", cmd_load, 1, 1,
	    DEPTH_NONE, CTL_OPEN_LATER, STORE_CREATE, CTL_DRY_RUN | CTL_PRUNE | CTL_RESET },
	{ "discover", "SOURCE [FILE]", "write or load an inventory of HAProxy, IPVS, ldirectord",
	    "discover haproxy /run/haproxy/admin.sock -c edge --load", cmd_discover, 1, 2,
	    DEPTH_NONE, CTL_OPEN_LATER, STORE_CREATE,
	    CTL_DRY_RUN | CTL_LOAD | CTL_CHANGE_PLANE | CTL_CLUSTER },
	{ "export", "[PATH]", "write an inventory file of the store",
	    "export web >web.conf", cmd_export, 0, 1,
	    DEPTH_CLUSTER, CTL_OPEN_FIRST, STORE_READ, 0 },
	{ "import-statistics", "FILE", "store statistics of a collector, JSON lines",
	    "import-statistics statistics.jsonl", cmd_import, 1, 1,
	    DEPTH_NONE, CTL_OPEN_LATER, STORE_WRITE, 0 },
	{ "oid", "PATH", "show the OIDs of a row, and commands to read and set it",
	    "oid web/http/web-1", cmd_oid, 1, 1,
	    DEPTH_CLUSTER, CTL_OPEN_FIRST, STORE_READ, 0 },
	{ "remove", "PATH", "remove a row and all rows below it",
	    "remove web/http/web-1", cmd_remove, 1, 1,
	    DEPTH_CLUSTER, CTL_OPEN_FIRST, STORE_WRITE, 0 },
	{ "doctor", "", "check the installation, and show how to repair it",
	    "doctor --write", cmd_doctor, 0, 0,
	    DEPTH_NONE, CTL_OPEN_LATER, STORE_READ, CTL_WRITE | CTL_AGENTX | CTL_SNMP },
	{ "help", "[COMMAND]", "show the commands, or the options of one",
	    "help load", cmd_help, 0, 1,
	    DEPTH_NONE, CTL_OPEN_LATER, STORE_READ, 0 },
};

/* Rows: name, letter, argument, flag, help. Two options of different commands may have the same
 * letter or name. */
static const struct ctl_option options[] = {
	{ "store", 's', "DIR", 0, "directory of the store; default: " LBCLUSTER_STORE_DIR },
	{ "format", 'f', "table|json", 0, "output format; default: table" },
	{ "json", 'j', NULL, 0, "the same as -f json" },
	{ "quiet", 'q', NULL, 0, "print only warnings and errors" },
	{ "help", 'h', NULL, 0, "print this help" },
	{ "version", 'V', NULL, 0, "print the version" },
	{ "dry-run", 'n', NULL, CTL_DRY_RUN, "show the differences, change nothing" },
	{ "load", 'l', NULL, CTL_LOAD, "load the inventory into the store" },
	{ "prune", 'p', NULL, CTL_PRUNE, "remove rows that the file does not name" },
	{ "change-plane", 'P', NULL, CTL_CHANGE_PLANE,
	    "also change the plane of an existing cluster" },
	{ "recursive", 'r', NULL, CTL_RECURSIVE, "all real services below PATH" },
	{ "reset", 'R', NULL, CTL_RESET,
	    "also set weight, fallback and enabled, by jobs" },
	{ "write", 'w', NULL, CTL_WRITE, "try a SET that changes nothing" },
	{ "cluster", 'c', "NAME", CTL_CLUSTER,
	    "name of the cluster; default: haproxy or ipvs" },
	{ "agentx", 'x', "ADDRESS", CTL_AGENTX,
	    "AgentX master: a path or tcp:HOST:PORT" },
	{ "snmp", 'S', "ARGS", CTL_SNMP,
	    "arguments of snmpget; default: those of snmp.conf" },
};

static const char *const exits[] = {
	[CTL_OK] = "done, or nothing to do",
	[CTL_FAILURE] = "any other failure; doctor: a check says FAIL",
	[CTL_USAGE] = "wrong usage",
	[CTL_NOT_FOUND] = "does not exist",
	[CTL_PRECOND] = "precondition failed",
	[CTL_BUSY] = "the store is busy",
	[CTL_REFUSED] = "the store is missing, foreign, newer, damaged, read-only or full",
	[CTL_UNKNOWN] = "doctor: no check says FAIL, and a check could not be made",
};

const struct ctl_table ctl_tables = { commands, ROWS(commands), options, ROWS(options), exits,
	ROWS(exits) };
