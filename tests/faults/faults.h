/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * A table of the kinds of faults: what fails, and which errors the store may then return.
 */
#ifndef TESTS_FAULTS_FAULTS_H
#define TESTS_FAULTS_FAULTS_H

#include "../unit/store_fixture.h"

/* An error code as a bit. */
#define FAULT_CODE(code) (1u << (code))

struct fault_kind {
	const char	*name;
	/* Makes the n-th operation from now on fail. */
	void		(*arm)(struct fixture *f, unsigned what, long n);
	unsigned	 what;		/* enum disk_operation, or the errno of a system call */
	unsigned	 codes;		/* permitted errors, besides ERR_OK */
};

extern const struct fault_kind fault_kinds[];
extern const size_t fault_kinds_count;

/* Ends all faults and releases all locks. */
void faults_disarm(void);
/* True if the fault happened, also after faults_disarm(). */
bool fault_came(void);

#endif
