/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * What the files of src/store/postgres share: the server, a session for each of the two databases
 * of a store, and their schemas. Only they and tests include this.
 */
#ifndef STORE_POSTGRES_POSTGRES_PRIVATE_H
#define STORE_POSTGRES_POSTGRES_PRIVATE_H

#include <libpq-fe.h>

#include "store/store_private.h"

/* -- schemas: postgres_schema.c --------------------------------------------------------- */

/*
 * A schema of the database: the inventory, or the statistics. The engine creates the schema with
 * CREATE SCHEMA. The search_path of its session is "SCHEMA, pg_temp". It runs each migration as one
 * simple query (several statements), all in one transaction. Then it writes how many migrations
 * there are to store_row.version. The first migration creates table store_row with its row:
 * id = 1, birth (bigint, random), version.
 *
 * A writer that holds the lock of store_row calls function tally_fold() and ignores its result.
 * Triggers send notifications on the channel that has the name of the schema.
 */
struct postgres_kind {
	const char		*schema;	/* "lbcluster", "lbcluster_statistics" */
	const char *const	*migrations;	/* append-only: [n-1] migrates to version n */
	size_t			 n_migrations;
};

extern const struct postgres_kind postgres_main_kind, postgres_stats_kind;

/* -- the server: postgres_uri.c --------------------------------------------------------- */

enum { POSTGRES_HOSTS_MAX = 16, POSTGRES_OPTIONS_MAX = 40 };

struct postgres_host {
	char	*name;		/* a directory of a socket, a name, or an address; "": of libpq */
	char	*address;	/* of hostaddr, or "" */
	char	*port;
};

/* What a URI names. Both sessions of a store use it. */
struct postgres_server {
	char			*text;		/* "HOST:PORT,HOST:PORT/NAME": db->path */
	char			*note_dir;	/* a local directory for notes of undo.c */
	struct postgres_host	 hosts[POSTGRES_HOSTS_MAX];
	size_t			 n_hosts;
	/* Options of libpq without those that name hosts, and their values. */
	char			*options[POSTGRES_OPTIONS_MAX], *values[POSTGRES_OPTIONS_MAX];
	size_t			 n_options;
	bool			 any;		/* a standby is fine: the program only reads */
	bool			 has_loop;	/* the program: waits POSTGRES_LOOP_MS at most */
	int64_t			 silent_until_ms;	/* a session missed its deadline */
};

enum {
	POSTGRES_LOOP_MS = 250,		/* a transaction of a program with a loop */
	POSTGRES_SILENT_MS = 20,	/* the same soon after the other session missed it */
	POSTGRES_OTHERS_MS = 60000,	/* a statement of other programs */
	POSTGRES_OPEN_MS = 10000,	/* the start of a program, all hosts together */
	POSTGRES_HOST_MS = 2000,	/* a connection to one host */
	POSTGRES_PAUSE_MS = 1000,	/* after all hosts failed */
	POSTGRES_LOCK_MS = 100,		/* lock_timeout outside of a transaction */
};

/* Parses a URI. ERR_INVALID: a syntax error, or a password in the URI. No message contains the
 * URI. postgres_server_free() frees *ret; NULL is allowed. */
enum err_code postgres_server_parse(const char *uri, struct postgres_server **ret,
    struct err *err);
void postgres_server_free(struct postgres_server *server);

/* -- errors: postgres_error.c ------------------------------------------------------------- */

/* Maps a failed result to an error that names the database, the problem and what to do. */
enum err_code postgres_error(const struct db *db, const PGresult *result, struct err *err);
/* The end of a message of a lost connection: that a program with a loop tries again. */
const char *postgres_retry_text(const struct db *db);
/* The first line of a message of libpq, without the newline, cut at 'size'. Returns 'ret'. */
char *postgres_line(const char *message, char *ret, size_t size);

/* -- a session: postgres_session.c ------------------------------------------------------- */

