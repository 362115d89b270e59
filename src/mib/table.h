/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * LBCLUSTER-MIB as data: tables, their columns, and how rows are found. One engine
 * (engine.c) serves all of them. Outside of src/mib only two commands of lbclusterctl include this
 * file: "oid" prints the names and OIDs of the columns, "complete" completes the names.
 */
#ifndef MIB_TABLE_H
#define MIB_TABLE_H

#include "cache/cache.h"
#include "mib/mib.h"

/* The SYNTAX clauses that the engine has to distinguish. */
enum mib_syntax {
	SYNTAX_INTEGER,		/* enumerations, TruthValue, TestAndIncr */
	SYNTAX_UNSIGNED32,	/* and Gauge32 */
	SYNTAX_COUNTER32,
	SYNTAX_COUNTER64,
	SYNTAX_OCTETS,
	SYNTAX_BITS,		/* min and max are bit numbers */
	SYNTAX_OBJECT_ID,
};

enum mib_access { ACCESS_NONE, ACCESS_READ, ACCESS_WRITE };

/* The setting that a SET of the column changes. */
enum mib_setting {
	SETTING_NONE, SETTING_ENABLED, SETTING_FALLBACK, SETTING_WEIGHT, SETTING_SERVICE_ENABLED,
	SETTING_SERVER_ENABLED, SETTING_LOCK, SETTING_NOTIFY
};

/* lbcServerEnabled; a SET of 'mixed' is refused. */
enum mib_server_enabled { SERVER_ENABLED = 1, SERVER_DISABLED, SERVER_MIXED };

/* Where a value comes from: a member of the row's struct by its C type, or a function. */
enum mib_source {
	SOURCE_NONE,		/* not-accessible */
	SOURCE_FUNCTION,
	SOURCE_BOOL,		/* as TruthValue */
	SOURCE_U16,
	SOURCE_U32,		/* and enumerations */
	SOURCE_U64,		/* as Counter64 */
	SOURCE_TEXT,		/* const char * */
	SOURCE_TIME,		/* int64_t seconds, as DateAndTime */
	SOURCE_SUM,		/* uint64_t, latched at the maximum of Gauge32 */
	SOURCE_SUM_KILO,	/* the same divided by 1000, rounded */
	SOURCE_STAT,		/* number 'needs' of a struct cache_statistics */
	SOURCE_STAT_KILO,	/* the same divided by 1000, rounded */
};

/* Fills the value except its type; false if the instance does not exist. */
typedef bool (*mib_get_fn)(struct mib *mib, const void *row, struct mib_value *value);

struct mib_column {
	uint32_t		sub;
	const char		*name;		/* as in the MIB file */
	enum mib_syntax		syntax;
	enum mib_access		access;
	uint32_t		min, max;	/* range or size; both 0: none */
	enum mib_source		source;
	/* 0: the struct of the row has the member. Otherwise the row has a pointer at this offset,
	 * to the struct with the member. If the pointer is NULL, the column has no value. */
	uint32_t		block;
	uint32_t		at;		/* offset of the member */
	uint32_t		needs;		/* without one of these bits there is no value */
	uint32_t		needs_at;	/* offset of the bits in that struct */
	mib_get_fn		get;
	enum mib_setting	setting;
};

/* Finds rows by index: sub-identifiers after the column. */
struct mib_rows {
	const char	*name;
	size_t		 levels;	/* ids at the start of the index */
	/* Returns the row with exactly this index, or NULL. */
	const void	*(*get)(const struct mib_rows *rows, struct mib *mib,
			    const uint32_t *index, size_t n);
	/* Returns the first row after 'index', or at it if 'inclusive', with its index in
	 * ret_index[0..*ret_n-1]; NULL after the last row. May skip rows that have none of
	 * the statistics in 'needs' (0: skip no row). */
	const void	*(*next)(const struct mib_rows *rows, struct mib *mib,
			    const uint32_t *index, size_t n, bool inclusive, uint32_t needs,
			    uint32_t *ret_index, size_t *ret_n);
};

struct mib_table {
	const char			*name;		/* of the entry, as in the MIB file */
	uint32_t			 prefix[4];	/* below lbcMIB */
	size_t				 prefix_n;
	const struct mib_rows		*rows;
	const struct mib_column		*columns;
};

extern const struct mib_table mib_tables[];	/* in the order of their OIDs */
extern const size_t mib_tables_count;

extern const struct mib_rows mib_rows_scalar, mib_rows_cluster, mib_rows_service,
    mib_rows_real, mib_rows_job, mib_rows_server, mib_rows_cluster_name,
    mib_rows_service_name, mib_rows_real_name, mib_rows_server_name;

/* The columns of each table in ascending order; an entry with sub 0 ends the array. */
extern const struct mib_column mib_system_columns[], mib_cluster_columns[],
    mib_service_columns[], mib_real_columns[], mib_real_stats_columns[],
    mib_cluster_name_columns[], mib_service_name_columns[], mib_real_name_columns[],
    mib_server_name_columns[], mib_jobs_columns[], mib_job_columns[], mib_notify_columns[],
    mib_server_columns[];

