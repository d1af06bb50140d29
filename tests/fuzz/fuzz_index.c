/* SPDX-License-Identifier: Apache-2.0 */
/* index: any bytes as the JSON of one part. What is taken has names that are files' names and digests that are digests; what is not leaves what was there. */
#include "fuzz.h"
#include "stream/index_read.h"
#include "stream/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream_index ix = { 0 };
	struct error err;
	char *text = fuzz_text(data, size);
	enum status st = index_read_part(text, size, "it", &ix, &err);
	fuzz_require(st == ST_OK || err.kind == ERR_SNAPSHOT);
	size_t n = ix.n;
	for (size_t i = 0; i < n; i++)
		fuzz_require(names_entry_valid(ix.item[i].name) && names_sha256_valid(ix.item[i].sha256));
	/* Again, behind it: as many once more. */
	fuzz_require(index_read_part(text, size, "it", &ix, &err) == st && ix.n == 2 * n);
	stream_index_free(&ix);
	free(text);
	return 0;
}
