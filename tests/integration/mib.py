# SPDX-License-Identifier: ISC
# Copyright (c) 2026 the lbcluster authors
#
# Maps names of LBCLUSTER-MIB to OIDs, from the text of the module: mib.oid('lbcRealWeight', 1,
# 1, 1). Also has what the module says about each object: access, syntax, units, labels.
# fixture.golden has the numbers that must never change.
"""Names of the MIB module to OIDs."""

import os
import re

DIRECTORY = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                          '..', '..', 'mibs'))
with open(os.path.join(DIRECTORY, 'LBCLUSTER-MIB.txt'), encoding='ascii') as _file:
    _TEXT = re.sub(r'--[^\n]*', '', _file.read())

_OUTSIDE = {'enterprises': (1, 3, 6, 1, 4, 1)}

_ASSIGNMENT = re.compile(
    r'^[ \t]*(lbc\w+)[ \t]+(?:MODULE-IDENTITY|OBJECT-TYPE|OBJECT IDENTIFIER|OBJECT-GROUP|'
    r'NOTIFICATION-TYPE|NOTIFICATION-GROUP|MODULE-COMPLIANCE)\b'
    r'(?:"[^"]*"|(?!::=)[^"])*::=\s*\{([^}]*)\}', re.M)

# (name, text of its macro) of each object, textual convention and notification.
_MACROS = re.findall(r'^(\w+)(?: OBJECT-TYPE| NOTIFICATION-TYPE| ::= TEXTUAL-CONVENTION)\s'
                     r'((?:"[^"]*"|[^"])*?)(?=\n\w)', _TEXT, re.M)


def _load():
    found = dict(_OUTSIDE)
    for name, value in _ASSIGNMENT.findall(_TEXT):
        parent, *rest = value.split()
        # A number is written as "netSnmp(8072)" or "8072".
        found[name] = found[parent] + tuple(
            int(re.sub(r'.*\((\d+)\)', r'\1', part)) for part in rest)
    return found


def _first(pattern):
    """The first match in the macro of each object, textual convention and notification."""
    found = ((name, re.search(pattern, macro)) for name, macro in _MACROS)
    return {name: ' '.join(match.group(1).split()) for name, match in found if match}


def _labels():
    """The labels of each enumeration by number; the name of its object or convention."""
    labels = {'TruthValue': {1: 'true', 2: 'false'}}
    owners = {}
    for name, macro in _MACROS:
        values = re.search(r'\bSYNTAX\s+INTEGER\s*\{([^}]*)\}', macro)
        if values:
            labels[name] = {int(n): label
                            for label, n in re.findall(r'(\w+)\((\d+)\)', values.group(1))}
            owners[name] = name
    for name, syntax in SYNTAXES.items():
        if name not in labels and syntax in labels:
            labels[name] = labels[syntax]
            owners[name] = syntax
    return labels, owners


NAMES = _load()
ACCESS = _first(r'\bMAX-ACCESS\s+(read-only|read-write)')  # of each readable object
SYNTAXES = _first(r'\bSYNTAX\s+(\w+)')
UNITS = _first(r'\bUNITS\s+"([^"]*)"')
SUMMARIES = _first(r'\bDESCRIPTION\s+"((?:[^".]|\.(?!\s))*\.)')    # the first sentence
LABELS, LABEL_OWNERS = _labels()
ROOT = NAMES['lbcMIB']

# Every readable column and scalar by its OID.
OBJECTS = {oid: name for name, oid in NAMES.items() if oid[:len(ROOT) + 1] == ROOT + (1,)}


def oid(name, *index):
    """The OID of a name with an index. A text in the index becomes its length and its
    bytes."""
    found = list(NAMES[name])
    for part in index:
        if isinstance(part, str):
            found.append(len(part))
            found.extend(part.encode('ascii'))
        else:
            found.append(part)
    return tuple(found)


def name_of(instance):
    """The name of the object of an instance, or ''."""
    for length in range(len(instance), len(ROOT), -1):
        if instance[:length] in OBJECTS:
            return OBJECTS[instance[:length]]
    return ''


# Values of the enumerations.
TRUE, FALSE = 1, 2
STORE_OK, STORE_READ_ONLY, STORE_LOCKED, STORE_UNAVAILABLE = range(1, 5)
(REJECT_NONE, REJECT_FALLBACK_TAKEN, REJECT_FALLBACK_NEEDS_ENABLED, REJECT_OUT_OF_RANGE,
 REJECT_NO_SUCH_REAL, REJECT_LOCK_MISMATCH, REJECT_QUEUE_FULL, REJECT_STORE_BUSY,
 REJECT_STORE_READ_ONLY, REJECT_OTHER) = range(1, 11)
ENABLE, DISABLE, ENABLE_FALLBACK, DISABLE_FALLBACK, SET_WEIGHT = range(1, 6)
QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED, SUPERSEDED = range(1, 7)
SOURCE_OTHER, SOURCE_SNMP, SOURCE_CLI = range(1, 4)
CURRENT, STALE, NEVER = range(1, 4)
