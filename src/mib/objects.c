/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The columns of LBCLUSTER-MIB, in the order of their OIDs. A new column is one row here, one
 * object in the MIB file and one line in the golden walk. A test compares these rows with
 * mibs/LBCLUSTER-MIB.txt.
 */
#include <stddef.h>
#include <string.h>

#include "mib/mib_private.h"
#include "model/address.h"
#include "util/clock.h"

#define CLUSTER struct cache_cluster
#define SERVICE struct cache_service
#define REAL struct cache_real
#define JOB struct cache_job
#define SERVER struct cache_real	/* the first one of the server */
#define MIB struct mib
#define ID_MAX 2147483647

/* A function that fills a value: 'expression' sees the engine as 'mib' and the row as 'row'. */
#define GETTER(function, type, expression)                                     \
	static bool                                                            \
	function(struct mib *mib, const void *row_, struct mib_value *value)   \
	{                                                                      \
		const type *row = row_;                                        \
									       \
		(void)mib;                                                     \
		(void)row;                                                     \
		return expression;                                             \
	}

#define TOTALS(member) mib->cache->totals.member

/* -- lbcSystem ------------------------------------------------------------------------- */

GETTER(get_set_lock, MIB, mib_value_number(value, TOTALS(set_lock)))
GETTER(get_config_last_change, MIB, mib_value_time(value, TOTALS(config_last_change)))
GETTER(get_table_last_change, MIB, mib_value_time(value, TOTALS(table_last_change)))
GETTER(get_store_status, MIB, mib_value_number(value, store_status(mib->store)))
GETTER(get_stale_after, MIB, mib_value_number(value, mib->cache->stale_after_s))
GETTER(get_clusters, MIB, mib_value_number(value, tree_count(&mib->cache->tree, STORE_CLUSTER)))
GETTER(get_services, MIB, mib_value_number(value, tree_count(&mib->cache->tree, STORE_SERVICE)))
GETTER(get_reals, MIB, mib_value_number(value, tree_count(&mib->cache->tree, STORE_REAL)))
GETTER(get_reals_stale, MIB, mib_value_number(value, mib->cache->reals_stale))
GETTER(get_reject_text, MIB, mib_value_text(value, mib->reject.text))

/* A Counter32 counts from the start of lbclusterd. The store counts from its creation. */
#define SINCE_START(function, member)                                          \
	GETTER(function, MIB, mib_value_number(value, TOTALS(member) - mib->at_start.member))

SINCE_START(get_config_changes, config_changes)
SINCE_START(get_jobs_bumped, jobs_bumped)
SINCE_START(get_jobs_succeeded, jobs_succeeded)
SINCE_START(get_jobs_failed, jobs_failed)

static bool
get_reject_object(struct mib *mib, const void *row, struct mib_value *value)
{
	(void)row;
	value->oid = mib->reject.object;
	return true;
}

const struct mib_column mib_system_columns[] = {
	MEMBER(1, "lbcSysVersion", SYNTAX_OCTETS, 0, 64, SOURCE_TEXT, MIB, version),
	{ .sub = 2, .name = "lbcSysSetLock", .syntax = SYNTAX_INTEGER,
	  .access = ACCESS_WRITE, .min = 0, .max = ID_MAX, .source = SOURCE_FUNCTION,
	  .get = get_set_lock, .setting = SETTING_LOCK },
	FUNCTION(3, "lbcSysConfigChanges", SYNTAX_COUNTER32, 0, 0, get_config_changes),
	FUNCTION(4, "lbcSysConfigLastChange", SYNTAX_OCTETS, 0, 0, get_config_last_change),
	FUNCTION(5, "lbcSysTableLastChange", SYNTAX_OCTETS, 0, 0, get_table_last_change),
	FUNCTION(6, "lbcSysStoreStatus", SYNTAX_INTEGER, 1, 4, get_store_status),
	FUNCTION(7, "lbcSysStatsStaleAfter", SYNTAX_UNSIGNED32, 1, 86400, get_stale_after),
	FUNCTION(8, "lbcSysClusters", SYNTAX_UNSIGNED32, 0, 0, get_clusters),
	FUNCTION(9, "lbcSysServices", SYNTAX_UNSIGNED32, 0, 0, get_services),
	FUNCTION(10, "lbcSysReals", SYNTAX_UNSIGNED32, 0, 0, get_reals),
	FUNCTION(11, "lbcSysRealsStale", SYNTAX_UNSIGNED32, 0, 0, get_reals_stale),
	MEMBER(12, "lbcSysSetRejects", SYNTAX_COUNTER32, 0, 0, SOURCE_U32, MIB, reject.count),
	MEMBER(13, "lbcSysLastRejectReason", SYNTAX_INTEGER, 1, 10, SOURCE_U32, MIB, reject.reason),
	FUNCTION(14, "lbcSysLastRejectText", SYNTAX_OCTETS, 0, 255, get_reject_text),
	FUNCTION(15, "lbcSysLastRejectObject", SYNTAX_OBJECT_ID, 0, 0, get_reject_object),
	TIME(16, "lbcSysLastRejectTime", MIB, reject.time),
	TIME(17, "lbcSysCountersSince", MIB, started),
	COLUMNS_END,
};

