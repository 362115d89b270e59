/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * Reads LBCLUSTER-MIB for the tests: the part of SMIv2 (RFC 2578, 2579) that the module and
 * mibs/base use. An unknown clause fails the test.
 */
#ifndef TESTS_UNIT_SMI_H
#define TESTS_UNIT_SMI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SMI_WORD = 64, SMI_OBJECTS_MAX = 400, SMI_CONVENTIONS_MAX = 32, SMI_LABELS_MAX = 20 };

struct smi_label {
	char	name[SMI_WORD];
	long	number;
};

/* A syntax with all textual conventions resolved, and its bounds. */
struct smi_syntax {
	char		name[SMI_WORD];	/* as written: LbcName */
	char		base[SMI_WORD];	/* OCTET, INTEGER, OBJECT, Unsigned32, Gauge32 ... */
	bool		bounds;
	long		min, max;
	struct smi_label labels[SMI_LABELS_MAX];
	size_t		labels_count;
};

struct smi_object {
	char		name[SMI_WORD];
	char		parent[SMI_WORD];
	uint32_t	sub;
	bool		is_type;	/* OBJECT-TYPE, not OBJECT IDENTIFIER */
	bool		is_sequence;	/* table or entry */
	struct smi_syntax syntax;
	char		access[SMI_WORD];
	char		index[4][SMI_WORD];	/* or the augmented entry */
	size_t		index_count;
	bool		augments;
};

extern struct smi_object smi_objects[SMI_OBJECTS_MAX];	/* of LBCLUSTER-MIB */
extern size_t smi_objects_count;
extern struct smi_syntax smi_conventions[SMI_CONVENTIONS_MAX];	/* also of mibs/base */
extern size_t smi_conventions_count;

/* Reads mibs/ of $abs_top_srcdir. Setup of a group of tests. */
int smi_read(void **state);

/* Returns NULL if there is no such object. */
const struct smi_object *smi_find(const char *name);
/* Returns the syntax of a convention or of an object, or NULL. */
const struct smi_syntax *smi_syntax_find(const char *name);
/* Writes the sub-identifiers of an object below lbcMIB and returns their number. */
size_t smi_place(const struct smi_object *object, uint32_t ret[8]);

#endif
