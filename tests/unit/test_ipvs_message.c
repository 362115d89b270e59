/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Tests of src/plane/ipvs/ipvs_message.c with replies that Linux 6.1.192 gave, which
 * tests/guest/record.py recorded.
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

#include "plane/ipvs/ipvs_message.h"
#include "util/memory.h"

enum { RECORD_MAX = 4096 };

/* Bytes that are aligned for a message. */
union record {
	struct nlmsghdr	first;
	char		bytes[RECORD_MAX];
};

/* Reads a record of tests/fuzz/corpus/ipvs and returns its length. */
static int
record_read(const char *name, union record *ret)
{
	const char *top = getenv("abs_top_srcdir");
	char path[1024];
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "%.900s/tests/fuzz/corpus/ipvs/%s",
	    top == NULL ? ".." : top, name);
	file = fopen(path, "re");
	if (file == NULL)
		fail_msg("%s: %s", path, strerror(errno));
	n = fread(ret->bytes, 1, sizeof(ret->bytes), file);
	fclose(file);
	return (int)n;
}

static void
services_of_the_kernel_are_read(void **state)
{
	static const struct {
		const char	*key, *scheduler;
		uint32_t	 flags, timeout_s, netmask;
	} expected[] = {
		{ "fwmark 7 ipv4", "rr", 0, 0, 0xffffffff },
		{ "fwmark 7 ipv6", "sh", IP_VS_SVC_F_SCHED1, 0, 128 },
		{ "tcp 192.0.2.1:80", "wlc", IP_VS_SVC_F_PERSISTENT, 300, 0xffffff00 },
		{ "udp [2001:db8::1]:53", "mh", IP_VS_SVC_F_SCHED1 | IP_VS_SVC_F_SCHED2, 0, 128 },
	};
	char text[IPVS_KEY_TEXT_SIZE];
	struct ipvs_service service;
	struct ipvs_reply reply;
	union record record;
	int left = record_read("services", &record);
	struct nlmsghdr *at = &record.first;
	unsigned int seen = 0;

	(void)state;
	while (ipvs_reply_next(&at, &left, &reply) && reply.kind == IPVS_REPLY_DATA) {
		assert_true(ipvs_reply_service(&reply, &service));
		ipvs_key_text(&service.key, text);
		for (size_t i = 0; i < ROWS(expected); i++) {
			if (strcmp(text, expected[i].key) != 0)
				continue;
			seen |= 1u << i;
			assert_string_equal(service.scheduler, expected[i].scheduler);
			assert_int_equal(service.flags, expected[i].flags);
			assert_int_equal(service.timeout_s, expected[i].timeout_s);
			assert_int_equal(service.netmask, expected[i].netmask);
		}
	}
	assert_int_equal(seen, (1u << ROWS(expected)) - 1);
	assert_int_equal(reply.kind, IPVS_REPLY_END);
	assert_int_equal(left, 0);
}

/* Reads the destinations of a record and returns their number. */
static size_t
dests_read(const char *name, struct ipvs_dest *ret, size_t max)
{
	struct ipvs_reply reply;
	union record record;
	int left = record_read(name, &record);
	struct nlmsghdr *at = &record.first;
	size_t n = 0;

	while (ipvs_reply_next(&at, &left, &reply) && reply.kind == IPVS_REPLY_DATA) {
		assert_true(n < max);
		assert_true(ipvs_reply_dest(&reply, &ret[n++]));
	}
	assert_int_equal(reply.kind, IPVS_REPLY_END);
	assert_int_equal(left, 0);
	return n;
}

static void
destinations_of_the_kernel_are_read(void **state)
{
	char text[IPVS_KEY_TEXT_SIZE];
	struct ipvs_dest dests[2], *tunnel, *nat;

	(void)state;
	assert_int_equal(dests_read("dests", dests, 2), 2);
	tunnel = dests[0].forward == IP_VS_CONN_F_TUNNEL ? &dests[0] : &dests[1];
	nat = tunnel == dests ? &dests[1] : &dests[0];
	assert_string_equal(ipvs_endpoint_text(&nat->address, nat->port, text), "10.0.0.1:8080");
	assert_int_equal(nat->forward, IP_VS_CONN_F_MASQ);
	assert_int_equal(nat->weight, 10);
	assert_int_equal(nat->upper, 0);
	/* ipvsadm(8) gives a tunnel the port of the service. */
	assert_string_equal(ipvs_endpoint_text(&tunnel->address, tunnel->port, text),
	    "10.0.0.2:80");
	assert_int_equal(tunnel->weight, 0);
	assert_int_equal(tunnel->upper, 100);
	assert_int_equal(tunnel->lower, 80);
	assert_int_equal(dests_read("dests-ipv6", dests, 2), 1);
	assert_string_equal(ipvs_endpoint_text(&dests->address, dests->port, text),
	    "[2001:db8::2]:53");
	assert_int_equal(dests->forward, IP_VS_CONN_F_DROUTE);
	assert_int_equal(dests->weight, 65535);
	assert_int_equal(dests_read("dests-none", dests, 2), 0);
}

