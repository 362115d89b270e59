#!/bin/sh
# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Makes ./configure from a clone. Not needed in a release.
set -eu

cd "$(dirname "$0")"

missing=
for pair in autoreconf:autoconf automake:automake pkg-config:pkg-config make:make; do
	command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
done
if [ -n "$missing" ]; then
	echo "autogen.sh: missing:$missing (apt-get install$missing)" >&2
	exit 1
fi

exec autoreconf --install --force "$@"
