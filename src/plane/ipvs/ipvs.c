/* SPDX-License-Identifier: ISC
 * Copyright (c) 2026 the lbcluster authors
 *
 * The kind of data plane "ipvs"; see ipvs.h.
 */
#include "plane/ipvs/ipvs.h"

#include "plane/ipvs/ipvs_private.h"

const struct plane_kind_ops ipvs_plane = {
	.kind = "ipvs",
	.states = {
		[PLANE_READY] = { "ready", NULL, NULL },
		[PLANE_DRAIN] = { "weight 0", "drained by lbcluster",
		    "weight 0 by another program" },
		[PLANE_OUT] = { "removed", "removed by lbcluster", "removed by another program" },
	},
	.weight_advice = "stop that (keepalived, ldirectord, ipvsadm)",
	.state_advice = "stop that (keepalived, ldirectord, ipvsadm)",
	.out_removes = true,
	.open = ipvs_plane_open,
	.close = ipvs_plane_close,
	.targets_set = ipvs_plane_targets_set,
	.settings_set = ipvs_plane_settings_set,
	.poll = ipvs_plane_poll,
	.apply = ipvs_plane_apply,
	.adopt = ipvs_plane_adopt,
	.withdraw = ipvs_plane_withdraw,
	.sweep = ipvs_plane_sweep,
};
