/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of the data plane IPVS with the kernel in memory, through struct plane_kind_ops as the
 * driver uses it: ipvs_plane.c, ipvs_apply.c, ipvs_withdraw.c and ipvs_rows.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipvs_fake.h"
#include "plane/ipvs/ipvs.h"
#include "plane/ipvs/ipvs_owned.h"
#include "util/memory.h"

#define WEB "tcp 192.0.2.1:80"
#define DNS "udp [2001:db8::1]:53"

enum { A, B, NS, REALS, SERVICES = 2 };

/* The rows of cluster 5: web with a and b, dns with ns. */
static const struct plane_target rows[] = {
	{ .id = 1, .is_service = true, .name = "web", .address = "192.0.2.1", .port = "80",
	    .params = "", .protocol = PROTOCOL_TCP, .enabled = true },
	{ .id = 11, .name = "a", .address = "10.0.0.1", .port = "", .params = "", .weight = 10,
	    .enabled = true },
	{ .id = 12, .name = "b", .address = "10.0.0.2", .port = "8080", .params = "", .weight = 5,
	    .enabled = true },
	{ .id = 2, .is_service = true, .name = "dns", .address = "2001:db8::1", .port = "53",
	    .params = "", .protocol = PROTOCOL_UDP, .enabled = true },
	{ .id = 21, .name = "ns", .address = "2001:db8::11", .port = "", .params = "",
	    .weight = 1, .enabled = true },
};

static struct {
	char				 dir[64];
	const char			*store, *params;
	struct loop			*loop;
	bool				 running, done;
	struct plane			*plane;
	struct plane_target		 targets[ROWS(rows)];
	size_t				 n_targets;
	const struct plane_poll		*poll;
	struct plane_error		 error;
	struct plane_command		 commands[8];
	size_t				 n_commands;
} w;

static struct plane_cluster
cluster(void)
{
	return (struct plane_cluster){ 5, "front", w.params, w.store };
}

static void
start(void)
{
	const struct plane_cluster of = cluster();
	struct err err;

	assert_int_equal(ipvs_plane.open(w.loop, &of, 1000, &w.plane, &err), ERR_OK);
}

static void
restart(void)
{
	ipvs_plane.close(w.plane);
	w.plane = NULL;
	start();
}

static int
setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	ipvs_fake_reset();
	snprintf(w.dir, sizeof(w.dir), "/tmp/lbcluster-ipvs.XXXXXX");
	if (mkdtemp(w.dir) == NULL)
		return -1;
	setenv("RUNTIME_DIRECTORY", w.dir, 1);
	w.store = "/";
	w.params = "";
	w.loop = loop_new();
	memcpy(w.targets, rows, sizeof(rows));
	w.n_targets = ROWS(rows);
	start();
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "5", "6", "store" };
	char path[80];

	(void)state;
	ipvs_plane.close(w.plane);
	loop_free(w.loop);
	for (size_t i = 0; i < ROWS(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", w.dir, names[i]);
		unlink(path);
	}
	return rmdir(w.dir);	/* fails if a file was left */
}

static struct ipvs_key
key_of(const char *text)
{
	struct ipvs_key key;

	assert_true(ipvs_key_parse(text, &key));
	return key;
}

static struct ipvs_service *
service(const char *key)
{
	const struct ipvs_key of = key_of(key);

	return ipvs_fake_service(&of);
}

/* The destination of row A, B or NS. */
static struct ipvs_dest *
dest(int i)
{
	static const char *const keys[] = { WEB, WEB, DNS };
	static const char *const addresses[] = { "10.0.0.1", "10.0.0.2", "2001:db8::11" };
	static const uint16_t ports[] = { 80, 8080, 53 };
	const struct ipvs_key key = key_of(keys[i]);
	struct ipvs_address address;

	assert_true(ipvs_address_parse(addresses[i], &address));
	return ipvs_fake_dest(&key, &address, ports[i]);
}

