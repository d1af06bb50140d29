/* SPDX-License-Identifier: Apache-2.0 */
/* names: of entries inside a shard and of objects of a snapshot. What passes here can be a file's name in a directory and nothing else. */
#pragma once

#include <stdbool.h>

/* [A-Za-z0-9._%-], 1 to 255 of them, not beginning with a dot. */
bool names_entry_valid(const char *name);
/* Names that the stream itself gives to entries of a pipe: index-NNNN.json, manifest.json. */
bool names_entry_reserved(const char *name);

bool names_sha256_valid(const char *hex); /* 64 lower-case hexadecimal digits */

enum names_kind { NAMES_SHARD, NAMES_INDEX, NAMES_CHECKPOINT, NAMES_OTHER };
/* Kind of a snapshot's object, encrypted or not; *ret_number (may be NULL) of a shard or index. */
enum names_kind names_object(const char *key, unsigned *ret_number);
void names_shard(unsigned number, char ret[64]);
void names_index(unsigned number, char ret[64]);
bool names_sealed(const char *key); /* the name of something encrypted: it ends in .age */
void names_seal(char key[64]);      /* make it that */

#define NAMES_CHECKPOINT_JSON "checkpoint.json"
#define NAMES_MANIFEST_JSON "manifest.json"
