/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the text of HAProxy's Runtime API: haproxy_answer.c, haproxy_table.c,
 * haproxy_command.c and haproxy_server.c of src/plane/haproxy.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plane/haproxy/haproxy.h"
#include "plane/haproxy/haproxy_command.h"

#define LEVEL "admin\n\n"
#define INFO "Name: HAProxy\nVersion: 2.6.12\nPid: 77\nStart_time_sec: 1000\n\n"
#define STAT_HEAD                                                              \
	"# pxname,svname,scur,stot,bin,bout,status,bck,tracked,type,rate,"     \
	"check_status,check_code,last_chk,last_agt,mode,\n"
#define STATE_HEAD                                                             \
	"1\n# be_id be_name srv_id srv_name srv_addr srv_op_state "            \
	"srv_admin_state srv_uweight srv_fqdn srv_port srvrecord srv_check_state\n"
#define SERVER_A "web,a,3,40,500,600,UP,0,,2,7,L4OK,,,,http,\n"
#define WHOLE                                                                  \
	LEVEL INFO STAT_HEAD SERVER_A                                          \
	"web,BACKEND,3,40,500,600,UP,0,,1,7,,,,,http,\n\n"                     \
	STATE_HEAD "2 web 1 a 10.0.0.1 2 0 10 - 80 - 6\n\n\n"

struct parsed {
	char			*text;
	struct haproxy_view	 view;
	struct err		 err;
};

/* Copies the text to a block of its size, so that tools see reads after its end. */
static enum err_code
parse(struct parsed *parsed, const char *text)
{
	size_t length = strlen(text);

	memset(parsed, 0, sizeof(*parsed));
	parsed->text = malloc(length + 1);
	assert_non_null(parsed->text);
	memcpy(parsed->text, text, length + 1);
	return haproxy_view_parse(parsed->text, length, &parsed->view, &parsed->err);
}

static void
done(struct parsed *parsed)
{
	haproxy_view_done(&parsed->view);
	free(parsed->text);
}

static void
assert_refused(const char *text, const char *message)
{
	struct parsed parsed;

	assert_int_equal(parse(&parsed, text), ERR_INVALID);
	if (strstr(parsed.err.text, message) == NULL)
		fail_msg("\"%s\" has no \"%s\"", parsed.err.text, message);
	free(parsed.text);
}

/* -- answers -------------------------------------------------------------------------- */

static void
answer_is_parsed(void **state)
{
	const struct haproxy_server *a;
	struct parsed parsed;

	(void)state;
	assert_int_equal(parse(&parsed, WHOLE), ERR_OK);
	assert_int_equal(parsed.view.identity.pid, 77);
	assert_int_equal(parsed.view.identity.start_time, 1000);
	assert_string_equal(parsed.view.version, "2.6.12");
	assert_int_equal(parsed.view.level, HAPROXY_LEVEL_ADMIN);
	assert_int_equal(parsed.view.n_servers, 1);
	assert_int_equal(parsed.view.n_backends, 1);
	assert_string_equal(parsed.view.backends[0].name, "web");
	assert_string_equal(parsed.view.backends[0].mode, "http");
	a = &parsed.view.servers[0];
	assert_string_equal(a->backend, "web");
	assert_string_equal(a->name, "a");
	assert_string_equal(a->address, "10.0.0.1");
	assert_string_equal(a->port, "80");
	assert_string_equal(a->srv_record, "");
	assert_int_equal(a->counts.number[STAT_ACTIVE_CONNECTIONS], 3);
	assert_int_equal(a->counts.number[STAT_TOTAL_CONNECTIONS], 40);
	assert_int_equal(a->counts.number[STAT_TOTAL_OCTETS_IN], 500);
	assert_int_equal(a->counts.number[STAT_TOTAL_OCTETS_OUT], 600);
	assert_int_equal(a->counts.number[STAT_CONNECTIONS_PER_SECOND], 7);
	assert_true(a->has_state);
	assert_int_equal(a->weight, 10);
	assert_string_equal(a->fqdn, "");
	done(&parsed);
}