static void
the_number_of_the_family_and_an_error_are_read(void **state)
{
	struct ipvs_reply reply;
	union record record;
	struct nlmsghdr *at = &record.first;
	uint16_t family = 0;
	int left = record_read("family", &record);

	(void)state;
	assert_true(ipvs_reply_next(&at, &left, &reply));
	assert_true(ipvs_reply_family(&reply, &family));
	assert_int_not_equal(family, 0);
	at = &record.first;
	left = record_read("error", &record);
	assert_true(ipvs_reply_next(&at, &left, &reply));
	assert_int_equal(reply.kind, IPVS_REPLY_ERROR);
	assert_int_equal(reply.error, EINVAL);
	assert_int_equal(reply.sequence, 1);
}

/* The kernel's reply has the attributes of the request, so the reader reads both. */
static void
a_service_is_the_same_after_a_message(void **state)
{
	struct ipvs_service service = { .scheduler = "mh", .flags = IP_VS_SVC_F_PERSISTENT,
	    .timeout_s = 60 }, read;
	static const char *const keys[] = { "tcp 192.0.2.1:65535", "sctp [2001:db8::1]:1",
	    "fwmark 4294967295 ipv4", "fwmark 1 ipv6" };

	(void)state;
	for (size_t i = 0; i < ROWS(keys); i++) {
		struct ipvs_reply reply = { .kind = IPVS_REPLY_DATA };
		struct nl_msg *message;

		assert_true(ipvs_key_parse(keys[i], &service.key));
		service.netmask = ipvs_netmask(service.key.address.family, 24);
		message = ipvs_message_change(30, 5, IPVS_CMD_NEW_SERVICE, &service, NULL);
		assert_non_null(message);
		reply.message = nlmsg_hdr(message);
		assert_int_equal(reply.message->nlmsg_type, 30);
		assert_int_equal(reply.message->nlmsg_seq, 5);
		assert_int_equal(reply.message->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
		assert_true(ipvs_reply_service(&reply, &read));
		assert_int_equal(ipvs_key_compare(&read.key, &service.key), 0);
		assert_string_equal(read.scheduler, service.scheduler);
		assert_int_equal(read.flags, service.flags);
		assert_int_equal(read.timeout_s, 60);
		assert_int_equal(read.netmask, service.netmask);
		nlmsg_free(message);
	}
}

static void
a_netmask_covers_the_first_bits(void **state)
{
	(void)state;
	assert_int_equal(ipvs_netmask(AF_INET, 0), 0xffffffff);
	assert_int_equal(ipvs_netmask(AF_INET, 1), 0x80000000);
	assert_int_equal(ipvs_netmask(AF_INET, 24), 0xffffff00);
	assert_int_equal(ipvs_netmask(AF_INET, 32), 0xffffffff);
	assert_int_equal(ipvs_netmask(AF_INET6, 0), 128);
	assert_int_equal(ipvs_netmask(AF_INET6, 64), 64);
}

/* No part of a record is read as a whole one, and no byte behind it is read. */
static void
a_record_that_is_cut_off_is_no_record(void **state)
{
	static const char *const names[] = { "services", "dests", "dests-ipv6", "family" };

	(void)state;
	for (size_t i = 0; i < ROWS(names); i++) {
		union record record;
		int whole = record_read(names[i], &record);

		for (int length = 0; length < whole; length++) {
			struct nlmsghdr *copy = malloc((size_t)length + 1), *at = copy;
			int left = length;
			struct ipvs_reply reply = { 0 };

			assert_non_null(copy);
			memcpy(copy, record.bytes, (size_t)length);
			while (ipvs_reply_next(&at, &left, &reply))
				assert_int_not_equal(reply.kind, IPVS_REPLY_END);
			free(copy);
		}
	}
}

/* A length of 65535 at each place of a message does not make the readers leave the message, which
 * valgrind and the sanitizers see. */
static void
an_attribute_longer_than_its_message_is_not_read(void **state)
{
	static const char *const names[] = { "services", "dests", "dests-ipv6" };

	(void)state;
	for (size_t i = 0; i < ROWS(names); i++) {
		union record record;
		size_t length;

		record_read(names[i], &record);
		length = record.first.nlmsg_len;
		for (size_t place = NLMSG_HDRLEN; place + 2 <= length; place += 2) {
			struct nlmsghdr *copy = malloc(length);
			struct ipvs_reply reply = { .kind = IPVS_REPLY_DATA, .message = copy };
			struct ipvs_service service;
			struct ipvs_dest dest;

			assert_non_null(copy);
			memcpy(copy, record.bytes, length);
			memset((char *)copy + place, 0xff, 2);
			(void)ipvs_reply_service(&reply, &service);
			/* The attribute with the destination follows the headers. */
			if (ipvs_reply_dest(&reply, &dest))
				assert_int_not_equal(place, NLMSG_HDRLEN + 4);
			free(copy);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_of_the_kernel_are_read),
		cmocka_unit_test(destinations_of_the_kernel_are_read),
		cmocka_unit_test(the_number_of_the_family_and_an_error_are_read),
		cmocka_unit_test(a_service_is_the_same_after_a_message),
		cmocka_unit_test(a_netmask_covers_the_first_bits),
		cmocka_unit_test(a_record_that_is_cut_off_is_no_record),
		cmocka_unit_test(an_attribute_longer_than_its_message_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
