/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Checks of the doctor on the kernel's IPVS and on the clusters that lbcluster-ipvs serves.
 */
#ifndef CTL_DOCTOR_IPVS_H
#define CTL_DOCTOR_IPVS_H

#include "ctl/doctor.h"
#include "ctl/inventory.h"
#include "plane/ipvs/ipvs_table.h"

/* Zeros are the state before doctor_ipvs_begin(). */
struct doctor_ipvs {
	struct inventory	*inventory;	/* NULL: it could not be read */
	struct ipvs_table	 table;		/* of the kernel, if 'answers' */
	bool			 asked, answers;
	uint32_t		 schedulers;	/* 1u << enum param_scheduler: examined */
};

/* Reads the rows of the store. Reports the files of clusters that the store no longer has. */
void doctor_ipvs_begin(struct doctor *doctor, struct doctor_ipvs *ipvs);
void doctor_ipvs_end(struct doctor_ipvs *ipvs);

/* Checks a cluster of plane ipvs; the first call also checks the kernel and the driver. 'driver' is
 * the process of lbcluster-ipvs; its pid is 0 if it does not run. True if there was no FAIL to
 * report. */
bool doctor_ipvs_check(struct doctor *doctor, struct doctor_ipvs *ipvs,
    const struct cluster_row *row, const struct process *driver);

#endif