static void
answer_columns_are_found_by_name(void **state)
{
	struct parsed parsed;

	(void)state;
	assert_int_equal(parse(&parsed, INFO "# pxname,new,svname,type,mode,last_agt,last_chk,"
	    "check_code,check_status,rate,tracked,bck,status,bout,bin,stot,scur,\n"
	    "web,?,a,2,tcp,,\"no, \"\"never\"\"\",,* L4CON,1,,1,DOWN,5,4,3,2,\n\n"
	    "1\n# be_id srv_check_state srvrecord srv_port srv_uweight srv_name be_name more "
	    "srv_fqdn srv_admin_state srv_addr srv_op_state\n"
	    "1 4 _x._tcp.example 0 9 a web ? host.example 5 - 0\n\n"), ERR_OK);
	assert_int_equal(parsed.view.level, HAPROXY_LEVEL_UNKNOWN);
	assert_string_equal(parsed.view.servers[0].address, "");
	assert_string_equal(parsed.view.servers[0].port, "");
	assert_string_equal(parsed.view.servers[0].srv_record, "_x._tcp.example");
	assert_int_equal(parsed.view.servers[0].check_state, 4);
	assert_int_equal(parsed.view.n_servers, 1);
	assert_string_equal(parsed.view.servers[0].last_check, "no, \"never\"");
	assert_string_equal(parsed.view.servers[0].check_status, "L4CON");
	assert_string_equal(parsed.view.servers[0].fqdn, "host.example");
	assert_true(parsed.view.servers[0].backup);
	assert_int_equal(parsed.view.servers[0].counts.number[STAT_ACTIVE_CONNECTIONS], 2);
	assert_int_equal(parsed.view.servers[0].counts.number[STAT_TOTAL_OCTETS_OUT], 5);
	assert_int_equal(parsed.view.servers[0].admin_state, 5);
	assert_int_equal(parsed.view.servers[0].op_state, 0);
	assert_int_equal(parsed.view.servers[0].weight, 9);
	done(&parsed);
}

#define MORE_HEAD                                                              \
	"# pxname,svname,scur,stot,bin,bout,status,bck,tracked,type,rate,"     \
	"check_status,check_code,last_chk,last_agt,mode,qcur,slim,econ,eresp,req_tot,hrsp_4xx," \
	"hrsp_5xx,rtime,ctime,qtime,check_duration,chkfail,algo,\n"
#define MORE                                                                   \
	LEVEL INFO MORE_HEAD                                                   \
	"web,a,3,40,500,600,UP,0,,2,7,L7STS,503,,,http,11,12,13,14,15,16,17,18,19,20,21,22,,\n" \
	"web,BACKEND,3,40,500,600,UP,0,,1,7,,,,,http,31,32,33,34,35,36,37,38,39,40,,,leastconn,\n" \
	"db,a,3,40,500,600,UP,0,,2,7,L4OK,,,,tcp,0,,0,0,,,,0,5,6,,,,\n"         \
	"db,BACKEND,3,41,500,600,UP,0,,1,7,,,,,tcp,0,200,0,0,,,,0,5,6,,,,\n\n"  \
	STATE_HEAD "2 web 1 a 10.0.0.1 2 0 10 - 80 - 6\n\n\n"

static void
counts_are_those_of_the_row(void **state)
{
	static const uint64_t of_server[STAT_NUMBERS] = {
		[STAT_ACTIVE_CONNECTIONS] = 3, [STAT_CONNECTIONS_PER_SECOND] = 7,
		[STAT_TOTAL_CONNECTIONS] = 40, [STAT_TOTAL_OCTETS_IN] = 500,
		[STAT_TOTAL_OCTETS_OUT] = 600, [STAT_QUEUED_CONNECTIONS] = 11,
		[STAT_CONNECTION_LIMIT] = 12, [STAT_CONNECTION_ERRORS] = 13,
		[STAT_RESPONSE_ERRORS] = 14, [STAT_REQUESTS] = 15, [STAT_HTTP_4XX] = 16,
		[STAT_HTTP_5XX] = 17, [STAT_RESPONSE_TIME_MS] = 18, [STAT_CONNECT_TIME_MS] = 19,
		[STAT_QUEUE_TIME_MS] = 20, [STAT_CHECK_DURATION_MS] = 21,
		[STAT_CHECK_FAILURES] = 22, [STAT_CHECK_CODE] = 503,
	};
	static const uint32_t packets = 1u << STAT_TOTAL_PACKETS_IN | 1u << STAT_TOTAL_PACKETS_OUT;
	static const uint32_t of_http = 1u << STAT_REQUESTS | 1u << STAT_HTTP_4XX |
	    1u << STAT_HTTP_5XX | 1u << STAT_RESPONSE_TIME_MS;
	const struct haproxy_backend *web, *db;
	const struct plane_counts *counts;
	struct parsed parsed;

	(void)state;
	assert_int_equal(parse(&parsed, MORE), ERR_OK);
	counts = &parsed.view.servers[1].counts;
	for (int i = 0; i < STAT_NUMBERS; i++) {
		assert_int_equal(counts->number[i], of_server[i]);
		assert_int_equal((counts->present & 1u << i) != 0, of_server[i] != 0);
	}
	web = haproxy_view_backend(&parsed.view, "web");
	db = haproxy_view_backend(&parsed.view, "db");
	assert_non_null(web);
	assert_non_null(db);
	assert_null(haproxy_view_backend(&parsed.view, "dba"));
	assert_string_equal(web->algorithm, "leastconn");
	assert_int_equal(web->counts.present, STAT_SERVICE_MASK & ~packets);
	assert_int_equal(web->counts.number[STAT_HTTP_5XX], 37);
	assert_int_equal(web->counts.number[STAT_CONNECTION_ERRORS], 33);
	assert_int_equal(web->counts.number[STAT_QUEUED_CONNECTIONS], 31);
	assert_int_equal(web->counts.number[STAT_RESPONSE_TIME_MS], 38);
	assert_string_equal(db->algorithm, "");
	assert_int_equal(db->counts.number[STAT_TOTAL_CONNECTIONS], 41);
	assert_int_equal(db->counts.present, STAT_SERVICE_MASK & ~packets & ~of_http);
	counts = &parsed.view.servers[0].counts;
	assert_int_equal(counts->present & (of_http | 1u << STAT_CONNECTION_LIMIT |
	    1u << STAT_CHECK_CODE | 1u << STAT_CHECK_FAILURES), 0);
	assert_true(counts->present & 1u << STAT_CONNECT_TIME_MS);
	done(&parsed);
}

