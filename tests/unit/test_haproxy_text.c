/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of what HAProxy says and is told, as text: src/plane/haproxy_answer.c,
 * haproxy_csv.c, haproxy_state.c, haproxy_command.c, and how a server is read.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plane/haproxy.h"
#include "plane/haproxy_command.h"

#define INFO "Name: HAProxy\nVersion: 2.6.12\nPid: 77\nStart_time_sec: 1000\n\n"
#define STAT_HEAD                                                              \
	"# pxname,svname,scur,stot,bin,bout,status,bck,tracked,type,rate,"     \
	"check_status,check_code,last_chk,addr,mode,\n"
#define STATE_HEAD                                                             \
	"1\n# be_id be_name srv_id srv_name srv_op_state srv_admin_state "     \
	"srv_uweight srv_fqdn\n"
#define SERVER_A "web,a,3,40,500,600,UP,0,,2,7,L4OK,,,10.0.0.1:80,http,\n"
#define WHOLE                                                                  \
	INFO STAT_HEAD SERVER_A "web,BACKEND,3,40,500,600,UP,0,,1,7,,,,,http,\n\n" \
	STATE_HEAD "2 web 1 a 2 0 10 -\n\n\n"

struct parsed {
	char			*text;
	struct haproxy_view	 view;
	struct err		 err;
};

/* In a block of its own size, so that a read behind it is seen. */
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
parse_refused(const char *text, const char *words)
{
	struct parsed parsed;

	assert_int_equal(parse(&parsed, text), ERR_INVALID);
	if (strstr(parsed.err.text, words) == NULL)
		fail_msg("\"%s\" has no \"%s\"", parsed.err.text, words);
	free(parsed.text);
}

/* -- answers -------------------------------------------------------------------------- */

static void
answer_whole_gives_all(void **state)
{
	const struct haproxy_server *a;
	struct parsed parsed;

	(void)state;
	assert_int_equal(parse(&parsed, WHOLE), ERR_OK);
	assert_int_equal(parsed.view.pid, 77);
	assert_int_equal(parsed.view.start_time, 1000);
	assert_string_equal(parsed.view.version, "2.6.12");
	assert_int_equal(parsed.view.n_servers, 1);
	assert_int_equal(parsed.view.n_backends, 1);
	assert_string_equal(parsed.view.backends[0].name, "web");
	assert_string_equal(parsed.view.backends[0].mode, "http");
	a = &parsed.view.servers[0];
	assert_string_equal(a->backend, "web");
	assert_string_equal(a->name, "a");
	assert_string_equal(a->address, "10.0.0.1:80");
	assert_int_equal(a->current, 3);
	assert_int_equal(a->total, 40);
	assert_int_equal(a->bytes_in, 500);
	assert_int_equal(a->bytes_out, 600);
	assert_int_equal(a->rate, 7);
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
	assert_int_equal(parse(&parsed, INFO "# pxname,new,svname,type,mode,addr,last_chk,"
	    "check_code,check_status,rate,tracked,bck,status,bout,bin,stot,scur,\n"
	    "web,?,a,2,tcp,unix,\"no, \"\"never\"\"\",,* L4CON,1,,1,DOWN,5,4,3,2,\n\n"
	    "1\n# be_id srv_uweight srv_name be_name more srv_fqdn srv_admin_state srv_op_state\n"
	    "1 9 a web ? host.example 5 0\n\n"), ERR_OK);
	assert_int_equal(parsed.view.n_servers, 1);
	assert_string_equal(parsed.view.servers[0].last_check, "no, \"never\"");
	assert_string_equal(parsed.view.servers[0].check_status, "L4CON");
	assert_string_equal(parsed.view.servers[0].fqdn, "host.example");
	assert_true(parsed.view.servers[0].backup);
	assert_int_equal(parsed.view.servers[0].current, 2);
	assert_int_equal(parsed.view.servers[0].bytes_out, 5);
	assert_int_equal(parsed.view.servers[0].admin_state, 5);
	assert_int_equal(parsed.view.servers[0].op_state, 0);
	assert_int_equal(parsed.view.servers[0].weight, 9);
	done(&parsed);
}

