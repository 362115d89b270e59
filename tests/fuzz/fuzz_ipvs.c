/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Fuzz target of the replies of IPVS: the input is what recv(2) returns.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "plane/ipvs/ipvs_message.h"

const char fuzz_corpus[] = "ipvs";

/* The text of a key of a known protocol names the same key. */
static void
key_try(const struct ipvs_key *key)
{
	char text[IPVS_KEY_TEXT_SIZE];
	struct ipvs_key read;

	ipvs_key_text(key, text);
	if (strchr(text, '?') != NULL)
		return;
	require(ipvs_key_parse(text, &read), "%s is not read", text);
	require(ipvs_key_compare(key, &read) == 0, "%s is another key", text);
}

/* A message made of a service has the same service. */
static void
service_try(const struct ipvs_service *service)
{
	struct nl_msg *message = ipvs_message_change(30, 1, IPVS_CMD_NEW_SERVICE, service, NULL);
	struct ipvs_reply reply = { .kind = IPVS_REPLY_DATA };
	struct ipvs_service read;

	if (message == NULL)
		abort();
	reply.message = nlmsg_hdr(message);
	require(ipvs_reply_service(&reply, &read), "the service is not read");
	require(ipvs_key_compare(&read.key, &service->key) == 0 &&
	    strcmp(read.scheduler, service->scheduler) == 0 && read.flags == service->flags &&
	    read.timeout_s == service->timeout_s && read.netmask == service->netmask,
	    "the service differs");
	nlmsg_free(message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nlmsghdr *copy = malloc(size + 1), *at = copy;
	struct ipvs_service service;
	struct ipvs_reply reply;
	struct ipvs_dest dest;
	int left = (int)size;
	uint16_t family;

	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	while (ipvs_reply_next(&at, &left, &reply)) {
		(void)ipvs_reply_family(&reply, &family);
		(void)ipvs_reply_dest(&reply, &dest);
		if (!ipvs_reply_service(&reply, &service))
			continue;
		key_try(&service.key);
		service_try(&service);
	}
	free(copy);
	return 0;
}