/* An answer that is cut off at any byte is refused. */
static void
answer_that_is_cut_off_is_refused(void **state)
{
	static const char whole[] = WHOLE;
	struct parsed parsed;
	char text[sizeof(whole)];

	(void)state;
	/* Its last empty line may be missing. */
	for (size_t length = 1; length < sizeof(whole) - 2; length++) {
		char message[64];

		memcpy(text, whole, length);
		text[length] = '\0';
		if (parse(&parsed, text) != ERR_INVALID)
			fail_msg("accepted after %zu bytes of %zu", length, sizeof(whole) - 1);
		snprintf(message, sizeof(message), "its answer is cut off after %zu bytes", length);
		if (length > strlen("admin") && strcmp(parsed.err.text, message) != 0)
			fail_msg("%zu bytes: \"%s\"", length, parsed.err.text);
		free(parsed.text);
	}
}

static void
answer_of_haproxy_without_servers_is_empty(void **state)
{
	struct parsed parsed;

	(void)state;
	assert_int_equal(parse(&parsed, INFO STAT_HEAD "\n" STATE_HEAD "\n"), ERR_OK);
	assert_int_equal(parsed.view.n_servers, 0);
	done(&parsed);
}

static void
answer_server_without_state_is_marked(void **state)
{
	struct parsed parsed;

	(void)state;
	assert_int_equal(parse(&parsed, INFO STAT_HEAD SERVER_A "\n" STATE_HEAD
	    "2 web 2 late - 2 0 10 - 0 - 0\n\n"), ERR_OK);
	assert_int_equal(parsed.view.n_servers, 1);
	assert_false(parsed.view.servers[0].has_state);
	done(&parsed);
}

static void
answer_that_is_invalid_is_refused_with_its_cause(void **state)
{
	(void)state;
	assert_refused("", "its answer is empty");
	assert_refused("\n\n", "cut off after 2 bytes");
	assert_refused("Permission denied\n\n", "Permission denied");
	assert_refused("\xff\x01HTTP", "??HTTP");
	assert_refused(INFO STAT_HEAD SERVER_A "\n" STATE_HEAD
	    "2 web 1 a - 2 0 \xff\x9b" "31m - 0 - 0\n\n", "\"??31m\" for a number");
	assert_refused(INFO, "cut off");
	assert_refused(INFO STAT_HEAD SERVER_A "\n", "cut off");
	assert_refused(LEVEL "Na", "cut off");
	assert_refused(INFO STAT_HEAD SERVER_A "\nPermission denied\n\n", "Permission denied");
	assert_refused(INFO "# pxname,svname,\n\n" STATE_HEAD "\n", "no column type");
	assert_refused(INFO STAT_HEAD SERVER_A "\n1\n# be_id be_name\n\n", "no column srv_name");
	assert_refused(INFO STAT_HEAD "web\n\n" STATE_HEAD "\n", "has 1 values");
	assert_refused(INFO STAT_HEAD "web,a,3,40,500,600,UP,0,2,7,L4OK,,,,http,\n\n" STATE_HEAD
	    "\n", "has 16 values, its header has 17");
	assert_refused(INFO STAT_HEAD "web,a,3,40,500,600,UP,0,,2,7,L4OK,,,,http,,\n\n" STATE_HEAD
	    "\n", "has 18 values, its header has 17");
	assert_refused(INFO STAT_HEAD ",a,3,40,500,600,UP,0,,2,7,L4OK,,,,http,\n\n" STATE_HEAD
	    "\n", "no pxname");
	assert_refused(INFO STAT_HEAD "web,\"a,3\n\n" STATE_HEAD "\n", "quotation mark");
	assert_refused(INFO STAT_HEAD "web,\"a\"b,3\n\n" STATE_HEAD "\n", "quotation mark");
	assert_refused(INFO STAT_HEAD SERVER_A "\n" STATE_HEAD "2 web 1 a\n\n",
	    "has 4 values, its header has 12");
	assert_refused(INFO STAT_HEAD SERVER_A "\n" STATE_HEAD
	    "2 web 1 a - 2 -1 10 - 0 - 0\n\n", "\"-1\" for a number");
}