/* -- lbcClusterTable --------------------------------------------------------------------- */

static struct plane_view
plane_view(struct mib *mib, const CLUSTER *cluster)
{
	struct plane_view view;

	cache_plane_view(cluster, store_statistics_readable(mib->store), clock_wall_s(), &view);
	return view;
}

GETTER(get_plane, CLUSTER, mib_value_text(value, tree_text(&row->row, TREE_PLANE)))
GETTER(get_plane_status, CLUSTER, mib_value_number(value,
    cache_plane_status(row, store_statistics_readable(mib->store), clock_wall_s())))
GETTER(get_plane_message, CLUSTER, mib_value_printf(value, "%s", plane_view(mib, row).message))

const struct mib_column mib_cluster_columns[] = {
	INDEX(1, "lbcClusterIndex", SYNTAX_UNSIGNED32, 1, ID_MAX),
	NAME(2, "lbcClusterName", CLUSTER),
	FUNCTION(3, "lbcClusterPlane", SYNTAX_OCTETS, 0, 32, get_plane),
	FUNCTION(4, "lbcClusterPlaneStatus", SYNTAX_INTEGER, 1, 5, get_plane_status),
	FUNCTION(5, "lbcClusterPlaneMessage", SYNTAX_OCTETS, 0, 255, get_plane_message),
	MEMBER(6, "lbcClusterStatus", SYNTAX_INTEGER, 1, 6, SOURCE_U32, CLUSTER, status),
	TIME(7, "lbcClusterStatusLastChange", CLUSTER, status_last_change),
	GAUGE(8, "lbcClusterServices", CLUSTER, branch.children.n),
	GAUGE(9, "lbcClusterServicesUp", CLUSTER, services_up),
	GAUGE(10, "lbcClusterReals", CLUSTER, sums.tally.reals),
	GAUGE(11, "lbcClusterRealsEnabled", CLUSTER, sums.tally.enabled),
	GAUGE(12, "lbcClusterRealsActive", CLUSTER, sums.tally.active),
	SUM(13, "lbcClusterActiveConns", CLUSTER, STAT_ACTIVE_CONNECTIONS),
	SUM(14, "lbcClusterInactiveConns", CLUSTER, STAT_INACTIVE_CONNECTIONS),
	SUM(15, "lbcClusterPersistentConns", CLUSTER, STAT_PERSISTENT_CONNECTIONS),
	SUM(16, "lbcClusterConnRate", CLUSTER, STAT_CONNECTIONS_PER_SECOND),
	SUM(17, "lbcClusterInBitRate", CLUSTER, STAT_BPS_IN),
	SUM(18, "lbcClusterOutBitRate", CLUSTER, STAT_BPS_OUT),
	SUM_KILO(19, "lbcClusterInKbitRate", CLUSTER, STAT_BPS_IN),
	SUM_KILO(20, "lbcClusterOutKbitRate", CLUSTER, STAT_BPS_OUT),
	SUM(21, "lbcClusterInPktRate", CLUSTER, STAT_PPS_IN),
	SUM(22, "lbcClusterOutPktRate", CLUSTER, STAT_PPS_OUT),
	TIME(23, "lbcClusterOldestUpdate", CLUSTER, sums.oldest_update),
	COLUMNS_END,
};

/* -- lbcServiceTable --------------------------------------------------------------------- */

GETTER(get_service_path, SERVICE, mib_value_printf(value, "%s/%s",
    row->row.parent->row.name, row->row.name))

