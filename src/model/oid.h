/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The root of LBCLUSTER-MIB, which mibs/LBCLUSTER-MIB.txt defines too. It is below
 * netSnmpPlaypen until an enterprise number is registered.
 */
#ifndef MODEL_OID_H
#define MODEL_OID_H

/* Sub-identifiers of lbcMIB, for the initializer of an array. */
#define OID_LBC_MIB 1, 3, 6, 1, 4, 1, 8072, 9999, 9999, 522

/* lbcObjects below it. */
#define OID_LBC_OBJECTS OID_LBC_MIB, 1

#endif