/* -- servers ---------------------------------------------------------------------------- */

static struct haproxy_server
server_of(uint32_t op, uint32_t admin)
{
	return (struct haproxy_server){ .backend = "web", .name = "a", .status = "?",
	    .check_status = "", .check_code = "", .last_check = "", .last_agent = "",
	    .tracked = "", .address = "10.0.0.1", .port = "80", .fqdn = "", .srv_record = "",
	    .op_state = op, .admin_state = admin, .has_state = true, .weight = 4 };
}

static void
assert_server(uint32_t op, uint32_t admin, enum plane_state state, bool up, bool blocked)
{
	const struct haproxy_server server = server_of(op, admin);
	struct haproxy_found ret;

	haproxy_server_read(&server, &ret);
	assert_int_equal(ret.server.state, state);
	assert_int_equal(ret.server.up, up);
	assert_int_equal(ret.server.blocked, blocked);
	assert_string_equal(ret.server.endpoint.address, "10.0.0.1");
	assert_string_equal(ret.server.other_endpoint.port, "80");
	assert_null(ret.server.missing_at);
}

/* doc/haproxy-states.txt has the same states. */
static void
server_state_follows_haproxy_states_txt(void **state)
{
	(void)state;
	assert_server(HAPROXY_RUNNING, 0, PLANE_READY, true, false);
	assert_server(HAPROXY_STARTING, 0, PLANE_READY, true, false);
	assert_server(HAPROXY_STOPPED, 0, PLANE_READY, false, false);
	assert_server(HAPROXY_STOPPING, 0, PLANE_READY, false, false);
	assert_server(HAPROXY_STOPPED, HAPROXY_FORCED_MAINT, PLANE_OUT, false, false);
	assert_server(HAPROXY_STOPPED, HAPROXY_INHERITED_MAINT, PLANE_READY, false, true);
	assert_server(HAPROXY_RUNNING, HAPROXY_CONFIGURED_MAINT, PLANE_READY, true, false);
	assert_server(HAPROXY_RUNNING, HAPROXY_FORCED_DRAIN, PLANE_DRAIN, true, false);
	assert_server(HAPROXY_RUNNING, HAPROXY_INHERITED_DRAIN, PLANE_READY, true, true);
	assert_server(HAPROXY_STOPPED, HAPROXY_RESOLUTION_MAINT, PLANE_READY, false, true);
	assert_server(HAPROXY_RUNNING, HAPROXY_NAME_SET, PLANE_READY, true, false);
	assert_server(HAPROXY_STOPPED, HAPROXY_NAME_SET | HAPROXY_RESOLUTION_MAINT,
	    PLANE_READY, false, true);
}

static void
reason_is(const struct haproxy_server *server, const char *message)
{
	struct haproxy_found ret;

	haproxy_server_read(server, &ret);
	assert_string_equal(ret.server.message, message);
}