/* Wherever the connection ends: nothing is taken for a whole answer that is none. */
static void
answer_that_breaks_off_is_refused(void **state)
{
	static const char whole[] = WHOLE;
	struct parsed parsed;
	char text[sizeof(whole)];

	(void)state;
	/* Its last two empty lines may be missing. */
	for (size_t length = 0; length < sizeof(whole) - 3; length++) {
		memcpy(text, whole, length);
		text[length] = '\0';
		if (parse(&parsed, text) != ERR_INVALID)
			fail_msg("taken after %zu octets of %zu", length, sizeof(whole) - 1);
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
answer_server_without_state_is_told_apart(void **state)
{
	struct parsed parsed;

	(void)state;
	assert_int_equal(parse(&parsed, INFO STAT_HEAD SERVER_A "\n" STATE_HEAD
	    "2 web 2 late 2 0 10 -\n\n"), ERR_OK);
	assert_int_equal(parsed.view.n_servers, 1);
	assert_false(parsed.view.servers[0].has_state);
	done(&parsed);
}

static void
answer_that_is_none_is_refused_in_words(void **state)
{
	(void)state;
	parse_refused("", "empty");
	parse_refused("\n\n", "empty");
	parse_refused("Permission denied\n\n", "Permission denied");
	parse_refused("\xff\x01rubbish", "??rubbish");
	parse_refused(INFO, "empty");
	parse_refused(INFO STAT_HEAD SERVER_A "\n", "empty");
	parse_refused(INFO STAT_HEAD SERVER_A "\nPermission denied\n\n", "Permission denied");
	parse_refused(INFO "# pxname,svname,\n\n" STATE_HEAD, "no column type");
	parse_refused(INFO STAT_HEAD SERVER_A "\n1\n# be_id be_name\n", "no column srv_name");
	parse_refused(INFO STAT_HEAD "web\n\n" STATE_HEAD "\n", "a row that is none");
	parse_refused(INFO STAT_HEAD "web,\"a,3\n\n" STATE_HEAD "\n", "quotation mark");
	parse_refused(INFO STAT_HEAD "web,\"a\"b,3\n\n" STATE_HEAD "\n", "quotation mark");
	parse_refused(INFO STAT_HEAD SERVER_A "\n" STATE_HEAD "2 web 1 a\n\n", "4 words");
	parse_refused(INFO STAT_HEAD SERVER_A "\n" STATE_HEAD "2 web 1 a 2 -1 10 -\n\n",
	    "\"-1\" for a number");
}

/* Whatever is cut off is an error or leaves what was there; never a read behind it. */
static void
answer_cut_anywhere_is_survived(void **state)
{
	static const char whole[] = WHOLE;
	struct parsed parsed;
	char cut[sizeof(whole)];

	(void)state;
	for (size_t n = 0; n < sizeof(whole) - 1; n++) {
		memcpy(cut, whole, n);
		cut[n] = '\0';
		if (parse(&parsed, cut) == ERR_OK)
			haproxy_view_done(&parsed.view);
		free(parsed.text);
	}
}

/* -- servers ---------------------------------------------------------------------------- */

static struct plane_server
read_server(uint32_t op, uint32_t admin, const char *check, const char *last)
{
	const struct haproxy_server server = { .backend = "web", .name = "a", .status = "?",
	    .check_status = check, .check_code = "", .last_check = last, .address = "",
	    .tracked = "web/b", .fqdn = "host.example", .op_state = op, .admin_state = admin,
	    .has_state = true, .weight = 4 };
	struct plane_server ret;

	haproxy_server_read(&server, &ret);
	return ret;
}

static void
server_state_is_what_was_decided(void **state)
{
	struct plane_server server;

	(void)state;
	server = read_server(HAPROXY_RUNNING, 0, "L4OK", "");
	assert_int_equal(server.state, PLANE_READY);
	assert_true(server.up);
	assert_false(server.blocked);
	assert_string_equal(server.words, "");
	server = read_server(HAPROXY_STOPPED, HAPROXY_FORCED_MAINT, "", "");
	assert_int_equal(server.state, PLANE_OUT);
	assert_string_equal(server.words, "MAINT by command");
	server = read_server(HAPROXY_STOPPED, HAPROXY_FORCED_MAINT | HAPROXY_CONFIGURED_MAINT, "",
	    "");
	assert_string_equal(server.words, "MAINT by HAProxy's configuration");
	server = read_server(HAPROXY_RUNNING, HAPROXY_FORCED_DRAIN, "L4OK", "");
	assert_int_equal(server.state, PLANE_DRAIN);
	assert_true(server.up);
	server = read_server(HAPROXY_STOPPED, HAPROXY_INHERITED_MAINT, "", "");
	assert_int_equal(server.state, PLANE_READY);
	assert_true(server.blocked);
	assert_string_equal(server.words, "MAINT by web/b, which it tracks");
	server = read_server(HAPROXY_STOPPED, HAPROXY_RESOLUTION_MAINT, "", "");
	assert_true(server.blocked);
	assert_string_equal(server.words, "MAINT: host.example does not resolve");
	server = read_server(HAPROXY_STOPPED, 0, "L4CON", "Connection refused");
	assert_false(server.up);
	assert_string_equal(server.words, "L4CON Connection refused");
	server = read_server(HAPROXY_STOPPING, 0, "L7OKC", "");
	assert_false(server.up);
	assert_string_equal(server.words, "NOLB: its check asks for no new work");
	server = read_server(HAPROXY_STOPPED, 0, "L7RSP", "caf\xc3\xa9\n");
	assert_string_equal(server.words, "L7RSP caf???");
}

/* -- commands ----------------------------------------------------------------------------- */

static struct plane_order
order_of(const char *service, const char *real, enum plane_order_kind kind, uint32_t value)
{
	struct plane_order order = { .kind = kind, .value = value, .cause = JOB_CAUSE_NONE };

	snprintf(order.service, sizeof(order.service), "%s", service);
	snprintf(order.real, sizeof(order.real), "%s", real);
	return order;
}

static void
command_line_says_what_was_ordered(void **state)
{
	const struct plane_order orders[] = {
		order_of("web", "a", PLANE_ORDER_WEIGHT, 256),
		order_of("web", "a", PLANE_ORDER_STATE, PLANE_READY),
		order_of("web", "b", PLANE_ORDER_STATE, PLANE_DRAIN),
		order_of("web", "c.d_e-f", PLANE_ORDER_STATE, PLANE_OUT),
		order_of("web", "b", PLANE_ORDER_CUT, 0),
	};
	static const char expected[] = "set server web/a weight 256;set server web/a state ready;"
	    "set server web/b state drain;set server web/c.d_e-f state maint;"
	    "shutdown sessions server web/b\n";
	char line[HAPROXY_LINE_MAX];
	size_t length;

	(void)state;
	assert_int_equal(haproxy_command_line(orders, 5, line, &length), 5);
	assert_int_equal(length, sizeof(expected) - 1);
	assert_memory_equal(line, expected, length);
}

/* What would need quoting could be a command of somebody else. */
static void
command_with_a_foreign_name_is_never_written(void **state)
{
	static const char *const names[] = { "", "a b", "a;show env", "a\nb", "a\\b", "a/b",
	    "a:b" };
	char line[HAPROXY_LINE_MAX];
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct plane_order orders[] = {
			order_of("web", "a", PLANE_ORDER_WEIGHT, 1),
			order_of("web", names[i], PLANE_ORDER_WEIGHT, 1),
			order_of(names[i], "a", PLANE_ORDER_WEIGHT, 1),
		};

		assert_int_equal(haproxy_command_line(orders, 3, line, &length), 1);
		assert_int_equal(haproxy_command_line(orders + 1, 2, line, &length), 0);
		assert_int_equal(haproxy_command_line(orders + 2, 1, line, &length), 0);
	}
}

static void
command_line_is_never_too_long(void **state)
{
	struct plane_order orders[300];
	char name[MODEL_NAME_MAX + 1], line[HAPROXY_LINE_MAX];
	size_t done = 0;

	(void)state;
	memset(name, 'n', sizeof(name));
	name[MODEL_NAME_MAX] = '\0';
	for (size_t i = 0; i < 300; i++)
		orders[i] = order_of(name, name, PLANE_ORDER_STATE, PLANE_READY);
	while (done < 300) {
		size_t length, n = haproxy_command_line(orders + done, 300 - done, line, &length);

		assert_true(n > 0);
		assert_true(length <= HAPROXY_LINE_MAX);
		assert_int_equal(line[length - 1], '\n');
		done += n;
	}
	assert_int_equal(done, 300);
}

static void
command_outcomes_go_to_their_orders(void **state)
{
	char answer[] = "\nNo such server.\n\nNo such backend.\n\n\n"
	    "Absolute weight can only be between 0 and 256 inclusive.\n\nPermission denied\n\n";
	struct plane_order orders[7];

	(void)state;
	for (size_t i = 0; i < 7; i++)
		orders[i] = order_of("web", "a", PLANE_ORDER_WEIGHT, 1);
	haproxy_command_outcomes(answer, strlen(answer), orders, 7);
	assert_int_equal(orders[0].cause, JOB_CAUSE_NONE);
	assert_int_equal(orders[1].cause, JOB_CAUSE_NOT_FOUND);
	assert_string_equal(orders[1].message, "HAProxy: No such server.");
	assert_int_equal(orders[2].cause, JOB_CAUSE_NOT_FOUND);
	assert_int_equal(orders[3].cause, JOB_CAUSE_NONE);
	assert_int_equal(orders[4].cause, JOB_CAUSE_REJECTED);
	assert_int_equal(orders[5].cause, JOB_CAUSE_REJECTED);
	assert_int_equal(orders[6].cause, JOB_CAUSE_UNREACHABLE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_whole_gives_all),
		cmocka_unit_test(answer_columns_are_found_by_name),
		cmocka_unit_test(answer_that_breaks_off_is_refused),
		cmocka_unit_test(answer_of_haproxy_without_servers_is_empty),
		cmocka_unit_test(answer_server_without_state_is_told_apart),
		cmocka_unit_test(answer_that_is_none_is_refused_in_words),
		cmocka_unit_test(answer_cut_anywhere_is_survived),
		cmocka_unit_test(server_state_is_what_was_decided),
		cmocka_unit_test(command_line_says_what_was_ordered),
		cmocka_unit_test(command_with_a_foreign_name_is_never_written),
		cmocka_unit_test(command_line_is_never_too_long),
		cmocka_unit_test(command_outcomes_go_to_their_orders),
	};

	return cmocka_run_group_tests_name("haproxy_text", tests, NULL, NULL);
}