/* Another program carries out a command. 'i' is a row of dest() for a destination. */
static void
another_program(uint8_t command, const char *key, int i)
{
	struct ipvs_request request = { .command = command, .service = { .key = key_of(key),
	    .scheduler = "rr", .netmask = UINT32_MAX } };
	static const char *const addresses[] = { "10.0.0.1", "10.0.0.2", "2001:db8::11" };
	static const uint16_t ports[] = { 80, 8080, 53 };
	const struct ipvs_fake saved = ipvs_fake;
	struct loop *loop = loop_new();
	struct ipvs_socket *socket = ipvs_socket_new(loop, 1000);

	ipvs_fake.fail_every = 0;
	assert_true(ipvs_address_parse(addresses[i], &request.dest.address));
	request.dest.port = ports[i];
	request.dest.weight = 3;
	ipvs_socket_change(socket, &request, 1, NULL, NULL);
	assert_int_equal(request.error, 0);
	ipvs_socket_free(socket);
	loop_free(loop);
	ipvs_fake.fail_every = saved.fail_every;
	ipvs_fake.changes = saved.changes;
}

/* ipvsadm -C */
static void
table_clear(void)
{
	another_program(IPVS_CMD_DEL_SERVICE, WEB, A);
	another_program(IPVS_CMD_DEL_SERVICE, DNS, A);
}