/* States of templates with a name and with a SRV record, as seen with HAProxy 2.6.12. */
static void
server_of_a_template_has_a_pool(void **state)
{
	static const struct {
		uint32_t	 admin;
		const char	*fqdn, *srv_record, *pool;
		bool		 no_address;
	} cases[] = {
		{ 0, "", "", "", false },
		{ 0, "app.test", "", "app.test", false },
		{ HAPROXY_RESOLUTION_MAINT, "app.test", "", "app.test", true },
		{ HAPROXY_NAME_SET, "p1.test", "_app._tcp.test", "_app._tcp.test", false },
		{ HAPROXY_RESOLUTION_MAINT, "", "_app._tcp.test", "_app._tcp.test", true },
		{ HAPROXY_NAME_SET | HAPROXY_RESOLUTION_MAINT, "", "_app._tcp.test",
		    "_app._tcp.test", true },
		/* A target that does not resolve is a missing server. */
		{ HAPROXY_NAME_SET | HAPROXY_RESOLUTION_MAINT, "p1.test", "_app._tcp.test", "",
		    true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct haproxy_server server = server_of(HAPROXY_RUNNING, cases[i].admin);
		struct haproxy_found ret;

		server.fqdn = cases[i].fqdn;
		server.srv_record = cases[i].srv_record;
		haproxy_server_read(&server, &ret);
		assert_string_equal(ret.pool, cases[i].pool);
		assert_int_equal(ret.no_address, cases[i].no_address);
	}
}

/* -- servers of the rows ------------------------------------------------------------------ */

enum { A, B, F, G, FOUND };

/* Matches four servers of the service "http", and one of "other", with the rows of the store. */
static void
match(struct haproxy_found found[FOUND + 1], const struct plane_target *targets, size_t n,
    struct plane_poll *poll)
{
	static const char *const names[] = { "a", "b", "f", "g" };
	struct haproxy_targets rows = { 0 };

	for (size_t i = 0; i < FOUND; i++)
		found[i].name = (struct plane_name){ "http", names[i] };
	found[FOUND].name = (struct plane_name){ "other", "a" };
	for (size_t i = 0; i <= FOUND; i++) {
		if (found[i].pool == NULL)
			found[i].pool = "";
		found[i].server.exists = true;
		found[i].server.weight = (uint32_t)i;
		found[i].known = false;
	}
	assert_true(haproxy_targets_set(&rows, targets, n));
	assert_true(haproxy_match(&rows, found, FOUND + 1, poll));
	haproxy_targets_done(&rows);
}

static void
poll_free(struct plane_poll *poll)
{
	free(poll->servers);
	free(poll->unknown);
}

static void
servers_have_the_order_of_the_rows(void **state)
{
	static const struct plane_target targets[] = {
		{ .is_service = true, .name = "more" }, { .name = "a" },
		{ .is_service = true, .name = "http" }, { .name = "g" }, { .name = "zz" },
		{ .name = "a" },
	};
	struct haproxy_found found[FOUND + 1];
	struct plane_poll poll = { 0 };

	(void)state;
	memset(found, 0, sizeof(found));
	match(found, targets, 6, &poll);
	assert_false(poll.servers[0].exists);
	assert_int_equal(poll.servers[1].weight, G);
	assert_false(poll.servers[2].exists);
	assert_int_equal(poll.servers[3].weight, A);
	/* A service that the store does not have is not compared. */
	assert_int_equal(poll.n_unknown, 2);
	assert_string_equal(poll.unknown[0].real, "b");
	assert_string_equal(poll.unknown[1].real, "f");
	poll_free(&poll);
}

static enum real_role
role_of(struct haproxy_found *found, int i)
{
	static const struct plane_target targets[] = {
		{ .is_service = true, .name = "http" }, { .name = "a" }, { .name = "b" },
		{ .name = "f" }, { .name = "g" },
	};
	struct plane_poll poll = { 0 };
	enum real_role role;

	for (int j = 0; j < FOUND; j++)
		found[j].server.role = j == F ? ROLE_BACKUP : ROLE_MEMBER;
	match(found, targets, FOUND + 1, &poll);
	role = poll.servers[i].role;
	if (role == ROLE_SPARE)
		assert_string_equal(poll.servers[i].message,
		    "spare place of a template: app.test has no address for it");
	poll_free(&poll);
	return role;
}

static void
server_without_an_address_is_spare_beside_others_of_its_pool(void **state)
{
	struct haproxy_found found[FOUND + 1];

	(void)state;
	memset(found, 0, sizeof(found));
	found[A].pool = found[B].pool = found[F].pool = "app.test";
	found[G].pool = "other.test";
	found[B].no_address = found[F].no_address = found[G].no_address = true;
	assert_int_equal(role_of(found, A), ROLE_MEMBER);
	assert_int_equal(role_of(found, B), ROLE_SPARE);
	assert_int_equal(role_of(found, F), ROLE_SPARE);
	/* No other place of its name has an address: it is not a spare place. */
	assert_int_equal(role_of(found, G), ROLE_MEMBER);
	found[A].no_address = true;
	assert_int_equal(role_of(found, B), ROLE_MEMBER);
	assert_int_equal(role_of(found, F), ROLE_BACKUP);
	/* A server without a name in the DNS is not a place of a template. */
	found[A].pool = found[B].pool = "";
	found[A].no_address = false;
	assert_int_equal(role_of(found, B), ROLE_MEMBER);
}

static void
server_has_its_own_check(void **state)
{
	struct haproxy_server server = server_of(HAPROXY_RUNNING, 0);
	struct haproxy_found ret;

	(void)state;
	server.check_status = "";
	haproxy_server_read(&server, &ret);
	assert_false(ret.server.checked);
	assert_false(ret.server.check_pending);
	server.check_state = 6;
	server.check_status = "INI";
	haproxy_server_read(&server, &ret);
	assert_true(ret.server.checked);
	assert_true(ret.server.check_pending);
	server.check_status = "L4CON";
	haproxy_server_read(&server, &ret);
	assert_false(ret.server.check_pending);
	/* In MAINT, and after "disable health". */
	server.check_state = 14;
	server.check_status = "";
	haproxy_server_read(&server, &ret);
	assert_true(ret.server.checked);
	server.check_state = 2;
	haproxy_server_read(&server, &ret);
	assert_false(ret.server.checked);
}

static void
server_reason_names_the_cause(void **state)
{
	struct haproxy_server server;

	(void)state;
	server = server_of(HAPROXY_RUNNING, HAPROXY_NAME_SET | HAPROXY_CONFIGURED_MAINT);
	reason_is(&server, "");
	server = server_of(HAPROXY_STOPPED, HAPROXY_FORCED_MAINT);
	reason_is(&server, "MAINT by command");
	server.last_agent = "maint";
	reason_is(&server, "MAINT by command or agent");
	server.admin_state |= HAPROXY_CONFIGURED_MAINT;
	reason_is(&server, "MAINT by HAProxy's configuration");
	server = server_of(HAPROXY_STOPPED, HAPROXY_RESOLUTION_MAINT);
	reason_is(&server, "MAINT: HAProxy has no address for it");
	server.srv_record = "_app._tcp.example";
	reason_is(&server, "MAINT: SRV record _app._tcp.example has no target for it");
	server.fqdn = "host.example";
	reason_is(&server, "MAINT: host.example does not resolve");
	server = server_of(HAPROXY_STOPPED, HAPROXY_INHERITED_MAINT);
	server.tracked = "web/b";
	reason_is(&server, "MAINT: tracks web/b, which is MAINT");
	server.admin_state = 0;
	reason_is(&server, "DOWN: tracks web/b, which is DOWN");
	server.op_state = HAPROXY_STOPPING;
	reason_is(&server, "NOLB: tracks web/b, which is NOLB");
	server.op_state = HAPROXY_RUNNING;
	server.admin_state = HAPROXY_INHERITED_DRAIN;
	reason_is(&server, "DRAIN: tracks web/b, which is DRAIN");
}

static void
server_reason_of_checks_names_the_cause(void **state)
{
	struct haproxy_server server = server_of(HAPROXY_STOPPED, 0);

	(void)state;
	server.status = "DOWN";
	reason_is(&server, "DOWN by command or agent");
	server.check_status = "L4CON";
	server.last_check = "Connection refused";
	reason_is(&server, "L4CON Connection refused");
	server.check_status = "L7STS";
	server.check_code = "503";
	server.last_check = "caf\xc3\xa9\n";
	reason_is(&server, "L7STS 503 caf\xc3\xa9?");
	server.check_status = "L7OK";
	server.check_code = "200";
	server.last_check = "";
	reason_is(&server, "DOWN by command or agent: its check passes");
	server.status = "DOWN 8/100";
	reason_is(&server, "DOWN 8/100: its check passes again, not yet often enough");
	server.status = "DOWN (agent)";
	reason_is(&server, "DOWN by agent");
	server.last_agent = "via agent : down (maintenance)";
	reason_is(&server, "DOWN by agent: down (maintenance)");
	server.op_state = HAPROXY_STOPPING;
	reason_is(&server, "NOLB by command or agent: no new work");
	server.check_status = "L7OKC";
	reason_is(&server, "NOLB by its check: no new work");
}

/* -- commands ----------------------------------------------------------------------------- */

enum { NAMES = 300 };

static struct plane_name command_names[NAMES];

static struct plane_command
command_of(const char *service, const char *real, enum plane_command_kind kind, uint32_t value)
{
	static size_t at;

	at = (at + 1) % NAMES;
	command_names[at] = (struct plane_name){ service, real };
	return (struct plane_command){ .at = at, .kind = kind, .value = value,
	    .cause = JOB_CAUSE_NONE };
}

/* The process of the poll before. */
static const struct haproxy_identity polled = { .pid = 77, .start_time = 1000 };

#define SHOW_INFO "Name: HAProxy\nPid: 77\nStopping: 0\nStart_time_sec: 1000\n\n"

static void
command_line_has_the_commands(void **state)
{
	const struct plane_command commands[] = {
		command_of("web", "a", PLANE_COMMAND_WEIGHT, 256),
		command_of("web", "a", PLANE_COMMAND_STATE, PLANE_READY),
		command_of("web", "b", PLANE_COMMAND_STATE, PLANE_DRAIN),
		command_of("web", "c.d_e-f", PLANE_COMMAND_STATE, PLANE_OUT),
		command_of("web", "b", PLANE_COMMAND_END_SESSIONS, 0),
	};
	static const char expected[] = "set server web/a weight 256;set server web/a state ready;"
	    "set server web/b state drain;set server web/c.d_e-f state maint;"
	    "shutdown sessions server web/b;show info\n";
	char line[HAPROXY_LINE_MAX];
	size_t length;

	(void)state;
	assert_int_equal(haproxy_command_line(commands, 5, command_names, line, &length), 5);
	assert_int_equal(length, sizeof(expected) - 1);
	assert_memory_equal(line, expected, length);
}

/* A name that needs quotes could contain another command. */
static void
command_with_an_invalid_name_is_not_written(void **state)
{
	static const char *const names[] = { "", "a b", "a;show env", "a\nb", "a\\b", "a/b",
	    "a:b" };
	char line[HAPROXY_LINE_MAX];
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct plane_command commands[] = {
			command_of("web", "a", PLANE_COMMAND_WEIGHT, 1),
			command_of("web", names[i], PLANE_COMMAND_WEIGHT, 1),
			command_of(names[i], "a", PLANE_COMMAND_WEIGHT, 1),
		};

		for (size_t at = 0; at < 3; at++)
			assert_int_equal(haproxy_command_line(commands + at, 3 - at,
			    command_names, line, &length), at == 0 ? 1 : 0);
	}
}

