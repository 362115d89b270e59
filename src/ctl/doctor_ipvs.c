/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Checks of the doctor on IPVS; see doctor_ipvs.h.
 */
#include "ctl/doctor_ipvs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check/check_file.h"
#include "plane/ipvs/ipvs_failure.h"
#include "plane/ipvs/ipvs_owned.h"
#include "plane/ipvs/ipvs_rows.h"
#include "plane/ipvs/ipvs_sysctl.h"
#include "plane/params.h"

enum { TIMEOUT_MS = 5000, CAP_NET_ADMIN_BIT = 12 };

/* -- the kernel and the driver --------------------------------------------------------------- */

/* Reads the effective capabilities of a process. False if they are unknown. */
static bool
capabilities_read(pid_t pid, unsigned long long *ret)
{
	static const char name[] = "CapEff:";
	char path[64], line[128];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
	file = fopen(path, "re");
	while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
		found = strncmp(line, name, strlen(name)) == 0;
		if (found)
			*ret = strtoull(line + strlen(name), NULL, 16);
	}
	if (file != NULL)
		fclose(file);
	return found;
}

/* True if the driver works in the network namespace of this process, as far as that is known. */
static bool
namespace_is_shared(pid_t pid)
{
	char path[64], own[64] = "", other[64] = "";

	snprintf(path, sizeof(path), "/proc/%ld/ns/net", (long)pid);
	return readlink("/proc/self/ns/net", own, sizeof(own) - 1) == -1 ||
	    readlink(path, other, sizeof(other) - 1) == -1 || strcmp(own, other) == 0;
}

static void
driver_check(struct doctor *doctor, const struct process *driver)
{
	unsigned long long capabilities = 0;
	char user[CTL_NAME_SIZE];

	if (driver->pid != 0 && capabilities_read(driver->pid, &capabilities) &&
	    (capabilities >> CAP_NET_ADMIN_BIT & 1) == 0)
		doctor_fail(doctor, doctor_fix(doctor, "kill %ld\nsystemctl restart lbcluster-ipvs",
		    (long)driver->pid), "lbcluster-ipvs, pid %ld, user %s: has no capability"
		    " CAP_NET_ADMIN", (long)driver->pid, ctl_user(driver->uid, user));
}

static void
kernel_ask(struct doctor *doctor, struct doctor_ipvs *ipvs, const struct process *driver)
{
	char message[MODEL_MESSAGE_MAX + 1];
	int error;

	ipvs->asked = true;
	driver_check(doctor, driver);
	if (driver->pid != 0 && !namespace_is_shared(driver->pid)) {
		doctor_unknown(doctor, doctor_fix(doctor, "nsenter -t %ld -n lbclusterctl doctor",
		    (long)driver->pid), "IPVS: lbcluster-ipvs works in another network namespace");
		return;
	}
	error = ipvs_table_read(&ipvs->table, TIMEOUT_MS);
	if (error == EPERM) {
		doctor_need_root(doctor, "IPVS: you may not read its table");
		return;
	}
	if (error != 0) {
		ipvs_failure(NULL, error, message);
		doctor_fail(doctor, error == IPVS_NO_MODULE ? "modprobe ip_vs" : NULL, "%s",
		    message);
		return;
	}
	ipvs->answers = true;
	doctor_ok(doctor, "IPVS: the kernel answers, %zu virtual service%s", ipvs->table.n,
	    ipvs->table.n == 1 ? "" : "s");
}

/* -- schedulers ------------------------------------------------------------------------------ */

/* True if the kernel has the module of the scheduler or can load it, as far as that is known. */
static bool
scheduler_exists(const struct doctor_ipvs *ipvs, const char *scheduler)
{
	char module[32], path[64], text[RUN_TEXT_MAX];
	const char *const argv[] = { "modprobe", "-n", "-q", module, NULL };
	int ended = 0;

	for (size_t i = 0; i < ipvs->table.n; i++) {
		if (strcmp(ipvs->table.entries[i].service.scheduler, scheduler) == 0)
			return true;
	}
	snprintf(module, sizeof(module), "ip_vs_%.16s", scheduler);
	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return access(path, F_OK) == 0 || run_program(argv, TIMEOUT_MS, text, &ended) != 0 ||
	    ended == 0;
}

static bool
schedulers_check(struct doctor *doctor, struct doctor_ipvs *ipvs, const char *cluster,
    const struct ipvs_rows *rows)
{
	bool good = true;

	for (size_t i = 0; i < rows->n_services; i++) {
		const char *scheduler = rows->services[i].service.scheduler;
		unsigned int at = 0;

		while (param_schedulers[at] != NULL && strcmp(param_schedulers[at], scheduler) != 0)
			at++;
		if ((ipvs->schedulers & 1u << at) != 0)
			continue;
		ipvs->schedulers |= 1u << at;
		if (scheduler_exists(ipvs, scheduler))
			continue;
		good = false;
		doctor_fail(doctor, doctor_fix(doctor, "modprobe ip_vs_%s", scheduler), "%s: the"
		    " kernel has no scheduler %s, and modprobe does not find ip_vs_%s", cluster,
		    scheduler, scheduler);
	}
	return good;
}