/* The address and port of a service or of a real service. */
GETTER(get_address_type, struct tree_row,
    mib_value_address_type(value, tree_text(row, TREE_ADDRESS)))
GETTER(get_address, struct tree_row, mib_value_address(value, tree_text(row, TREE_ADDRESS)))
GETTER(get_port, struct tree_row, mib_value_number(value, address_port(tree_text(row, TREE_PORT))))
GETTER(get_endpoint, struct tree_row, mib_value_endpoint(value, tree_text(row, TREE_ADDRESS),
    tree_text(row, TREE_PORT)))

/* What the data plane counts for the service itself. */
GETTER(get_algorithm, SERVICE, row->counted != NULL && row->counted->algorithm[0] != '\0' &&
    mib_value_text(value, row->counted->algorithm))

#define COUNTED_AS(col, title, syn, which)                                     \
	{ .sub = (col), .name = (title), .syntax = (syn), .access = ACCESS_READ,  \
	  .source = SOURCE_STAT, .block = offsetof(SERVICE, counted),           \
	  .at = offsetof(struct cache_counted, statistics), .needs = 1u << (which), \
	  .needs_at = offsetof(struct cache_counted, statistics.present) }
#define COUNTED(sub, title, which) COUNTED_AS(sub, title, SYNTAX_COUNTER64, which)
#define COUNTED_GAUGE(sub, title, which) COUNTED_AS(sub, title, SYNTAX_UNSIGNED32, which)

const struct mib_column mib_service_columns[] = {
	INDEX(1, "lbcServiceIndex", SYNTAX_UNSIGNED32, 1, ID_MAX),
	NAME(2, "lbcServiceName", SERVICE),
	FUNCTION(3, "lbcServicePath", SYNTAX_OCTETS, 0, 129, get_service_path),
	FUNCTION(4, "lbcServiceAddressType", SYNTAX_INTEGER, 0, 0, get_address_type),
	FUNCTION(5, "lbcServiceAddress", SYNTAX_OCTETS, 0, 20, get_address),
	FUNCTION(6, "lbcServicePort", SYNTAX_UNSIGNED32, 0, 65535, get_port),
	MEMBER(7, "lbcServiceProtocol", SYNTAX_INTEGER, 1, 4, SOURCE_U32, SERVICE, protocol),
	FUNCTION(8, "lbcServiceEndpoint", SYNTAX_OCTETS, 0, 255, get_endpoint),
	MEMBER(9, "lbcServiceStatus", SYNTAX_INTEGER, 1, 6, SOURCE_U32, SERVICE, status),
	TIME(10, "lbcServiceStatusLastChange", SERVICE, status_last_change),
	GAUGE(11, "lbcServiceReals", SERVICE, sums.tally.reals),
	GAUGE(12, "lbcServiceRealsEnabled", SERVICE, sums.tally.enabled),
	GAUGE(13, "lbcServiceRealsActive", SERVICE, sums.tally.active),
	MEMBER(14, "lbcServiceWeightTotal", SYNTAX_UNSIGNED32, 0, 0, SOURCE_SUM, SERVICE,
	    sums.weight),
	MEMBER(15, "lbcServiceFallbackReal", SYNTAX_UNSIGNED32, 0, ID_MAX, SOURCE_U32,
	    SERVICE, fallback_id),
	MEMBER(16, "lbcServiceOnFallback", SYNTAX_INTEGER, 1, 2, SOURCE_BOOL, SERVICE, on_fallback),
	MEMBER(17, "lbcServiceFallbackUses", SYNTAX_COUNTER32, 0, 0, SOURCE_U32, SERVICE,
	    fallback_uses),
	SUM(18, "lbcServiceActiveConns", SERVICE, STAT_ACTIVE_CONNECTIONS),
	SUM(19, "lbcServiceInactiveConns", SERVICE, STAT_INACTIVE_CONNECTIONS),
	SUM(20, "lbcServicePersistentConns", SERVICE, STAT_PERSISTENT_CONNECTIONS),
	SUM(21, "lbcServiceConnRate", SERVICE, STAT_CONNECTIONS_PER_SECOND),
	SUM(22, "lbcServiceInBitRate", SERVICE, STAT_BPS_IN),
	SUM(23, "lbcServiceOutBitRate", SERVICE, STAT_BPS_OUT),
	SUM_KILO(24, "lbcServiceInKbitRate", SERVICE, STAT_BPS_IN),
	SUM_KILO(25, "lbcServiceOutKbitRate", SERVICE, STAT_BPS_OUT),
	SUM(26, "lbcServiceInPktRate", SERVICE, STAT_PPS_IN),
	SUM(27, "lbcServiceOutPktRate", SERVICE, STAT_PPS_OUT),
	TIME(28, "lbcServiceOldestUpdate", SERVICE, sums.oldest_update),
	MEMBER_RW(29, "lbcServiceEnabled", SYNTAX_INTEGER, 1, 2, SOURCE_BOOL, SERVICE, enabled,
	    SETTING_SERVICE_ENABLED),
	GAUGE(30, "lbcServiceRealsStale", SERVICE, sums.stale),
	{ .sub = 31, .name = "lbcServiceCountersSince", .syntax = SYNTAX_OCTETS,
	  .access = ACCESS_READ, .source = SOURCE_TIME,
	  .block = offsetof(SERVICE, counted),
	  .at = offsetof(struct cache_counted, statistics.counters_since),
	  .needs = STAT_COUNTERS_MASK,
	  .needs_at = offsetof(struct cache_counted, statistics.present) },
	COUNTED(32, "lbcServiceTotalConns", STAT_TOTAL_CONNECTIONS),
	COUNTED(33, "lbcServiceInOctets", STAT_TOTAL_OCTETS_IN),
	COUNTED(34, "lbcServiceOutOctets", STAT_TOTAL_OCTETS_OUT),
	COUNTED(35, "lbcServiceInPkts", STAT_TOTAL_PACKETS_IN),
	COUNTED(36, "lbcServiceOutPkts", STAT_TOTAL_PACKETS_OUT),
	FUNCTION(37, "lbcServiceAlgorithm", SYNTAX_OCTETS, 0, 32, get_algorithm),
	COUNTED_GAUGE(38, "lbcServiceQueued", STAT_QUEUED_CONNECTIONS),
	COUNTED(39, "lbcServiceConnErrors", STAT_CONNECTION_ERRORS),
	COUNTED(40, "lbcServiceRespErrors", STAT_RESPONSE_ERRORS),
	COUNTED(41, "lbcServiceRequests", STAT_REQUESTS),
	COUNTED(42, "lbcServiceHttp4xx", STAT_HTTP_4XX),
	COUNTED(43, "lbcServiceHttp5xx", STAT_HTTP_5XX),
	COUNTED_GAUGE(44, "lbcServiceResponseTime", STAT_RESPONSE_TIME_MS),
	COLUMNS_END,
};