static void
command_line_is_never_too_long(void **state)
{
	struct plane_command commands[300];
	char name[MODEL_NAME_MAX + 1], line[HAPROXY_LINE_MAX];
	size_t done = 0;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[MODEL_NAME_MAX] = '\0';
	for (size_t i = 0; i < 300; i++)
		commands[i] = command_of(name, name, PLANE_COMMAND_STATE, PLANE_READY);
	while (done < 300) {
		size_t length, n = haproxy_command_line(commands + done, 300 - done, command_names,
		    line, &length);

		assert_true(n > 0);
		assert_true(length <= HAPROXY_LINE_MAX);
		assert_int_equal(line[length - 1], '\n');
		done += n;
	}
	assert_int_equal(done, 300);
}

static void
command_results_belong_to_their_commands(void **state)
{
	char answer[] = "\nNo such server.\n\nNo such backend.\n\n\n"
	    "Absolute weight can only be between 0 and 256 inclusive.\n\nPermission denied\n\n"
	    "Proxy is disabled.\n\n" SHOW_INFO;
	struct plane_command commands[7];
	char whole[sizeof(answer)];

	(void)state;
	memcpy(whole, answer, sizeof(answer));
	answer[strlen(answer) - strlen(SHOW_INFO)] = '\0';
	for (size_t i = 0; i < 7; i++)
		commands[i] = command_of("web", "a", PLANE_COMMAND_WEIGHT, 1);
	assert_false(haproxy_command_results(answer, strlen(answer), &polled, commands, 7));
	assert_int_equal(commands[1].cause, JOB_CAUSE_UNREACHABLE);	/* no "show info" */
	for (size_t i = 0; i < 7; i++)
		commands[i] = command_of("web", "a", PLANE_COMMAND_WEIGHT, 1);
	assert_true(haproxy_command_results(whole, strlen(whole), &polled, commands, 7));
	assert_int_equal(commands[0].cause, JOB_CAUSE_NONE);
	assert_int_equal(commands[1].cause, JOB_CAUSE_NOT_FOUND);
	assert_string_equal(commands[1].message, "HAProxy: No such server.");
	assert_int_equal(commands[2].cause, JOB_CAUSE_NOT_FOUND);
	assert_int_equal(commands[3].cause, JOB_CAUSE_NONE);
	assert_int_equal(commands[4].cause, JOB_CAUSE_REJECTED);
	assert_int_equal(commands[5].cause, JOB_CAUSE_REJECTED);
	assert_int_equal(commands[6].cause, JOB_CAUSE_UNREACHABLE);
	assert_string_equal(commands[6].message, "HAProxy: Proxy is disabled.");
}

