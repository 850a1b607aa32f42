/* SPDX-License-Identifier: Apache-2.0
 *
 * The plugin's own manifest, in the ELF note section ".note.heddle": what the plugin is and which types it offers. The host lists,
 * searches and judges a plugin by its notes without running any of its code; a note survives strip(1).
 *
 * A note record (System V gABI, "Note Section"): owner "heddle", type HEDDLE_NOTE_PLUGIN once and HEDDLE_NOTE_TYPE once per type, and as its
 * content one JSON object, UTF-8, with a terminating NUL. The plugin's object:
 *   "plugin": "node_acme"       required; unique on a machine
 *   "version": "1.4.2"          required; semantic version
 *   "abi": [1, 0]               major, and the lowest minor the plugin needs; HEDDLE_NOTE_ABI writes it
 *   "license": "", "summary": "", "homepage": "", "package": ""   (package: the Debian package that ships it)
 * A type's object is its descriptor: see the header of its kind (node.h, store.h).
 */
#ifndef HEDDLE_NOTE_H
#define HEDDLE_NOTE_H

#include "abi.h"

#define HEDDLE_NOTE_OWNER  "heddle"
#define HEDDLE_NOTE_PLUGIN 1u
#define HEDDLE_NOTE_TYPE   2u

/* The "abi" member of the plugin's object for the headers that it is built with. */
#define HEDDLE_NOTE_ABI "\"abi\":[1,0]"

/* Writes one note record. `ident`: any identifier, unique in the file. `text`: a string literal. */
#define HEDDLE_NOTE(ident, note_type, text)                                                              \
    static const struct {                                                                               \
        uint32_t namesz, descsz, type;                                                                  \
        char     name[8];                                                                               \
        char     desc[sizeof(text)];                                                                    \
    } ident __attribute__((section(".note.heddle"), used, aligned(4))) = {7u, sizeof(text), note_type, \
                                                                          HEDDLE_NOTE_OWNER, text}

#endif