/* -- lbcRealTable --------------------------------------------------------------------------- */

GETTER(get_real_path, REAL, mib_value_printf(value, "%s/%s/%s",
    row->row.parent->row.parent->row.name, row->row.parent->row.name, row->row.name))
GETTER(get_real_status, REAL, mib_value_number(value,
    cache_real_status(mib->cache, row, clock_wall_s())))
GETTER(get_real_reason, REAL, mib_value_text(value,
    cache_real_reason(mib->cache, row, clock_wall_s())))

const struct mib_column mib_real_columns[] = {
	INDEX(1, "lbcRealIndex", SYNTAX_UNSIGNED32, 1, ID_MAX),
	NAME(2, "lbcRealName", REAL),
	FUNCTION(3, "lbcRealPath", SYNTAX_OCTETS, 0, 194, get_real_path),
	FUNCTION(4, "lbcRealAddressType", SYNTAX_INTEGER, 0, 0, get_address_type),
	FUNCTION(5, "lbcRealAddress", SYNTAX_OCTETS, 0, 20, get_address),
	FUNCTION(6, "lbcRealPort", SYNTAX_UNSIGNED32, 0, 65535, get_port),
	FUNCTION(7, "lbcRealEndpoint", SYNTAX_OCTETS, 0, 255, get_endpoint),
	MEMBER_RW(8, "lbcRealWeight", SYNTAX_UNSIGNED32, 0, 65535, SOURCE_U16, REAL, weight,
	    SETTING_WEIGHT),
	MEMBER_RW(9, "lbcRealFallback", SYNTAX_INTEGER, 1, 2, SOURCE_BOOL, REAL, fallback,
	    SETTING_FALLBACK),
	MEMBER_RW(10, "lbcRealEnabled", SYNTAX_INTEGER, 1, 2, SOURCE_BOOL, REAL, enabled,
	    SETTING_ENABLED),
	FUNCTION(11, "lbcRealOperStatus", SYNTAX_INTEGER, 1, 6, get_real_status),
	FUNCTION(12, "lbcRealOperStatusReason", SYNTAX_OCTETS, 0, 255, get_real_reason),
	TIME(13, "lbcRealLastChange", REAL, last_change),
	MEMBER(14, "lbcRealLastJob", SYNTAX_UNSIGNED32, 0, ID_MAX, SOURCE_U32, REAL, last_job),
	GAUGE(15, "lbcRealPendingJobs", REAL, pending_jobs),
	COLUMNS_END,
};