/* A process that stops, or another process than that of the poll, has no final answer. */
static void
command_result_of_another_process_is_not_a_refusal(void **state)
{
	static const struct {
		const char	*info;
		bool		 holds;
	} cases[] = {
		{ SHOW_INFO, true },
		{ "Name: HAProxy\nPid: 77\nStopping: 1\nStart_time_sec: 1000\n\n", false },
		{ "Name: HAProxy\nPid: 78\nStopping: 0\nStart_time_sec: 1000\n\n", false },
		{ "Name: HAProxy\nPid: 77\nStopping: 0\nStart_time_sec: 1001\n\n", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct plane_command commands[] = {
			command_of("web", "a", PLANE_COMMAND_WEIGHT, 1),
			command_of("web", "b", PLANE_COMMAND_WEIGHT, 1),
		};
		char answer[200];

		snprintf(answer, sizeof(answer), "\nNo such server.\n\n%s", cases[i].info);
		assert_int_equal(haproxy_command_results(answer, strlen(answer), &polled,
		    commands, 2), cases[i].holds);
		assert_int_equal(commands[0].cause, JOB_CAUSE_NONE);
		assert_int_equal(commands[1].cause, cases[i].holds ? JOB_CAUSE_NOT_FOUND :
		    JOB_CAUSE_UNREACHABLE);
	}
}

/* The rest of a message that is cut off is not known. */
static void
command_result_that_is_cut_off_is_not_a_refusal(void **state)
{
	static const char *const answers[] = { "\nNo such serv", "\nNo such server.",
	    "\nNo such server.\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct plane_command commands[] = {
			command_of("web", "a", PLANE_COMMAND_WEIGHT, 1),
			command_of("web", "b", PLANE_COMMAND_WEIGHT, 1),
		};
		char answer[32];

		snprintf(answer, sizeof(answer), "%s", answers[i]);
		assert_false(haproxy_command_results(answer, strlen(answer), &polled, commands,
		    2));
		assert_int_equal(commands[0].cause, JOB_CAUSE_NONE);
		assert_int_equal(commands[1].cause, JOB_CAUSE_UNREACHABLE);
		assert_string_equal(commands[1].message, "HAProxy's answer is cut off");
	}
}