/* -- sysctls --------------------------------------------------------------------------------- */

/* Reports the first setting of the kernel that is not as the cluster needs it. The plane writes it
 * with the command after "; run ". */
static bool
sysctls_check(struct doctor *doctor, const char *cluster, const struct ipvs_rows *rows)
{
	char remark[MODEL_MESSAGE_MAX + 1];
	const char *command;
	bool counts = true;

	ipvs_sysctl_remark(rows, remark, &counts);
	command = strstr(remark, "; run ");
	if (command == NULL)
		return true;
	doctor_fail(doctor, doctor_fix(doctor, "%s", command + strlen("; run ")), "%s: %.*s",
	    cluster, (int)(command - remark), remark);
	return false;
}

/* -- ownership ------------------------------------------------------------------------------- */

/* Reports the services that exist and that lbcluster does not own. */
static bool
owner_check(struct doctor *doctor, const struct doctor_ipvs *ipvs, const struct cluster_row *row,
    const struct ipvs_rows *rows)
{
	const char *fix = doctor_fix(doctor, "lbcluster-ipvs --adopt %s", row->name);
	char name[IPVS_KEY_TEXT_SIZE] = "";
	struct ipvs_owned owned;
	struct err err;
	size_t n = 0;
	enum err_code code = ipvs_owned_read(ipvs_directory(), row->id, &owned, &err);

	for (size_t i = 0; i < rows->n_services && code == ERR_OK; i++) {
		const struct ipvs_key *key = &rows->services[i].service.key;

		if (!ipvs_owned_has(&owned, key) && ipvs_table_service(&ipvs->table, key) != NULL &&
		    n++ == 0)
			ipvs_key_text(key, name);
	}
	ipvs_owned_done(&owned);
	if (code != ERR_OK && geteuid() != 0)
		doctor_need_root(doctor, "%s: %s", row->name, err.text);
	else if (code != ERR_OK)
		doctor_fail(doctor, fix, "%s: %s", row->name, err.text);
	else if (n > 0)
		doctor_fail(doctor, fix, "%s: lbcluster did not make %s%s, so it leaves %s alone;"
		    " stop the program that made %s as lbcluster-ipvs-migrate(7) says", row->name,
		    name, n > 1 ? " and other services" : "", n > 1 ? "them" : "it",
		    n > 1 ? "them" : "it");
	return code == ERR_OK && n == 0;
}

static const struct inventory_cluster *
cluster_of_id(const struct inventory *inventory, uint32_t id)
{
	const struct inventory_cluster *cluster = inventory->clusters;

	while (cluster != NULL && (cluster->id != id || strcmp(cluster->plane, "ipvs") != 0))
		cluster = cluster->next;
	return cluster;
}

/* Reports the files of clusters that the store no longer has. The driver removes their services. */
static void
left_report(struct doctor *doctor, const struct inventory *inventory)
{
	uint32_t *ids = NULL;
	size_t n = 0;

	if (ipvs_owned_clusters(ipvs_directory(), &ids, &n, NULL) != ERR_OK)
		return;
	for (size_t i = 0; i < n; i++) {
		if (cluster_of_id(inventory, ids[i]) == NULL)
			doctor_warn(doctor, "systemctl restart lbcluster-ipvs", "%s/%u: the store"
			    " has no cluster %u with plane ipvs; its services stay in the kernel"
			    " until lbcluster-ipvs removes them", ipvs_directory(), ids[i], ids[i]);
	}
	free(ids);
}

/* -- files of command checks ----------------------------------------------------------------- */

/* Checks a file of checks.d, and that the user of the driver may run it. */
static bool
command_check(struct doctor *doctor, const char *object, const char *name,
    const struct process *driver)
{
	char message[CHECK_MESSAGE_SIZE], path[PATH_MAX], part[PATH_MAX], user[CTL_NAME_SIZE];
	struct process account;
	struct stat st;
	int error, dir;

	if (!driver->known)
		(void)process_of_user(DOCTOR_USER, &account);
	else
		account = *driver;
	snprintf(path, sizeof(path), "%s/%s", CHECK_FILE_DIR, name);
	dir = check_file_open(CHECK_FILE_DIR, name, message, &error);
	if (dir == -1) {
		doctor_fail(doctor, error != EACCES ? doctor_fix(doctor, "install -d -o root -g"
		    " root -m 755 %s\ninstall -o root -g root -m 755 FILE %s", CHECK_FILE_DIR,
		    path) : doctor_fix(doctor, "chown root:root %s %s\nchmod 755 %s %s",
		    CHECK_FILE_DIR, path, CHECK_FILE_DIR, path), "%s: check-command %s: %s", object,
		    name, message);
		return false;
	}
	close(dir);
	if (!account.known || process_reach(&account, path, ACCESS_PASS, part, &st) != EACCES)
		return true;
	doctor_fail(doctor, doctor_fix(doctor, "chmod 755 %s", part), "%s: check-command %s: %s"
	    " has mode %04o: the user of lbcluster-ipvs, %s, may not run it", object, name, part,
	    (unsigned int)st.st_mode & 07777, ctl_user(account.uid, user));
	return false;
}