/* -- lbcRealStatsTable ----------------------------------------------------------------------- */

GETTER(get_stats_age, REAL, row->statistics.last_update != 0 &&
    mib_value_number(value, status_age(row->statistics.last_update, clock_wall_s())))
GETTER(get_stats_freshness, REAL, mib_value_number(value,
    cache_real_freshness(mib->cache, row, clock_wall_s())))

GETTER(get_downtime, REAL, mib_value_number(value, cache_real_downtime(row)))
GETTER(get_counters_since, REAL, mib_value_time(value,
    (row->statistics.present & STAT_COUNTERS_MASK) != 0 ? row->statistics.counters_since : 0))

#define STAT_GAUGE(sub, title, which)                                          \
	STAT(sub, title, SYNTAX_UNSIGNED32, SOURCE_STAT, REAL, statistics, which)
#define STAT_KILO(sub, title, which)                                           \
	STAT(sub, title, SYNTAX_UNSIGNED32, SOURCE_STAT_KILO, REAL, statistics, which)
#define STAT_TOTAL(sub, title, which)                                          \
	STAT(sub, title, SYNTAX_COUNTER64, SOURCE_STAT, REAL, statistics, which)

const struct mib_column mib_real_stats_columns[] = {
	{ .sub = 1, .name = "lbcRealStatsActive", .syntax = SYNTAX_INTEGER,
	  .access = ACCESS_READ, .min = 1, .max = 2, .source = SOURCE_BOOL,
	  .at = offsetof(REAL, statistics.active), .needs = STAT_PRESENT_ACTIVE,
	  .needs_at = offsetof(REAL, statistics.present) },
	STAT_GAUGE(2, "lbcRealStatsActiveConns", STAT_ACTIVE_CONNECTIONS),
	STAT_GAUGE(3, "lbcRealStatsInactiveConns", STAT_INACTIVE_CONNECTIONS),
	STAT_GAUGE(4, "lbcRealStatsPersistentConns", STAT_PERSISTENT_CONNECTIONS),
	STAT_GAUGE(5, "lbcRealStatsConnRate", STAT_CONNECTIONS_PER_SECOND),
	STAT_GAUGE(6, "lbcRealStatsInBitRate", STAT_BPS_IN),
	STAT_GAUGE(7, "lbcRealStatsOutBitRate", STAT_BPS_OUT),
	STAT_KILO(8, "lbcRealStatsInKbitRate", STAT_BPS_IN),
	STAT_KILO(9, "lbcRealStatsOutKbitRate", STAT_BPS_OUT),
	STAT_GAUGE(10, "lbcRealStatsInPktRate", STAT_PPS_IN),
	STAT_GAUGE(11, "lbcRealStatsOutPktRate", STAT_PPS_OUT),
	TIME(12, "lbcRealStatsLastUpdate", REAL, statistics.last_update),
	FUNCTION(13, "lbcRealStatsAge", SYNTAX_UNSIGNED32, 0, 0, get_stats_age),
	FUNCTION(14, "lbcRealStatsFreshness", SYNTAX_INTEGER, 1, 3, get_stats_freshness),
	TIME(15, "lbcRealStatsActiveLastChange", REAL, active_last_change),
	MEMBER(16, "lbcRealStatsActiveTransitions", SYNTAX_COUNTER32, 0, 0, SOURCE_U32, REAL,
	    active_transitions),
	FUNCTION(17, "lbcRealStatsCountersSince", SYNTAX_OCTETS, 0, 0, get_counters_since),
	STAT_TOTAL(18, "lbcRealStatsTotalConns", STAT_TOTAL_CONNECTIONS),
	STAT_TOTAL(19, "lbcRealStatsInPkts", STAT_TOTAL_PACKETS_IN),
	STAT_TOTAL(20, "lbcRealStatsOutPkts", STAT_TOTAL_PACKETS_OUT),
	STAT_TOTAL(21, "lbcRealStatsInOctets", STAT_TOTAL_OCTETS_IN),
	STAT_TOTAL(22, "lbcRealStatsOutOctets", STAT_TOTAL_OCTETS_OUT),
	STAT_GAUGE(23, "lbcRealStatsConnLimit", STAT_CONNECTION_LIMIT),
	{ .sub = 24, .name = "lbcRealStatsDowntime", .syntax = SYNTAX_COUNTER32,
	  .access = ACCESS_READ, .source = SOURCE_FUNCTION, .get = get_downtime,
	  .needs = STAT_PRESENT_ACTIVE, .needs_at = offsetof(REAL, statistics.present) },
	STAT_GAUGE(25, "lbcRealStatsQueued", STAT_QUEUED_CONNECTIONS),
	STAT_TOTAL(26, "lbcRealStatsConnErrors", STAT_CONNECTION_ERRORS),
	STAT_TOTAL(27, "lbcRealStatsRespErrors", STAT_RESPONSE_ERRORS),
	STAT_TOTAL(28, "lbcRealStatsRequests", STAT_REQUESTS),
	STAT_TOTAL(29, "lbcRealStatsHttp4xx", STAT_HTTP_4XX),
	STAT_TOTAL(30, "lbcRealStatsHttp5xx", STAT_HTTP_5XX),
	STAT_GAUGE(31, "lbcRealStatsResponseTime", STAT_RESPONSE_TIME_MS),
	STAT_GAUGE(32, "lbcRealStatsConnectTime", STAT_CONNECT_TIME_MS),
	STAT_GAUGE(33, "lbcRealStatsQueueTime", STAT_QUEUE_TIME_MS),
	STAT_GAUGE(34, "lbcRealStatsCheckCode", STAT_CHECK_CODE),
	STAT_GAUGE(35, "lbcRealStatsCheckDuration", STAT_CHECK_DURATION_MS),
	STAT_TOTAL(36, "lbcRealStatsCheckFailures", STAT_CHECK_FAILURES),
	COLUMNS_END,
};