/* The processes of a pair answer one after the other. */
static void
command_result_keeps_the_first_refusal(void **state)
{
	struct plane_command command = command_of("web", "a", PLANE_COMMAND_WEIGHT, 1);
	char no[] = "Permission denied\n\n" SHOW_INFO, yes[] = "\n" SHOW_INFO;

	(void)state;
	assert_true(haproxy_command_results(no, strlen(no), &polled, &command, 1));
	assert_true(haproxy_command_results(yes, strlen(yes), &polled, &command, 1));
	assert_int_equal(command.cause, JOB_CAUSE_REJECTED);
	assert_string_equal(command.message, "HAProxy: Permission denied");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_is_parsed),
		cmocka_unit_test(answer_columns_are_found_by_name),
		cmocka_unit_test(counts_are_those_of_the_row),
		cmocka_unit_test(answer_that_is_cut_off_is_refused),
		cmocka_unit_test(answer_of_haproxy_without_servers_is_empty),
		cmocka_unit_test(answer_server_without_state_is_marked),
		cmocka_unit_test(answer_that_is_invalid_is_refused_with_its_cause),
		cmocka_unit_test(server_state_follows_haproxy_states_txt),
		cmocka_unit_test(server_of_a_template_has_a_pool),
		cmocka_unit_test(server_has_its_own_check),
		cmocka_unit_test(server_reason_names_the_cause),
		cmocka_unit_test(server_reason_of_checks_names_the_cause),
		cmocka_unit_test(servers_have_the_order_of_the_rows),
		cmocka_unit_test(server_without_an_address_is_spare_beside_others_of_its_pool),
		cmocka_unit_test(command_line_has_the_commands),
		cmocka_unit_test(command_with_an_invalid_name_is_not_written),
		cmocka_unit_test(command_line_is_never_too_long),
		cmocka_unit_test(command_results_belong_to_their_commands),
		cmocka_unit_test(command_result_that_is_cut_off_is_not_a_refusal),
		cmocka_unit_test(command_result_keeps_the_first_refusal),
		cmocka_unit_test(command_result_of_another_process_is_not_a_refusal),
	};

	return cmocka_run_group_tests_name("haproxy_text", tests, NULL, NULL);
}
