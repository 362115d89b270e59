/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Clusters, services, real services, statistics and jobs. The texts of a row belong to the
 * function that passes the row and are valid until the call returns. A text is never NULL.
 * Times are seconds of clock_wall_s(), 0 for never. The enumerations have the numbers of
 * LBCLUSTER-MIB.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

enum {
	MODEL_NAME_MAX = 64,		/* bytes of a name (LbcName) */
	MODEL_ADDRESS_MAX = 240,	/* bytes of an address */
	MODEL_PORT_TEXT_MAX = 8,
	MODEL_PARAMS_MAX = 2000,	/* bytes of the parameters of a row */
	MODEL_MESSAGE_MAX = 255,	/* bytes of an SnmpAdminString */
	MODEL_WEIGHT_MAX = 65535,
	MODEL_PATH_MAX = 3 * MODEL_NAME_MAX + 2,
	MODEL_ID_MAX = 2147483647,
};

enum plane_status {
	PLANE_STATUS_NONE = 1, PLANE_STATUS_OK, PLANE_STATUS_UNREACHABLE, PLANE_STATUS_FAILING,
	PLANE_STATUS_UNATTENDED	/* never stored: status_plane() derives it */
};

/* Begins the part of a plane_message that names servers of the store alone or of the data plane
 * alone. */
#define PLANE_MESSAGE_DIFFERS "inventory differs: "

enum protocol { PROTOCOL_OTHER = 1, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP };

/* The writable columns: of a real service, and of a service. */
enum real_column { REAL_ENABLED, REAL_FALLBACK, REAL_WEIGHT, SERVICE_ENABLED };
enum { REAL_COLUMNS = REAL_WEIGHT + 1, WRITABLE_COLUMNS = SERVICE_ENABLED + 1 };

enum job_operation {
	JOB_ENABLE = 1, JOB_DISABLE, JOB_ENABLE_FALLBACK, JOB_DISABLE_FALLBACK, JOB_SET_WEIGHT,
	JOB_ENABLE_SERVICE, JOB_DISABLE_SERVICE
};

/*
 *            SET answered            driver claims          driver is done
 *   held ---------------> queued ------------> running --------+--> succeeded
 *     |                     |  \                                \-> failed
 *     | undone              |   \ a later job for the column
 *     v                     v    v
 *   cancelled           (plane "none": succeeded at once)   superseded
 *
 * A held job is what a SET asks for, written before the manager has its answer. The row of the
 * real service or service changes when the job is released. Outside the store a held job shows
 * as queued. The states after JOB_RUNNING are final. job_transitions[] has all transitions.
 */
enum job_state {
	JOB_HELD = 0, JOB_QUEUED, JOB_RUNNING, JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELLED,
	JOB_SUPERSEDED
};

/* lbcJobMessage of a job that succeeded without a driver, and of a superseded job. */
/* Formats of a cause: of a job that waits, and of one that failed at an age in seconds. */
#define JOB_MESSAGE_WAITS "waits: %.240s"
#define JOB_MESSAGE_GIVEN_UP "given up after %lld s: %.200s"
#define JOB_MESSAGE_RECORDED "recorded: the cluster has no data plane"
#define JOB_MESSAGE_SUPERSEDED "superseded by a later job for the same setting"

enum job_fail_cause {
	JOB_CAUSE_NONE = 1, JOB_CAUSE_NOT_FOUND, JOB_CAUSE_REJECTED, JOB_CAUSE_UNREACHABLE,
	JOB_CAUSE_TIMEOUT, JOB_CAUSE_OTHER
};

/* An event of a job: the states in which it may happen, and the state that follows. */
struct job_transition {
	const char		*event;
	unsigned int		 from;		/* 1u << enum job_state */
	enum job_state		 to;
	enum job_fail_cause	 cause;		/* 0: the column stays, or the driver sets it */
	const char		*message;	/* lbcJobMessage; NULL: as for 'cause' */
};

/* Ends with a row whose event is NULL. */
extern const struct job_transition job_transitions[];

enum job_source { JOB_SOURCE_OTHER = 1, JOB_SOURCE_SNMP, JOB_SOURCE_CLI };

/* Bits of lbcNotifyEnable, by their numbers in the module. */
enum notify_bit {
	NOTIFY_REAL_ACTIVE, NOTIFY_REAL_CONFIG, NOTIFY_SERVICE_STATUS, NOTIFY_JOB_FINISHED,
	NOTIFY_STATS, NOTIFY_BITS
};

/* lbcNotifyEnable of a new store: all. snmpd sends nothing without a receiver in its
 * configuration, and a person who names a receiver wants the notifications. */
