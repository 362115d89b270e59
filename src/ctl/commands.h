/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The commands, one function each. ctl_main.c has the table of them.
 */
#ifndef CTL_COMMANDS_H
#define CTL_COMMANDS_H

#include "ctl/ctl.h"

enum ctl_exit cmd_list(struct ctl *ctl);
enum ctl_exit cmd_info(struct ctl *ctl);
enum ctl_exit cmd_statistics(struct ctl *ctl);
enum ctl_exit cmd_set(struct ctl *ctl);
enum ctl_exit cmd_job(struct ctl *ctl);
enum ctl_exit cmd_load(struct ctl *ctl);
enum ctl_exit cmd_export(struct ctl *ctl);
enum ctl_exit cmd_import(struct ctl *ctl);
enum ctl_exit cmd_oid(struct ctl *ctl);
enum ctl_exit cmd_remove(struct ctl *ctl);
enum ctl_exit cmd_discover(struct ctl *ctl);
enum ctl_exit cmd_doctor(struct ctl *ctl);

/* Does what "load" does with an inventory in memory; 'name' is for its messages. The plane of
 * a cluster that exists changes only with CTL_CHANGE_PLANE. */
struct inventory;
enum ctl_exit cmd_load_inventory(struct ctl *ctl, struct inventory *inventory, const char *name);

#endif