/* Initializers of an entry. */
#define COLUMNS_END { .sub = 0 }
#define INDEX(col, title, syn, low, high)                                   \
	{ .sub = (col), .name = (title), .syntax = (syn), .access = ACCESS_NONE, \
	  .min = (low), .max = (high), .source = SOURCE_NONE }
#define MEMBER(col, title, syn, low, high, src, type, member)               \
	{ .sub = (col), .name = (title), .syntax = (syn), .access = ACCESS_READ, \
	  .min = (low), .max = (high), .source = (src), .at = offsetof(type, member) }
#define MEMBER_RW(col, title, syn, low, high, src, type, member, set)       \
	{ .sub = (col), .name = (title), .syntax = (syn), .access = ACCESS_WRITE, \
	  .min = (low), .max = (high), .source = (src), .at = offsetof(type, member), \
	  .setting = (set) }
#define FUNCTION(col, title, syn, low, high, fn)                            \
	{ .sub = (col), .name = (title), .syntax = (syn), .access = ACCESS_READ, \
	  .min = (low), .max = (high), .source = SOURCE_FUNCTION, .get = (fn) }
#define NAME(col, title, type)                                              \
	MEMBER(col, title, SYNTAX_OCTETS, 1, 64, SOURCE_TEXT, type, row.name)
#define TIME(col, title, type, member)                                      \
	MEMBER(col, title, SYNTAX_OCTETS, 0, 0, SOURCE_TIME, type, member)
#define GAUGE(col, title, type, member)                                     \
	MEMBER(col, title, SYNTAX_UNSIGNED32, 0, 0, SOURCE_U32, type, member)
/* A sum of statistics. It is absent if no real service below the row has the number. */
#define SUM_FROM(col, title, src, type, which)                              \
	{ .sub = (col), .name = (title), .syntax = SYNTAX_UNSIGNED32,       \
	  .access = ACCESS_READ, .source = (src),                           \
	  .at = offsetof(type, sums.number[which]), .needs = 1u << (which), \
	  .needs_at = offsetof(type, sums.present) }
#define SUM(col, title, type, which) SUM_FROM(col, title, SOURCE_SUM, type, which)
#define SUM_KILO(col, title, type, which) SUM_FROM(col, title, SOURCE_SUM_KILO, type, which)
/* A number of the struct cache_statistics 'member'; absent if the number is. */
/* NOLINTBEGIN(bugprone-macro-parentheses): the name of a member cannot be in parentheses. */
#define STAT(col, title, syn, src, type, member, which)                     \
	{ .sub = (col), .name = (title), .syntax = (syn), .access = ACCESS_READ, \
	  .source = (src), .at = offsetof(type, member), .needs = 1u << (which), \
	  .needs_at = offsetof(type, member.present) }
/* NOLINTEND(bugprone-macro-parentheses): end of the macro. */

/* -- names and values (value.c) ----------------------------------------------- */

/* Makes the OID of an instance. */
void mib_name_make(struct mib_oid *ret, const struct mib_table *table, uint32_t column,
    const uint32_t *index, size_t n);

/* Fill a value: with a string that must stay valid (not copied), a formatted copy of at most
 * 255 octets, or a DateAndTime (RFC 2579: 11 octets in UTC; all zero for never). All return
 * true, so that a mib_get_fn can return their result. */
bool mib_value_text(struct mib_value *value, const char *text);
bool mib_value_time(struct mib_value *value, int64_t wall_s);
bool mib_value_printf(struct mib_value *value, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool mib_value_truth(struct mib_value *value, bool truth);
bool mib_value_number(struct mib_value *value, uint32_t number);
/* Latches at 4294967295 as a Gauge32 does (RFC 2578 section 7.1.7). */
bool mib_value_gauge(struct mib_value *value, uint64_t number);
bool mib_value_address_type(struct mib_value *value, const char *address);
bool mib_value_address(struct mib_value *value, const char *address);
bool mib_value_endpoint(struct mib_value *value, const char *address, const char *port);

/* Returns the value of a column in a row; false if the instance does not exist. */
bool mib_column_value(struct mib *mib, const struct mib_column *column, const void *row,
    struct mib_value *ret_value);
/* Returns a hash of the names and values in their order (FNV-1a). */
uint64_t mib_varbinds_digest(const struct mib_varbind *varbinds, size_t n);

/* The ASN.1 type of a syntax. */
enum mib_type mib_syntax_type(enum mib_syntax syntax);

/* -- finding columns (engine.c) -------------------------------------------------- */

/* Splits 'name' into table, column and index. False if no column has this OID. The row may or
 * may not exist. */
bool mib_find(const struct mib_oid *name, const struct mib_table **ret_table,
    const struct mib_column **ret_column, const uint32_t **ret_index, size_t *ret_n);

#endif