/* Checks each file once that the real services of a service name. */
static bool
commands_check(struct doctor *doctor, const struct inventory_cluster *cluster,
    const struct inventory_service *service, const struct process *driver)
{
	char object[2 * MODEL_NAME_MAX + 2], latest[MODEL_NAME_MAX + 1] = "";
	struct params params;
	struct err err;
	bool good = true;

	snprintf(object, sizeof(object), "%s/%s", cluster->name, service->name);
	for (const struct inventory_real *real = service->reals; real != NULL; real = real->next) {
		if (params_real("ipvs", service->params, real->params, service->protocol, &params,
		    &err) != ERR_OK || params.check != PARAM_CHECK_COMMAND ||
		    strcmp(latest, params.check_command) == 0)
			continue;
		snprintf(latest, sizeof(latest), "%s", params.check_command);
		good &= command_check(doctor, object, latest, driver);
	}
	return good;
}

/* -- a cluster ------------------------------------------------------------------------------- */

static size_t
targets_count(const struct inventory_cluster *cluster)
{
	size_t n = 0;

	for (const struct inventory_service *service = cluster->services; service != NULL;
	    service = service->next) {
		n++;
		for (const struct inventory_real *real = service->reals; real != NULL;
		    real = real->next)
			n++;
	}
	return n;
}

/* Makes the rows of a cluster as the plane has them. ERR_INVALID: they break a rule, which the
 * driver reports in the status of the cluster. */
static enum err_code
rows_make(const struct inventory_cluster *cluster, struct ipvs_rows *rows, struct err *err)
{
	struct plane_target *targets = calloc(targets_count(cluster) + 1, sizeof(*targets));
	enum err_code code;
	size_t n = 0;

	if (targets == NULL)
		return err_set(err, ERR_NOMEM, "%s", err_name(ERR_NOMEM));
	for (const struct inventory_service *service = cluster->services; service != NULL;
	    service = service->next) {
		targets[n++] = (struct plane_target){ .id = service->id, .is_service = true,
		    .name = service->name, .address = service->address, .port = service->port,
		    .params = service->params, .protocol = service->protocol,
		    .enabled = service->enabled };
		for (const struct inventory_real *real = service->reals; real != NULL;
		    real = real->next)
			targets[n++] = (struct plane_target){ .id = real->id, .name = real->name,
			    .address = real->address, .port = real->port, .params = real->params,
			    .enabled = real->enabled, .weight = real->weight,
			    .fallback = real->fallback };
	}
	code = ipvs_rows_set(rows, cluster->name, targets, n, err);
	free(targets);
	return code;
}

static bool
makes_services(const struct cluster_row *row)
{
	struct params params;
	struct err err;

	params_default(&params);
	return params_read("ipvs", PARAM_CLUSTER, row->plane_params, &params, &err) != ERR_OK ||
	    params.manage == PARAM_MANAGE_ALL;
}

bool
doctor_ipvs_check(struct doctor *doctor, struct doctor_ipvs *ipvs, const struct cluster_row *row,
    const struct process *driver)
{
	const struct inventory_cluster *cluster = ipvs->inventory == NULL ? NULL :
	    cluster_of_id(ipvs->inventory, row->id);
	struct ipvs_rows rows = { 0 };
	bool good = true;
	struct err err;

	if (!ipvs->asked)
		kernel_ask(doctor, ipvs, driver);
	if (cluster == NULL)
		return true;
	for (const struct inventory_service *service = cluster->services; service != NULL;
	    service = service->next)
		good &= commands_check(doctor, cluster, service, driver);
	if (ipvs->answers && rows_make(cluster, &rows, &err) == ERR_OK) {
		good &= schedulers_check(doctor, ipvs, row->name, &rows);
		good &= sysctls_check(doctor, row->name, &rows);
		if (makes_services(row))
			good &= owner_check(doctor, ipvs, row, &rows);
	}
	ipvs_rows_done(&rows);
	return good;
}

void
doctor_ipvs_begin(struct doctor *doctor, struct doctor_ipvs *ipvs)
{
	struct err err;

	if (inventory_from_store(doctor->ctl->store, NULL, &ipvs->inventory, &err) == ERR_OK)
		left_report(doctor, ipvs->inventory);
	else
		doctor_unknown(doctor, NULL, "%s", err.text);
}

void
doctor_ipvs_end(struct doctor_ipvs *ipvs)
{
	inventory_free(ipvs->inventory);
	ipvs_table_done(&ipvs->table);
}
