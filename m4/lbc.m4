# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Probes of compiler and linker flags, and the list of what is missing.

# LBC_CFLAG(VARIABLE, FLAG [, ALSO]): appends FLAG to VARIABLE where the compiler
# takes it without a word. ALSO: flags that FLAG needs beside it.
AC_DEFUN([LBC_CFLAG], [
AS_VAR_PUSHDEF([lbc_var], [lbc_cv_cflag_$2])
AC_CACHE_CHECK([whether $CC takes $2], [lbc_var], [
  lbc_saved_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -Werror $3 $2"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[int lbc_probe(int x);
    int lbc_probe(int x) { return x + 1; }]], [[return lbc_probe(-1);]])],
    [AS_VAR_SET([lbc_var], [yes])], [AS_VAR_SET([lbc_var], [no])])
  CFLAGS=$lbc_saved_CFLAGS
])
AS_VAR_IF([lbc_var], [yes], [$1="$$1 $2"])
AS_VAR_POPDEF([lbc_var])
])

# LBC_LDFLAG(VARIABLE, FLAG [, CFLAGS]): the same for a flag of the linker, tried
# with a program compiled with CFLAGS.
AC_DEFUN([LBC_LDFLAG], [
AS_VAR_PUSHDEF([lbc_var], [lbc_cv_ldflag_$2])
AC_CACHE_CHECK([whether $CC links with $2], [lbc_var], [
  lbc_saved_CFLAGS=$CFLAGS
  lbc_saved_LDFLAGS=$LDFLAGS
  CFLAGS="$CFLAGS -Werror $3"
  LDFLAGS="$LDFLAGS $2"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
    [AS_VAR_SET([lbc_var], [yes])], [AS_VAR_SET([lbc_var], [no])])
  CFLAGS=$lbc_saved_CFLAGS
  LDFLAGS=$lbc_saved_LDFLAGS
])
AS_VAR_IF([lbc_var], [yes], [$1="$$1 $2"])
AS_VAR_POPDEF([lbc_var])
])

# LBC_MISSING(WHAT, PACKAGE): remembers it; LBC_MISSING_REPORT names all at once.
AC_DEFUN([LBC_MISSING], [
  lbc_missing="$lbc_missing
  missing: $1 (apt-get install $2)"
  lbc_missing_packages="$lbc_missing_packages $2"
])

AC_DEFUN([LBC_MISSING_REPORT], [
  AS_IF([test -n "$lbc_missing"], [AC_MSG_ERROR([needed to build, and not found:
$lbc_missing

  All at once, on Debian 12 or 13:  apt-get install$lbc_missing_packages
])])
])

# LBC_PKG(PREFIX, MODULE, WHAT, PACKAGE): a library that pkg-config knows.
AC_DEFUN([LBC_PKG], [
  AS_IF([test -n "$PKG_CONFIG"], [
    PKG_CHECK_MODULES([$1], [$2], [], [LBC_MISSING([$3], [$4])])
  ], [LBC_MISSING([$3], [$4])])
])

# LBC_TEST_TOOL(VARIABLE, PROGRAM, PACKAGE): a program that only tests need.
AC_DEFUN([LBC_TEST_TOOL], [
  AC_PATH_PROG([$1], [$2], [], [$PATH:/usr/sbin:/sbin])
  AS_IF([test -z "$$1"], [lbc_untested="$lbc_untested
    $2 (apt-get install $3)"])
])