/* -- lbcLookup ----------------------------------------------------------------------- */

#define LOOKUP(title, type)                                                    \
	MEMBER(1, title, SYNTAX_UNSIGNED32, 1, ID_MAX, SOURCE_U32, type, row.id)

const struct mib_column mib_cluster_name_columns[] = {
	LOOKUP("lbcClusterByNameIndex", CLUSTER),
	COLUMNS_END,
};

const struct mib_column mib_service_name_columns[] = {
	LOOKUP("lbcServiceByNameIndex", SERVICE),
	COLUMNS_END,
};

const struct mib_column mib_real_name_columns[] = {
	LOOKUP("lbcRealByNameIndex", REAL),
	COLUMNS_END,
};

const struct mib_column mib_server_name_columns[] = {
	MEMBER(1, "lbcServerByNameIndex", SYNTAX_UNSIGNED32, 1, ID_MAX, SOURCE_U32, SERVER,
	    server_id),
	COLUMNS_END,
};

/* -- lbcJobs ------------------------------------------------------------------------- */

/* Another program may have stored a number below the range of the object. */
GETTER(get_job_max_rows, MIB, mib_value_number(value, TOTALS(job_max_rows) < 10 ? 10 :
    TOTALS(job_max_rows)))
GETTER(get_job_rows, MIB, mib_value_number(value, mib->cache->jobs.n))
GETTER(get_job_last_id, MIB, mib_value_number(value, TOTALS(job_last_id)))
GETTER(get_jobs_active, MIB, mib_value_number(value, mib->cache->jobs_active))

const struct mib_column mib_jobs_columns[] = {
	FUNCTION(1, "lbcJobMaxRows", SYNTAX_UNSIGNED32, 10, 100000, get_job_max_rows),
	FUNCTION(2, "lbcJobRows", SYNTAX_UNSIGNED32, 0, 0, get_job_rows),
	FUNCTION(3, "lbcJobRowsBumped", SYNTAX_COUNTER32, 0, 0, get_jobs_bumped),
	FUNCTION(4, "lbcJobLastId", SYNTAX_UNSIGNED32, 0, ID_MAX, get_job_last_id),
	FUNCTION(5, "lbcJobsActive", SYNTAX_UNSIGNED32, 0, 0, get_jobs_active),
	FUNCTION(6, "lbcJobsSucceeded", SYNTAX_COUNTER32, 0, 0, get_jobs_succeeded),
	FUNCTION(7, "lbcJobsFailed", SYNTAX_COUNTER32, 0, 0, get_jobs_failed),
	COLUMNS_END,
};