/*
 *   CLOSED --retry_at_ms--> HOST --> LOOKUP --> CONNECT --> SETUP --> READY
 *     ^                     ^          |          |           |         |
 *     '-- no host is left --+--- an error or no answer -------'         |
 *     '---------------------- an error, a missed deadline --------------'
 */
enum postgres_step {
	POSTGRES_CLOSED, POSTGRES_HOST, POSTGRES_LOOKUP, POSTGRES_CONNECT, POSTGRES_SETUP,
	POSTGRES_READY
};

/* The number of the advisory lock of an instance. 'name' is SQL. */
#define POSTGRES_INSTANCE_KEY(name) "hashtextextended('lbclusterd/' || " name ", 0)"

struct postgres_statement;
struct lookup;

struct db_state {
	const struct postgres_kind	*kind;
	struct postgres_server		*server;	/* of the store */
	/* The session takes the advisory lock of the program, or of one instance of it. NULL: no
	 * lock, or the program has no instances. */
	const char			*program, *instance;
	const bool			*in_transaction;	/* of the store; see exchange */

	enum postgres_step		 step;
	PGconn				*connection;	/* from CONNECT on */
	PostgresPollingStatusType	 polling;	/* CONNECT: what the socket waits for */
	struct lookup			*lookup;	/* LOOKUP */
	struct addrinfo			*addresses, *address;	/* of the host; the present one */
	size_t				 host;		/* index of the host that is tried */
	size_t				 setup;		/* SETUP: index of the query */
	int64_t				 host_until_ms;	/* the present host */
	int64_t				 retry_at_ms;	/* CLOSED: not before */
	int64_t				 ready_at_ms;	/* when it became READY */
	struct err			 error;		/* why it is not READY */

	/* what SETUP learned */
	char				 identity[80];	/* system, database, timeline */
	char				 known_identity[80];	/* of the rows that readers have */
	bool				 standby;
	int64_t				 version;	/* of the schema; 0: none; -1: unread */
	int64_t				 birth;		/* also of the last db_begin() */

	int64_t				 until_ms;	/* deadline of the transaction; 0: none */
	size_t				 queued;	/* messages of a pipeline, unanswered */
	bool				 draining;	/* the answer to a ROLLBACK is on its way */
	bool				 snapshot;	/* store_snapshot(): see transaction */
	bool				 writing;	/* since db_begin() of a writer */
	bool				 local_commit;	/* a notice: no standby has the commit */
	int64_t				 notifications;	/* of other sessions */
	int64_t				 changed_rows;
	struct postgres_statement	*statements[SQL_STATEMENTS];	/* NULL: never prepared */
	struct {
		bool	sent;		/* its Parse, in this session */
		size_t	queued_at;	/* its Parse in the pipeline, from 1; 0: answered */
	} prepared[SQL_STATEMENTS];
};

/* postgres_setup.c: writes the next query of SETUP, from query state->setup on. False: there is
 * none. postgres_setup_read() judges a result of that query. */
bool postgres_setup_write(struct db *db, char *sql, size_t size);
enum err_code postgres_setup_read(struct db *db, const PGresult *result, struct err *err);
/* Sets birth and version by a result whose first columns are these of store_row; 0 if it has no
 * row. */
void postgres_store_row_read(struct db_state *state, const PGresult *result);

/* ERR_OK: the session is READY. Otherwise the error of the last attempt to connect. */
enum err_code postgres_session_result(const struct db *db, struct err *err);
/* Goes on with the connection as far as it can without a wait. Returns the same. */
enum err_code postgres_session_step(struct db *db, struct err *err);
/* Does the same and waits until the session is READY or all hosts failed, for 'wait_ms' at most. */
enum err_code postgres_session_wait(struct db *db, int64_t wait_ms, struct err *err);
/* Closes the session, which becomes CLOSED with an error that names 'problem'. Returns ERR_IO. */
enum err_code postgres_session_lose(struct db *db, const char *problem, struct err *err);
void postgres_session_close(struct db *db);

/* -- queries and answers: postgres_exchange.c -------------------------------------------- */