enum { NOTIFY_DEFAULT = (1 << NOTIFY_BITS) - 1 };

/* stale-after without a setting in lbclusterd.conf(5). */
enum { STALE_AFTER_DEFAULT_S = 300 };

/* Returns lbcSysSetLock after a SET that named 'lock' (TestAndIncr, RFC 2579). */
uint32_t model_lock_next(uint32_t lock);

struct cluster_row {
	uint32_t		 id;
	const char		*name;
	const char		*plane;		/* kind: none, haproxy, ipvs */
	const char		*plane_params;	/* the driver's own parameters, as JSON */
	enum plane_status	 plane_status;
	const char		*plane_message;
};

/* The latest poll of a cluster's data plane by a driver. */
struct driver_poll {
	uint32_t		 cluster_id;
	int64_t			 time;		/* 0: never */
	uint32_t		 interval_ms;	/* until the next poll */
};

struct service_row {
	uint32_t		 id;
	uint32_t		 cluster_id;
	const char		*name;
	const char		*address;	/* virtual address, "" if none */
	const char		*port;		/* decimal text, "" if none */
	const char		*params;	/* JSON object, "" if none */
	enum protocol		 protocol;
	bool			 enabled;	/* its real services keep their own settings */
};

struct real_row {
	uint32_t		 id;
	uint32_t		 service_id;
	uint32_t		 server_id;	/* number of its name in the cluster */
	const char		*name;
	const char		*address;
	const char		*port;
	const char		*params;	/* JSON object, "" if none */
	uint16_t		 weight;
	bool			 fallback;
	bool			 enabled;
	const char		*reason;	/* the data plane's message about its state */
	int64_t			 last_change;
	uint32_t		 last_job;	/* 0 if none */
};

/* The numbers of statistics(), in the order of enum stat_number. */
enum stat_number {
	STAT_ACTIVE_CONNECTIONS, STAT_INACTIVE_CONNECTIONS, STAT_PERSISTENT_CONNECTIONS,
	STAT_CONNECTIONS_PER_SECOND, STAT_BPS_IN, STAT_BPS_OUT, STAT_PPS_IN, STAT_PPS_OUT,
	/* Totals since counters_since, for managers that compute their own rates. The
	 * original API does not have them. */
	STAT_TOTAL_CONNECTIONS, STAT_TOTAL_PACKETS_IN, STAT_TOTAL_PACKETS_OUT,
	STAT_TOTAL_OCTETS_IN, STAT_TOTAL_OCTETS_OUT,
	STAT_CONNECTION_ERRORS, STAT_RESPONSE_ERRORS, STAT_REQUESTS, STAT_HTTP_4XX, STAT_HTTP_5XX,
	STAT_CHECK_FAILURES,
	/* Now. A time is the average of the latest requests, in milliseconds. */
	STAT_CONNECTION_LIMIT, STAT_QUEUED_CONNECTIONS, STAT_RESPONSE_TIME_MS,
	STAT_CONNECT_TIME_MS, STAT_QUEUE_TIME_MS, STAT_CHECK_CODE, STAT_CHECK_DURATION_MS,
	STAT_NUMBERS
};

enum {
	STAT_PRESENT_ACTIVE = 1u << STAT_NUMBERS,
	/* The numbers that only increase while counters_since stays, as bits. */
	STAT_COUNTERS_FIRST = STAT_TOTAL_CONNECTIONS,
	STAT_COUNTERS = STAT_CONNECTION_LIMIT - STAT_COUNTERS_FIRST,
	STAT_COUNTERS_MASK = ((1u << STAT_COUNTERS) - 1) << STAT_COUNTERS_FIRST,
	/* The numbers that a data plane counts for a service, as bits. */
	STAT_SERVICE_MASK = (STAT_COUNTERS_MASK & ~(1u << STAT_CHECK_FAILURES)) |
	    1u << STAT_QUEUED_CONNECTIONS | 1u << STAT_RESPONSE_TIME_MS,
	STAT_ALGORITHM_MAX = 32,	/* bytes */
};

/* The role of a real service in the data plane's own configuration. */
enum real_role {
	ROLE_MEMBER,	/* gets traffic; also if the role is unknown */
	ROLE_BACKUP,	/* gets traffic only while no member is active */
	ROLE_SPARE,	/* a server of a template that has no address */
	ROLES
};

/* A row of statistics of a real service, or of a service as the data plane counts it. Bit i of
 * 'present': number i was measured. */
