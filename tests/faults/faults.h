/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The kinds of faults, as a table: what fails, and which errors a store may then give.
 */
#ifndef TESTS_FAULTS_FAULTS_H
#define TESTS_FAULTS_FAULTS_H

#include "../unit/store_fixture.h"

/* Codes as bits. */
#define FAULT_CODE(code) (1u << (code))

struct fault_kind {
	const char	*name;
	/* From now on, the n-th. */
	void		(*arm)(struct fixture *f, unsigned what, long n);
	unsigned	 what;		/* enum disk_operation; of a system call its errno */
	unsigned	 codes;		/* that may be answered, beside ERR_OK */
};

extern const struct fault_kind fault_kinds[];
extern const size_t fault_kinds_count;

/* Nothing fails any more, and nobody else has a lock. */
void faults_disarm(void);
/* True if the fault came to pass, also after faults_disarm(). */
bool fault_came(void);

#endif
