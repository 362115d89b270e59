/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The command remove: a row and all below it, in one transaction.
 */
#include "ctl/ctl.h"

static const struct out_column columns[] = {
	{ "path", "PATH", OUT_TEXT },
	{ "removed", "REMOVED", OUT_NUMBER },
};

/* Counts the rows that go, and finds the one that is named. */
struct count {
	uint64_t	rows;
};

static enum err_code
count_cluster(void *arg, const struct cluster_row *row)
{
	struct count *count = arg;

	(void)row;
	count->rows++;
	return ERR_OK;
}

static enum err_code
count_service(void *arg, const struct path *path, const struct service_row *row)
{
	struct count *count = arg;

	(void)path;
	(void)row;
	count->rows++;
	return ERR_OK;
}

static enum err_code
count_real(void *arg, const struct store_real_view *view)
{
	struct count *count = arg;

	(void)view;
	count->rows++;
	return ERR_OK;
}

static enum err_code
remove_row(struct ctl *ctl, const struct path *path, struct count *count, struct err *err)
{
	static const enum store_kind kinds[] = {
		[DEPTH_CLUSTER] = STORE_CLUSTER,
		[DEPTH_SERVICE] = STORE_SERVICE,
		[DEPTH_REAL] = STORE_REAL,
	};
	enum path_depth depth = path_depth(path);
	uint32_t ids[DEPTH_REAL + 1] = { 0 };
	enum err_code code;

	code = store_find(ctl->store, path, &ids[DEPTH_CLUSTER], &ids[DEPTH_SERVICE],
	    &ids[DEPTH_REAL], err);
	if (code == ERR_OK)
		code = store_each_real(ctl->store, path, count_real, count, err);
	if (code == ERR_OK && depth <= DEPTH_SERVICE)
		code = store_each_service(ctl->store, path, count_service, count, err);
	if (code == ERR_OK && depth <= DEPTH_CLUSTER)
		code = store_each_cluster(ctl->store, path, count_cluster, count, err);
	if (code == ERR_OK)
		code = store_remove(ctl->store, kinds[depth], ids[depth], err);
	return code;
}

enum ctl_exit
ctl_remove(struct ctl *ctl, char **operands, int n)
{
	struct out_value values[2];
	struct count count = { 0 };
	char text[PATH_TEXT_SIZE];
	enum ctl_exit status;
	enum err_code code;
	struct path path;
	struct err err;

	(void)n;
	status = ctl_open_path(ctl, operands[0], &path);
	if (status != CTL_OK)
		return status;
	code = store_begin(ctl->store, &err);
	if (code != ERR_OK)
		return ctl_error(ctl, NULL, &err);
	code = remove_row(ctl, &path, &count, &err);
	if (code == ERR_OK)
		code = store_commit(ctl->store, &err);
	else
		store_rollback(ctl->store);
	if (code != ERR_OK)
		return ctl_error(ctl, &path, &err);
	values[0] = (struct out_value){ .text = path_text(&path, text) };
	values[1] = (struct out_value){ .number = count.rows };
	out_object(ctl->out, ctl->format, columns, 2, values);
	return CTL_OK;
}