struct statistics {
	union {
		uint32_t	real_id, service_id;
	};
	uint32_t		present;	/* 1u << stat_number, STAT_PRESENT_ACTIVE */
	bool			active;		/* of a real service */
	enum real_role		role;		/* of a real service */
	const char		*algorithm;	/* of a service, "" if unknown; otherwise NULL */
	int64_t			last_update;
	int64_t			counters_since;
	uint64_t		number[STAT_NUMBERS];
};

/* The keys of statistics(), of import-statistics and of lists, which are also the store's column
 * names. */
extern const char *const stat_number_names[STAT_NUMBERS];

struct job_row {
	uint32_t		 id;
	/* Its real service or its service; the other one is 0, and both are after the row is
	 * deleted. */
	uint32_t		 real_id, service_id;
	enum job_operation	 operation;
	enum job_state		 state;
	enum job_fail_cause	 cause;
	enum job_source		 source;
	uint32_t		 old_value;	/* a boolean is 0 or 1 here */
	uint32_t		 new_value;
	uint32_t		 request;	/* id of the first job of the Set, 0 if none */
	int64_t			 created, started, finished;
	/* Names when it was created; 'real' is "" for a job of a service. */
	const char		*cluster, *service, *real;
	const char		*message;
	const char		*origin;	/* the user who made the change; "" if unknown */
};

/* True while the job has not ended. */
bool job_state_open(enum job_state state);

/* Return the labels of LBCLUSTER-MIB, or "?" for an invalid number. Operations are named after the
 * methods of the original API. */
const char *plane_status_name(enum plane_status status);
const char *protocol_name(enum protocol protocol);
bool protocol_parse(const char *text, enum protocol *ret);
const char *real_column_name(enum real_column column);	/* "enabled" ... */
const char *job_operation_name(enum job_operation operation);	/* "enable_fallback" */
const char *job_state_name(enum job_state state);	/* "queued" for held */
const char *job_fail_cause_name(enum job_fail_cause cause);

/* Return the operation that sets 'column' to 'value', and the column of an operation. */
enum job_operation job_operation_for(enum real_column column, uint32_t value);
enum real_column job_operation_column(enum job_operation operation);

/* The real services that the driver of a kind checks. */
enum plane_checks {
	PLANE_CHECKS_NONE,	/* none: the data plane checks its servers itself */
	PLANE_CHECKS_GIVEN,	/* those that have the option "check"; a cluster without it has no
				 * driver */
	PLANE_CHECKS_TCP,	/* also those of TCP without the option, with "connect" */
};

/* A kind of data plane. */
struct plane_kind {
	const char		*name;
	uint32_t		 weight_max;	/* HAProxy: 256 (management.txt) */
	const char		*driver;	/* its program, and the name of its unit */
	const char		*title;		/* for people */
	enum plane_checks	 checks;
};

/* Returns NULL if there is no such kind. */
const struct plane_kind *plane_kind_find(const char *name);
/* Returns kind 'i', from 0 on; NULL after the last one. */
const struct plane_kind *plane_kind_at(size_t i);

enum { PLANE_KIND_NAMES_SIZE = 128 };

/* Writes the kinds that a cluster may have, "none, haproxy, ipvs". Returns 'buf'. */
const char *plane_kind_names(char buf[PLANE_KIND_NAMES_SIZE]);

/* Parameters of a service or real service, in the form in which lbclusterctl writes them to the
 * store, have a health check if they contain the first text and not the second one. */
#define MODEL_PARAM_CHECK "\"check\":"
#define MODEL_PARAM_NO_CHECK MODEL_PARAM_CHECK "\"none\""

/* True if the parameters have a health check. */
bool model_params_check(const char *params);

/* True if 'pattern' is "" or matches the name as of fnmatch(3). */
bool model_name_matches(const char *pattern, const char *name);

/* True for 1 to 64 of A-Z a-z 0-9 - . _ */
bool model_name_valid(const char *name);

/* A row by its names: "web", "web/http" or "web/http/web-1". */
struct path {
	char	cluster[MODEL_NAME_MAX + 1];
	char	service[MODEL_NAME_MAX + 1];	/* "" if the path ends before */
	char	real[MODEL_NAME_MAX + 1];
};

/* True if a name of the path is a pattern of fnmatch(3), and not a name. */
bool path_is_pattern(const struct path *path);
/* True if each name of 'pattern' is "" or matches that of 'path': 'path' is at or below it. */
bool path_matches(const struct path *pattern, const struct path *path);

/* Reads a path. ERR_INVALID names the invalid part and the rule for names. */
enum err_code path_parse(const char *text, struct path *ret, struct err *err);

enum { PATH_TEXT_SIZE = MODEL_PATH_MAX + 1 };

/* Writes the path as text and returns 'buf'. */
const char *path_text(const struct path *path, char buf[PATH_TEXT_SIZE]);

#endif