/* The instance of lbcRealName or lbcServiceName. */
static bool
get_job_target(struct mib *mib, const void *row, struct mib_value *value)
{
	const struct job_row *job = &((const JOB *)row)->columns;
	const struct tree_row *real = tree_find(&mib->cache->tree, STORE_REAL, job->real_id);
	const struct tree_row *service = real != NULL ? &real->parent->row :
	    tree_find(&mib->cache->tree, STORE_SERVICE, job->service_id);
	const uint32_t name_column[] = { 1, real != NULL ? 4 : 3, 1, 2 };
	struct mib_oid *oid = &value->oid;

	memset(oid, 0, sizeof(*oid));
	oid->n = 2;	/* zeroDotZero */
	if (service == NULL)
		return true;
	memcpy(oid->sub, mib_root, mib_root_length * sizeof(uint32_t));
	memcpy(oid->sub + mib_root_length, name_column, sizeof(name_column));
	oid->n = (uint32_t)mib_root_length + 4;
	oid->sub[oid->n++] = service->parent->row.id;
	oid->sub[oid->n++] = service->id;
	if (real != NULL)
		oid->sub[oid->n++] = real->id;
	return true;
}

/* The model has booleans as 0 and 1, the MIB as TruthValue. */
static bool
job_value(const JOB *job, uint32_t number, struct mib_value *value)
{
	if (job_operation_column(job->columns.operation) == REAL_WEIGHT)
		return mib_value_number(value, number);
	return mib_value_truth(value, number != 0);
}

GETTER(get_job_old_value, JOB, job_value(row, row->columns.old_value, value))
GETTER(get_job_new_value, JOB, job_value(row, row->columns.new_value, value))
/* A job of a cluster that no driver polls waits for the driver. */
static bool
job_message(const struct mib *mib, const JOB *job, struct mib_value *value)
{
	struct plane_view view;

	if (cache_job_unattended(mib->cache, job, store_statistics_readable(mib->store),
	    clock_wall_s(), &view))
		return mib_value_printf(value, JOB_MESSAGE_WAITS, view.message);
	return mib_value_text(value, job->columns.message);
}

GETTER(get_job_message, JOB, job_message(mib, row, value))
GETTER(get_job_state, JOB, mib_value_number(value,
    row->columns.state == JOB_HELD ? JOB_QUEUED : row->columns.state))

const struct mib_column mib_job_columns[] = {
	INDEX(1, "lbcJobId", SYNTAX_UNSIGNED32, 1, ID_MAX),
	MEMBER(2, "lbcJobOperation", SYNTAX_INTEGER, 1, 7, SOURCE_U32, JOB, columns.operation),
	FUNCTION(3, "lbcJobTarget", SYNTAX_OBJECT_ID, 0, 0, get_job_target),
	MEMBER(4, "lbcJobClusterName", SYNTAX_OCTETS, 1, 64, SOURCE_TEXT, JOB, columns.cluster),
	MEMBER(5, "lbcJobServiceName", SYNTAX_OCTETS, 1, 64, SOURCE_TEXT, JOB, columns.service),
	MEMBER(6, "lbcJobRealName", SYNTAX_OCTETS, 0, 64, SOURCE_TEXT, JOB, columns.real),
	FUNCTION(7, "lbcJobOldValue", SYNTAX_UNSIGNED32, 0, 0, get_job_old_value),
	FUNCTION(8, "lbcJobNewValue", SYNTAX_UNSIGNED32, 0, 0, get_job_new_value),
	FUNCTION(9, "lbcJobState", SYNTAX_INTEGER, 1, 6, get_job_state),
	MEMBER(10, "lbcJobFailCause", SYNTAX_INTEGER, 1, 6, SOURCE_U32, JOB, columns.cause),
	FUNCTION(11, "lbcJobMessage", SYNTAX_OCTETS, 0, 255, get_job_message),
	TIME(12, "lbcJobCreated", JOB, columns.created),
	TIME(13, "lbcJobStarted", JOB, columns.started),
	TIME(14, "lbcJobFinished", JOB, columns.finished),
	MEMBER(15, "lbcJobSource", SYNTAX_INTEGER, 1, 3, SOURCE_U32, JOB, columns.source),
	MEMBER(16, "lbcJobRequest", SYNTAX_UNSIGNED32, 0, ID_MAX, SOURCE_U32, JOB, columns.request),
	COLUMNS_END,
};