/* Reads notifications that have arrived, without a wait. ERR_IO: the session is lost. */
enum err_code postgres_notifications_read(struct db *db, struct err *err);
/* Reads the answer to a ROLLBACK that is on its way. */
enum err_code postgres_drain(struct db *db, int64_t until_ms, struct err *err);
/* Enters pipeline mode, unless the session is in it. */
enum err_code postgres_queue_begin(struct db *db, struct err *err);
/* Counts a message that was sent in pipeline mode; 'sent' is the result of PQsend...(). */
enum err_code postgres_queue_add(struct db *db, int sent, struct err *err);
/* Makes the session ready for a query: reads the answers to queued statements and to a ROLLBACK.
 * ERR_IO: it is not READY. Other errors are those of a queued statement. */
enum err_code postgres_exchange_begin(struct db *db, struct err *err);
/* Waits for the answer to a query, until the deadline. 'sent' is the result of PQsend...(). ERR_OK
 * with the last result, for PQclear(), or the error of the first result that failed. */
enum err_code postgres_exchange_end(struct db *db, int sent, PGresult **ret, struct err *err);
/* Runs SQL without parameters. 'ret' may be NULL. */
enum err_code postgres_exec(struct db *db, const char *sql, PGresult **ret, struct err *err);
/* Runs "COPY ... FROM STDIN" with its 'n' bytes. */
enum err_code postgres_copy_in(struct db *db, const char *sql, const char *bytes, size_t n,
    struct err *err);
/* Sets the deadline of a transaction that begins. */
void postgres_deadline_set(struct db *db);
/* Sends ROLLBACK, and does not wait for the answer. */
void postgres_rollback_send(struct db *db);

/* -- functions of struct db_engine --------------------------------------------------------- */

/* postgres_statement.c */
extern const struct sql_word postgres_dialect[];	/* for sql_build() */
enum err_code postgres_query(struct db *db, unsigned int sql, const struct db_value *values,
    size_t n, struct db_statement **ret_stmt, struct err *err);
enum err_code postgres_queue(struct db *db, unsigned int sql, const struct db_value *values,
    size_t n, struct err *err);
enum err_code postgres_next(struct db *db, struct db_statement *stmt, bool *ret_row,
    struct err *err);
void postgres_reset(struct db_statement *stmt);
enum err_code postgres_insert(struct db *db, unsigned int sql, const struct db_value *values,
    size_t n, int64_t *ret_id, struct err *err);
void postgres_statements_free(struct db_state *state);
/* postgres_text.c: copies a text, with '?' for each byte that is not part of a character of UTF-8.
 * The caller frees the copy. NULL: out of memory. */
char *postgres_utf8_copy(const char *text);

/* postgres_rows.c */
enum err_code postgres_rows_put(struct db *db, enum shape_id id, const void *rows, size_t n,
    size_t size, struct err *err);

/* postgres_transaction.c */
enum err_code postgres_begin(struct db *db, enum db_begin how, struct err *err);
enum err_code postgres_commit(struct db *db, struct err *err);
void postgres_rollback(struct db *db);
/* Begins the transaction of store_snapshot(), in which all later reads see one moment. A write
 * transaction interrupts it. */
enum err_code postgres_snapshot_begin(struct db *db, struct err *err);

/* postgres_load.c: functions of struct store_engine */
enum err_code postgres_load_begin(struct store *store, struct err *err);
enum err_code postgres_load_rows(struct store *store, struct copy_rows *rows, struct err *err);
enum err_code postgres_load_end(struct store *store, const struct copy_totals *totals,
    struct err *err);
enum err_code postgres_describe(struct store *store, struct store_description *ret,
    struct err *err);

/* postgres_engine.c */
extern const struct db_engine postgres_engine;

/* -- postgres_create.c -------------------------------------------------------------------- */

/* Checks the version of the schema of a READY session. 'mode' STORE_CREATE creates a missing
 * schema; other modes than STORE_READ migrate an older one. ERR_NOT_FOUND, ERR_NEWER,
 * ERR_INVALID. */
enum err_code postgres_schema_check(struct db *db, enum store_mode mode, struct err *err);

#endif
