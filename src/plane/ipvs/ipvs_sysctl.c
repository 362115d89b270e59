/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The settings of the kernel that IPVS depends on; see ipvs_sysctl.h.
 */
#include "plane/ipvs/ipvs_sysctl.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "util/memory.h"
#include "util/num.h"

/* Returns the number of a sysctl of IPVS; 'otherwise' if the kernel does not have it. */
static int
sysctl_read(const char *name, int otherwise)
{
	char path[64], text[16] = "";
	uint64_t number;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/vs/%s", name);
	file = fopen(path, "re");
	if (file == NULL)
		return otherwise;
	if (fgets(text, sizeof(text), file) != NULL)
		text[strcspn(text, "\n")] = '\0';
	fclose(file);
	return num_parse(text, 0, INT_MAX, &number) == ERR_OK ? (int)number : otherwise;
}

static bool
is_persistent(const struct ipvs_row_service *service)
{
	return (service->service.flags & IP_VS_SVC_F_PERSISTENT) != 0;
}

static bool
is_udp(const struct ipvs_row_service *service)
{
	return service->udp;
}

/* The settings of the kernel that a cluster needs. The driver never writes them, because they
 * belong to all programs of the network namespace. */
static const struct {
	const char	*name;
	int		 wanted;
	bool		(*needs)(const struct ipvs_row_service *service);	/* NULL: all do */
	const char	*text;
} sysctls[] = {
	{ "expire_nodest_conn", 1, is_udp, "clients of UDP stay with a server that was removed" },
	{ "expire_quiescent_template", 1, is_persistent,
	    "persistent clients stay with a server that drains" },
	{ "run_estimation", 1, NULL, "the kernel counts no traffic" },
};

static bool
sysctl_needed(const struct ipvs_rows *rows, size_t i)
{
	bool needed = sysctls[i].needs == NULL;

	for (size_t j = 0; j < rows->n_services && !needed; j++)
		needed = sysctls[i].needs(&rows->services[j]);
	return needed;
}

void
ipvs_sysctl_remark(const struct ipvs_rows *rows, char remark[MODEL_MESSAGE_MAX + 1],
    bool *ret_counts)
{
	remark[0] = '\0';
	for (size_t i = 0; i < ROWS(sysctls); i++) {
		int value = sysctl_read(sysctls[i].name, sysctls[i].wanted);

		if (sysctls[i].needs == NULL)
			*ret_counts = value != 0;
		if (value == sysctls[i].wanted || remark[0] != '\0' || !sysctl_needed(rows, i))
			continue;
		snprintf(remark, MODEL_MESSAGE_MAX + 1, "%s; run sysctl -w net.ipv4.vs.%s=%d",
		    sysctls[i].text, sysctls[i].name, sysctls[i].wanted);
	}
}