/* -- lbcNotify ----------------------------------------------------------------------- */

GETTER(get_notify_interval, MIB, mib_value_number(value, notify_interval(mib->notify)))
GETTER(get_notify_suppressed, MIB, mib_value_number(value, notify_suppressed(mib->notify)))

/* Bit 0 is the highest of the first octet, RFC 3417 section 8. */
static bool
get_notify_enable(struct mib *mib, const void *row, struct mib_value *value)
{
	uint32_t enable = TOTALS(notify_enable);

	(void)row;
	value->buffer[0] = 0;
	for (unsigned int bit = 0; bit < NOTIFY_BITS; bit++)
		if ((enable & 1u << bit) != 0)
			value->buffer[0] |= (uint8_t)(0x80u >> bit);
	value->octets.data = value->buffer;
	value->octets.length = 1;
	return true;
}

const struct mib_column mib_notify_columns[] = {
	{ .sub = 1, .name = "lbcNotifyEnable", .syntax = SYNTAX_BITS,
	  .access = ACCESS_WRITE, .min = 0, .max = NOTIFY_BITS - 1,
	  .source = SOURCE_FUNCTION, .get = get_notify_enable, .setting = SETTING_NOTIFY },
	FUNCTION(2, "lbcNotifyMinInterval", SYNTAX_UNSIGNED32, 0, 3600, get_notify_interval),
	FUNCTION(3, "lbcNotifySuppressed", SYNTAX_COUNTER32, 0, 0, get_notify_suppressed),
	COLUMNS_END,
};

/* -- lbcServerTable ------------------------------------------------------------------ */

static struct status_tally
server_tally(const struct mib *mib, const SERVER *server)
{
	uint64_t conns;
	bool measured;

	return cache_server_tally(mib->cache, server, clock_wall_s(), &conns, &measured);
}

GETTER(get_server_reals, SERVER, mib_value_number(value, server_tally(mib, row).reals))
GETTER(get_server_enabled_reals, SERVER, mib_value_number(value, server_tally(mib, row).enabled))
GETTER(get_server_active, SERVER, mib_value_number(value, server_tally(mib, row).active))

static bool
get_server_conns(struct mib *mib, const void *row, struct mib_value *value)
{
	uint64_t conns;
	bool measured;

	(void)cache_server_tally(mib->cache, row, clock_wall_s(), &conns, &measured);
	return measured && mib_value_gauge(value, conns);
}

static bool
get_server_enabled(struct mib *mib, const void *row, struct mib_value *value)
{
	const struct status_tally tally = server_tally(mib, row);

	return mib_value_number(value, tally.enabled == tally.reals ? SERVER_ENABLED :
	    tally.enabled == 0 ? SERVER_DISABLED : SERVER_MIXED);
}

const struct mib_column mib_server_columns[] = {
	INDEX(1, "lbcServerIndex", SYNTAX_UNSIGNED32, 1, ID_MAX),
	NAME(2, "lbcServerName", SERVER),
	FUNCTION(3, "lbcServerReals", SYNTAX_UNSIGNED32, 0, 0, get_server_reals),
	FUNCTION(4, "lbcServerRealsEnabled", SYNTAX_UNSIGNED32, 0, 0, get_server_enabled_reals),
	FUNCTION(5, "lbcServerRealsActive", SYNTAX_UNSIGNED32, 0, 0, get_server_active),
	FUNCTION(6, "lbcServerActiveConns", SYNTAX_UNSIGNED32, 0, 0, get_server_conns),
	{ .sub = 7, .name = "lbcServerEnabled", .syntax = SYNTAX_INTEGER, .access = ACCESS_WRITE,
	  .min = SERVER_ENABLED, .max = SERVER_MIXED, .source = SOURCE_FUNCTION,
	  .get = get_server_enabled, .setting = SETTING_SERVER_ENABLED },
	COLUMNS_END,
};