/* The content of a file of the directory; "" without it. */
static const char *
file_text(const char *name)
{
	static char text[512];
	char path[80];
	size_t n = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", w.dir, name);
	file = fopen(path, "re");
	if (file != NULL) {
		n = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	text[n] = '\0';
	return text;
}

static void
file_write(const char *name, const char *text)
{
	char path[80];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", w.dir, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static enum err_code
targets_set(struct err *err)
{
	return ipvs_plane.targets_set(w.plane, w.targets, w.n_targets, err);
}

static void
on_done(void *arg)
{
	(void)arg;
	w.done = true;
	if (w.running)
		loop_stop(w.loop);
}

static void
done_wait(void)
{
	w.running = true;
	if (!w.done)
		loop_run(w.loop);
	w.running = w.done = false;
}

static void
on_polled(void *arg, const struct plane_poll *poll, const struct plane_error *error)
{
	w.poll = poll;
	w.error = error == NULL ? (struct plane_error){ 0 } : *error;
	on_done(arg);
}

/* Polls without setting the targets again, as after commands. */
static void
poll_only(void)
{
	ipvs_plane.poll(w.plane, on_polled, NULL);
	done_wait();
}

static void
round_poll(void)
{
	struct err err;

	assert_int_equal(targets_set(&err), ERR_OK);
	poll_only();
}

static void
command(enum plane_command_kind kind, size_t at, uint32_t value)
{
	w.commands[w.n_commands++] = (struct plane_command){ .kind = kind, .at = at,
	    .value = value, .cause = JOB_CAUSE_OTHER };
}

/* Applies the commands; returns the cause of the first one. */
static enum job_fail_cause
apply(void)
{
	ipvs_plane.apply(w.plane, w.commands, w.n_commands, on_done, NULL);
	done_wait();
	w.n_commands = 0;
	return w.commands[0].cause;
}

/* What the driver sends after a poll that found nothing of the rows. */
static void
commands_of_all(void)
{
	for (size_t i = 0; i < SERVICES; i++)
		command(PLANE_COMMAND_SERVICE, i, 0);
	for (size_t i = 0; i < REALS; i++)
		command(PLANE_COMMAND_STATE, i, PLANE_READY);
}

/* A first round, which makes all. */
static void
make_all(void)
{
	round_poll();
	assert_non_null(w.poll);
	commands_of_all();
	assert_int_equal(apply(), JOB_CAUSE_NONE);
	poll_only();
	assert_non_null(w.poll);
}

/* -- rounds ---------------------------------------------------------------------------------- */

static void
the_first_round_makes_services_and_destinations(void **state)
{
	(void)state;
	round_poll();
	assert_non_null(w.poll);
	for (size_t i = 0; i < REALS; i++)
		assert_int_equal(w.poll->servers[i].state, PLANE_OUT);
	assert_true(w.poll->services[0].differs);
	assert_true(w.poll->services[0].routine);
	assert_string_equal(w.poll->services[0].message, WEB " did not exist");
	commands_of_all();
	assert_int_equal(apply(), JOB_CAUSE_NONE);
	for (size_t i = 0; i < SERVICES + REALS; i++)
		assert_int_equal(w.commands[i].cause, JOB_CAUSE_NONE);
	assert_string_equal(w.commands[0].message, WEB " did not exist");
	assert_string_equal(service(WEB)->scheduler, "wlc");
	assert_int_equal(dest(A)->weight, 10);
	assert_int_equal(dest(B)->weight, 5);
	assert_int_equal(dest(NS)->weight, 1);
	poll_only();
	for (size_t i = 0; i < REALS; i++)
		assert_int_equal(w.poll->servers[i].state, PLANE_READY);
	assert_false(w.poll->services[0].differs);
	assert_int_equal(ipvs_fake.changes, 5);
}

/* The kernel refuses each change, and the file names the services already. */
static void
the_file_is_written_before_services_are_made(void **state)
{
	(void)state;
	ipvs_fake.fail_every = 1;
	ipvs_fake.fail_error = ENOMEM;
	round_poll();
	commands_of_all();
	assert_int_equal(apply(), JOB_CAUSE_UNREACHABLE);
	assert_string_equal(file_text("5"), WEB "\n" DNS "\n");
	assert_string_equal(file_text("store"), "/\n");
	assert_null(service(WEB));
}

static void
nothing_is_made_if_the_file_cannot_be_written(void **state)
{
	char path[80];

	(void)state;
	snprintf(path, sizeof(path), "%s/5.new", w.dir);
	assert_int_equal(mkdir(path, 0755), 0);
	round_poll();
	commands_of_all();
	assert_int_equal(apply(), JOB_CAUSE_OTHER);
	assert_non_null(strstr(w.commands[0].message, "/5: cannot be written: "));
	assert_int_equal(ipvs_fake.changes, 0);
	assert_int_equal(rmdir(path), 0);
}

/* A server that is down has to leave although a new service cannot be recorded. */
static void
other_services_are_changed_if_the_file_cannot_be_written(void **state)
{
	char path[80];

	(void)state;
	make_all();
	another_program(IPVS_CMD_DEL_SERVICE, DNS, NS);
	file_write("5", WEB "\n");
	snprintf(path, sizeof(path), "%s/5.new", w.dir);
	assert_int_equal(mkdir(path, 0755), 0);
	round_poll();
	command(PLANE_COMMAND_STATE, A, PLANE_OUT);
	command(PLANE_COMMAND_WEIGHT, B, 7);
	command(PLANE_COMMAND_STATE, NS, PLANE_READY);
	assert_int_equal(apply(), JOB_CAUSE_NONE);
	assert_int_equal(w.commands[1].cause, JOB_CAUSE_NONE);
	assert_null(dest(A));
	assert_int_equal(dest(B)->weight, 7);
	assert_int_equal(w.commands[2].cause, JOB_CAUSE_OTHER);
	assert_non_null(strstr(w.commands[2].message, "/5: cannot be written: "));
	assert_null(service(DNS));
	assert_int_equal(rmdir(path), 0);
	round_poll();
	command(PLANE_COMMAND_STATE, NS, PLANE_READY);
	assert_int_equal(apply(), JOB_CAUSE_NONE);
	assert_non_null(dest(NS));
}

static void
a_restart_changes_nothing(void **state)
{
	(void)state;
	make_all();
	restart();
	round_poll();
	for (size_t i = 0; i < SERVICES; i++)
		assert_false(w.poll->services[i].differs);
	for (size_t i = 0; i < REALS; i++) {
		assert_int_equal(w.poll->servers[i].state, PLANE_READY);
		assert_int_equal(w.poll->servers[i].weight, w.targets[i < NS ? i + 1 : 4].weight);
	}
	assert_int_equal(ipvs_fake.changes, 5);
}

static void
commands_change_states_and_weights(void **state)
{
	static const struct {
		uint32_t	state, weight;	/* UINT32_MAX: no command */
		unsigned int	changes;
		int		found;		/* weight of the kernel; -1: not there */
	} steps[] = {
		{ UINT32_MAX, 7, 1, 7 },
		{ PLANE_DRAIN, UINT32_MAX, 1, 0 },
		{ UINT32_MAX, 8, 0, 0 },	/* it drains on */
		{ PLANE_READY, UINT32_MAX, 1, 8 },
		{ PLANE_DRAIN, 9, 1, 0 },	/* both are one change */
		{ PLANE_READY, 4, 1, 4 },
		{ UINT32_MAX, 0, 1, 0 },
		{ PLANE_READY, UINT32_MAX, 0, 0 },
		{ UINT32_MAX, 6, 1, 6 },
		{ PLANE_OUT, UINT32_MAX, 1, -1 },
		{ UINT32_MAX, 2, 0, -1 },
		{ PLANE_READY, UINT32_MAX, 1, 2 },
	};
	enum plane_state now = PLANE_READY;
	uint32_t weight = 10;

	(void)state;
	make_all();
	for (size_t i = 0; i < ROWS(steps); i++) {
		unsigned int before = ipvs_fake.changes;

		if (steps[i].weight != UINT32_MAX)
			command(PLANE_COMMAND_WEIGHT, A, weight = steps[i].weight);
		if (steps[i].state != UINT32_MAX)
			command(PLANE_COMMAND_STATE, A, now = (enum plane_state)steps[i].state);
		assert_int_equal(apply(), JOB_CAUSE_NONE);
		assert_int_equal(ipvs_fake.changes - before, steps[i].changes);
		assert_int_equal(dest(A) == NULL ? -1 : (int)dest(A)->weight, steps[i].found);
		poll_only();
		assert_int_equal(w.poll->servers[A].state, now);
		assert_int_equal(w.poll->servers[A].weight, weight);
		assert_int_equal(dest(B)->weight, 5);
	}
}

static void
a_service_that_differs_is_made_as_its_row(void **state)
{
	(void)state;
	make_all();
	snprintf(service(WEB)->scheduler, sizeof(service(WEB)->scheduler), "rr");
	dest(B)->upper = 9;
	round_poll();
	assert_true(w.poll->services[0].differs);
	assert_false(w.poll->services[0].routine);
	assert_string_equal(w.poll->services[0].message, WEB " had scheduler rr in place of wlc");
	command(PLANE_COMMAND_SERVICE, 0, 0);
	assert_int_equal(apply(), JOB_CAUSE_NONE);
	assert_string_equal(service(WEB)->scheduler, "wlc");
	assert_int_equal(dest(B)->upper, 0);
	/* The row changes: no other program did it. */
	w.targets[0].params = "{\"scheduler\":\"rr\"}";
	round_poll();
	assert_true(w.poll->services[0].routine);
	command(PLANE_COMMAND_SERVICE, 0, 0);
	assert_int_equal(apply(), JOB_CAUSE_NONE);
	assert_string_equal(service(WEB)->scheduler, "rr");
	round_poll();
	assert_false(w.poll->services[0].differs);
}

/* -- failures -------------------------------------------------------------------------------- */

static void
each_error_has_its_result(void **state)
{
	static const struct {
		int			 error;
		enum job_fail_cause	 cause;
		const char		*text;
	} errors[] = {
		{ ENOMEM, JOB_CAUSE_UNREACHABLE, "Cannot allocate memory" },
		{ EBUSY, JOB_CAUSE_UNREACHABLE, "Device or resource busy" },
		{ EINVAL, JOB_CAUSE_REJECTED, "Invalid argument" },
		{ ERANGE, JOB_CAUSE_REJECTED, "Numerical result out of range" },
		{ EPERM, JOB_CAUSE_REJECTED, "needs CAP_NET_ADMIN" },
		{ ESRCH, JOB_CAUSE_UNREACHABLE, "another program deleted its service" },
		{ ENOENT, JOB_CAUSE_UNREACHABLE, "another program deleted it" },
		{ EEXIST, JOB_CAUSE_UNREACHABLE, "another program made it" },
		{ EIO, JOB_CAUSE_OTHER, "Input/output error" },
	};

	(void)state;
	make_all();
	for (size_t i = 0; i < ROWS(errors); i++) {
		ipvs_fake.fail_every = 1;
		ipvs_fake.fail_error = errors[i].error;
		command(PLANE_COMMAND_WEIGHT, A, 7);
		command(PLANE_COMMAND_WEIGHT, B, 5);	/* nothing to send */
		assert_int_equal(apply(), errors[i].cause);
		assert_non_null(strstr(w.commands[0].message, WEB " to 10.0.0.1:80: "));
		assert_non_null(strstr(w.commands[0].message, errors[i].text));
		assert_int_equal(w.commands[1].cause, JOB_CAUSE_NONE);
		poll_only();
		assert_int_equal(w.poll->servers[A].weight, 10);
	}
}

/* The second and the fourth change fail: the service "dns" and the destination b. */
static void
a_service_that_fails_fails_its_destinations_only(void **state)
{
	(void)state;
	round_poll();
	commands_of_all();
	ipvs_fake.fail_every = 2;
	ipvs_fake.fail_error = ENOENT;
	assert_int_equal(apply(), JOB_CAUSE_UNREACHABLE);
	assert_string_equal(w.commands[0].message,
	    WEB " to 10.0.0.2:8080: another program deleted it");
	assert_int_equal(w.commands[1].cause, JOB_CAUSE_REJECTED);
	assert_string_equal(w.commands[1].message, DNS ": the kernel has no scheduler wlc;"
	    " run modprobe ip_vs_wlc");
	assert_int_equal(w.commands[4].cause, JOB_CAUSE_REJECTED);
	assert_string_equal(w.commands[4].message, w.commands[1].message);
	assert_int_equal(w.commands[2].cause, JOB_CAUSE_NONE);
	assert_int_equal(w.commands[3].cause, JOB_CAUSE_UNREACHABLE);
	assert_non_null(dest(A));
}

static void
without_module_or_capability_a_poll_fails(void **state)
{
	(void)state;
	ipvs_fake.no_module = true;
	round_poll();
	assert_null(w.poll);
	assert_int_equal(w.error.status, PLANE_STATUS_FAILING);
	assert_string_equal(w.error.text, "IPVS: the kernel has no module ip_vs;"
	    " run modprobe ip_vs");
	ipvs_fake.no_module = false;
	ipvs_fake.no_capability = true;
	round_poll();
	assert_null(w.poll);
	assert_int_equal(w.error.status, PLANE_STATUS_FAILING);
	assert_string_equal(w.error.text, "IPVS: Operation not permitted;"
	    " the driver needs CAP_NET_ADMIN");
	ipvs_fake.no_capability = false;
	round_poll();
	assert_non_null(w.poll);
	commands_of_all();
	ipvs_fake.no_capability = true;
	assert_int_equal(apply(), JOB_CAUSE_REJECTED);
	assert_int_equal(w.commands[4].cause, JOB_CAUSE_REJECTED);
}

static void
invalid_rows_are_refused_with_the_first_rule(void **state)
{
	struct err err;

	(void)state;
	w.targets[0].params = "{\"persistence-mask\":24}";
	w.targets[4].address = "127.0.0.1";
	assert_int_equal(targets_set(&err), ERR_INVALID);
	assert_non_null(strstr(err.text, "persistence-mask without persistence;"
	    " write persistence = 300"));
	w.targets[0].params = "";
	assert_int_equal(targets_set(&err), ERR_INVALID);
	assert_non_null(strstr(err.text, "its service has the other address family"));
	w.targets[4].address = "2001:db8::11";
	make_all();
}

/* -- other programs -------------------------------------------------------------------------- */

static void
a_service_of_another_program_is_untouched(void **state)
{
	(void)state;
	another_program(IPVS_CMD_NEW_SERVICE, WEB, A);
	another_program(IPVS_CMD_NEW_DEST, WEB, A);
	round_poll();
	assert_string_equal(w.poll->problem, WEB " exists and lbcluster did not make it; stop the"
	    " program that made it, then run lbcluster-ipvs --adopt front");
	assert_false(w.poll->services[0].differs);
	assert_true(w.poll->servers[A].blocked);
	assert_string_equal(w.poll->servers[A].message,
	    "lbcluster did not make its virtual service");
	commands_of_all();
	assert_int_equal(apply(), JOB_CAUSE_REJECTED);
	assert_string_equal(w.commands[2].message, w.poll->problem);
	assert_int_equal(w.commands[4].cause, JOB_CAUSE_NONE);
	assert_string_equal(service(WEB)->scheduler, "rr");
	assert_int_equal(dest(A)->weight, 3);
	assert_null(dest(B));
	assert_non_null(dest(NS));
	assert_string_equal(file_text("5"), DNS "\n");
}

static void
a_service_made_between_poll_and_commands_is_untouched(void **state)
{
	(void)state;
	round_poll();
	another_program(IPVS_CMD_NEW_SERVICE, WEB, A);
	commands_of_all();
	assert_int_equal(apply(), JOB_CAUSE_UNREACHABLE);
	assert_string_equal(w.commands[0].message, WEB ": another program made it");
	assert_string_equal(w.commands[2].message, w.commands[0].message);
	assert_int_equal(w.commands[4].cause, JOB_CAUSE_NONE);
	assert_string_equal(service(WEB)->scheduler, "rr");
	assert_null(dest(A));
	assert_string_equal(file_text("5"), DNS "\n");
	poll_only();
	assert_non_null(strstr(w.poll->problem, "lbcluster did not make it"));
}

/* The kernel leaves services out of a dump while another program removes other ones. */
static void
a_service_that_a_dump_lacks_is_found(void **state)
{
	(void)state;
	make_all();
	ipvs_fake.left_out = 2;
	round_poll();
	assert_false(w.poll->services[0].differs);
	assert_int_equal(w.poll->servers[A].weight, 10);
	commands_of_all();
	assert_int_equal(apply(), JOB_CAUSE_NONE);
	assert_string_equal(file_text("5"), WEB "\n" DNS "\n");
}

static void
a_table_cleared_between_poll_and_commands_is_made_by_the_next_round(void **state)
{
	(void)state;
	make_all();
	round_poll();
	table_clear();
	command(PLANE_COMMAND_WEIGHT, A, 7);
	assert_int_equal(apply(), JOB_CAUSE_UNREACHABLE);
	assert_string_equal(w.commands[0].message,
	    WEB " to 10.0.0.1:80: another program deleted its service");
	make_all();
	assert_int_equal(dest(A)->weight, 10);
}

/* The rows have not changed, so the difference is a repair. */
static void
a_cleared_table_is_a_difference(void **state)
{
	(void)state;
	make_all();
	table_clear();
	round_poll();
	assert_true(w.poll->services[0].differs);
	assert_false(w.poll->services[0].routine);
	assert_int_equal(w.poll->servers[A].state, PLANE_OUT);
	make_all();
}

static void
a_deletion_of_what_another_program_deleted_succeeds(void **state)
{
	(void)state;
	make_all();
	another_program(IPVS_CMD_DEL_DEST, WEB, A);
	command(PLANE_COMMAND_STATE, A, PLANE_OUT);
	assert_int_equal(apply(), JOB_CAUSE_NONE);
}

/* -- leftovers ------------------------------------------------------------------------------- */

static void
a_service_that_left_the_store_is_removed(void **state)
{
	(void)state;
	another_program(IPVS_CMD_NEW_SERVICE, "tcp 192.0.2.9:80", A);
	make_all();
	w.n_targets = 3;
	round_poll();
	assert_non_null(w.poll);
	assert_null(service(DNS));
	assert_non_null(service(WEB));
	assert_non_null(service("tcp 192.0.2.9:80"));
	assert_string_equal(file_text("5"), WEB "\n");
}

static void
a_removal_that_fails_is_tried_again(void **state)
{
	(void)state;
	make_all();
	w.n_targets = 3;
	ipvs_fake.fail_every = 1;
	ipvs_fake.fail_error = EBUSY;
	round_poll();
	assert_non_null(w.poll);
	assert_string_equal(file_text("5"), WEB "\n" DNS "\n");
	ipvs_fake.fail_every = 0;
	round_poll();
	assert_null(service(DNS));
	assert_string_equal(file_text("5"), WEB "\n");
}

static void
a_destination_that_left_the_store_drains_and_goes(void **state)
{
	(void)state;
	make_all();
	dest(B)->active = 1;
	w.targets[2] = rows[3];
	w.targets[3] = rows[4];
	w.n_targets = 4;
	round_poll();
	assert_true(w.poll->services[0].routine);
	command(PLANE_COMMAND_SERVICE, 0, 0);
	assert_int_equal(apply(), JOB_CAUSE_NONE);
	assert_int_equal(dest(B)->weight, 0);
	round_poll();
	assert_false(w.poll->services[0].differs);
	ipvs_fake_connections_end();
	round_poll();
	assert_true(w.poll->services[0].differs);
	assert_true(w.poll->services[0].routine);
	command(PLANE_COMMAND_SERVICE, 0, 0);
	assert_int_equal(apply(), JOB_CAUSE_NONE);
	assert_null(dest(B));
	round_poll();
	assert_false(w.poll->services[0].differs);
}

/* -- withdraw, sweep, adopt ------------------------------------------------------------------ */

static void
withdraw_removes_what_lbcluster_made(void **state)
{
	const struct plane_cluster of = cluster();
	struct err err;
	size_t n;

	(void)state;
	another_program(IPVS_CMD_NEW_SERVICE, "tcp 192.0.2.9:80", A);
	make_all();
	ipvs_fake.fail_every = 1;
	ipvs_fake.fail_error = EBUSY;
	assert_int_equal(ipvs_plane.withdraw(&of, 1000, &n, &err), ERR_IO);
	assert_string_equal(err.text, WEB ": not removed");
	assert_int_equal(n, 0);
	ipvs_fake.fail_every = 0;
	assert_int_equal(ipvs_plane.withdraw(&of, 1000, &n, &err), ERR_OK);
	assert_int_equal(n, 2);
	assert_null(service(WEB));
	assert_null(service(DNS));
	assert_non_null(service("tcp 192.0.2.9:80"));
	assert_string_equal(file_text("5"), "");
	assert_string_equal(file_text("store"), "");
	ipvs_fake.no_module = true;
	assert_int_equal(ipvs_plane.withdraw(&of, 1000, &n, &err), ERR_IO);
	assert_non_null(strstr(err.text, "run modprobe ip_vs"));
}

static void
sweep_removes_clusters_that_left_the_store(void **state)
{
	static const uint32_t both[] = { 5, 6 };

	(void)state;
	make_all();
	ipvs_plane.sweep("/", both, 2);
	assert_non_null(service(WEB));
	ipvs_plane.sweep("/", both + 1, 1);
	assert_null(service(WEB));
	assert_null(service(DNS));
	assert_string_equal(file_text("5"), "");
}

static void
services_of_another_store_are_untouched(void **state)
{
	const struct plane_cluster of = cluster(), other = { 5, "front", "", "/tmp" };
	struct err err;
	size_t n;

	(void)state;
	make_all();
	ipvs_plane.sweep("/tmp", NULL, 0);
	assert_int_equal(ipvs_plane.withdraw(&other, 1000, &n, &err), ERR_IO);
	assert_int_equal(ipvs_plane.adopt(&other, w.targets, w.n_targets, &n, &err), ERR_INVALID);
	w.store = "/tmp";
	restart();
	w.n_targets = 3;
	round_poll();
	assert_null(w.poll);
	assert_int_equal(w.error.status, PLANE_STATUS_FAILING);
	assert_non_null(strstr(w.error.text, "/store: the services in the kernel are those of"
	    " store /; start the driver with -s /, or remove the file if that store is now"
	    " /tmp"));
	assert_non_null(service(WEB));
	assert_non_null(service(DNS));
	/* Without services the other store may begin. */
	assert_int_equal(ipvs_plane.withdraw(&of, 1000, &n, &err), ERR_OK);
	w.n_targets = ROWS(rows);
	make_all();
	assert_string_equal(file_text("store"), "/tmp\n");
}

static void
adopt_keeps_what_was_recorded(void **state)
{
	const struct plane_cluster of = cluster();
	struct err err;
	size_t n;

	(void)state;
	another_program(IPVS_CMD_NEW_SERVICE, WEB, A);
	another_program(IPVS_CMD_NEW_DEST, WEB, A);
	file_write("5", DNS "\n");
	assert_int_equal(ipvs_plane.adopt(&of, w.targets, 3, &n, &err), ERR_OK);
	assert_int_equal(n, 1);
	assert_string_equal(file_text("5"), WEB "\n" DNS "\n");
	/* The next poll of a driver that runs finds it. */
	round_poll();
	assert_string_equal(w.poll->problem, "");
	assert_true(w.poll->services[0].differs);
	make_all();
	assert_string_equal(service(WEB)->scheduler, "wlc");
	/* A damaged file is written again. */
	file_write("5", WEB "\ntcp\n");
	assert_int_equal(ipvs_plane.adopt(&of, w.targets, w.n_targets, &n, &err), ERR_OK);
	assert_string_equal(file_text("5"), WEB "\n" DNS "\n");
}

/* --adopt runs after the poll, and before the file is written. */
static void
adopt_beside_a_round_is_kept(void **state)
{
	const struct plane_cluster of = cluster();
	struct err err;
	size_t n;

	(void)state;
	another_program(IPVS_CMD_NEW_SERVICE, WEB, A);
	round_poll();
	assert_int_equal(ipvs_plane.adopt(&of, w.targets, 3, &n, &err), ERR_OK);
	commands_of_all();
	(void)apply();
	assert_string_equal(file_text("5"), WEB "\n" DNS "\n");
	make_all();
	assert_string_equal(service(WEB)->scheduler, "wlc");
}

static void
a_damaged_file_stops_the_cluster(void **state)
{
	char path[80];

	(void)state;
	make_all();
	file_write("5", WEB "\ntcp\n");
	w.n_targets = 3;
	round_poll();
	assert_null(w.poll);
	assert_int_equal(w.error.status, PLANE_STATUS_FAILING);
	assert_non_null(strstr(w.error.text, "/5:2: not a service of IPVS: tcp"));
	assert_non_null(service(DNS));
	/* The file cannot be read. */
	snprintf(path, sizeof(path), "%s/5", w.dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	round_poll();
	assert_null(w.poll);
	assert_non_null(strstr(w.error.text, "/5: "));
	assert_int_equal(rmdir(path), 0);
}

static void
manage_settings_changes_weights_only(void **state)
{
	(void)state;
	make_all();
	w.params = "{\"manage\":\"settings\"}";
	restart();
	another_program(IPVS_CMD_DEL_DEST, WEB, B);
	w.n_targets = 3;
	round_poll();
	assert_string_equal(file_text("5"), "");
	assert_non_null(service(DNS));
	assert_non_null(w.poll->fallback_problem);
	assert_false(w.poll->services[0].differs);
	assert_true(w.poll->servers[B].blocked);
	command(PLANE_COMMAND_STATE, A, PLANE_OUT);
	command(PLANE_COMMAND_STATE, B, PLANE_READY);
	assert_int_equal(apply(), JOB_CAUSE_NONE);
	assert_int_equal(dest(A)->weight, 0);
	assert_null(dest(B));
	round_poll();
	assert_int_equal(w.poll->servers[A].state, PLANE_OUT);
	command(PLANE_COMMAND_STATE, A, PLANE_READY);
	assert_int_equal(apply(), JOB_CAUSE_NONE);
	assert_int_equal(dest(A)->weight, 10);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_round_makes_services_and_destinations),
		TEST(the_file_is_written_before_services_are_made),
		TEST(nothing_is_made_if_the_file_cannot_be_written),
		TEST(other_services_are_changed_if_the_file_cannot_be_written),
		TEST(a_restart_changes_nothing),
		TEST(commands_change_states_and_weights),
		TEST(a_service_that_differs_is_made_as_its_row),
		TEST(each_error_has_its_result),
		TEST(a_service_that_fails_fails_its_destinations_only),
		TEST(without_module_or_capability_a_poll_fails),
		TEST(invalid_rows_are_refused_with_the_first_rule),
		TEST(a_service_of_another_program_is_untouched),
		TEST(a_service_made_between_poll_and_commands_is_untouched),
		TEST(a_service_that_a_dump_lacks_is_found),
		TEST(a_table_cleared_between_poll_and_commands_is_made_by_the_next_round),
		TEST(a_cleared_table_is_a_difference),
		TEST(a_deletion_of_what_another_program_deleted_succeeds),
		TEST(a_service_that_left_the_store_is_removed),
		TEST(a_removal_that_fails_is_tried_again),
		TEST(a_destination_that_left_the_store_drains_and_goes),
		TEST(withdraw_removes_what_lbcluster_made),
		TEST(sweep_removes_clusters_that_left_the_store),
		TEST(services_of_another_store_are_untouched),
		TEST(adopt_keeps_what_was_recorded),
		TEST(adopt_beside_a_round_is_kept),
		TEST(a_damaged_file_stops_the_cluster),
		TEST(manage_settings_changes_weights_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
