// SPDX-License-Identifier: Apache-2.0
// age_vectors.mjs PACKAGE-DIRECTORY TARGET-DIRECTORY: writes out the published test vectors of the age format, one file each, inflated where they
// are deflated, so that a test in C needs no zlib.
import fs from 'node:fs';
import path from 'node:path';
import url from 'node:url';
import zlib from 'node:zlib';

const [from, to] = process.argv.slice(2);
const vectors = await import(url.pathToFileURL(path.join(path.resolve(from), 'index.js')));
let written = 0;
for (const [name, bytes] of Object.entries(vectors)) {
	if (!/^[a-z0-9_]+$/.test(name) || !(bytes instanceof Uint8Array))
		continue;
	const all = Buffer.from(bytes), end = all.indexOf('\n\n') + 2;
	const head = all.subarray(0, end).toString('latin1');
	const deflated = head.includes('compressed: zlib\n');
	const body = deflated ? zlib.inflateSync(all.subarray(end)) : all.subarray(end);
	fs.writeFileSync(path.join(to, name), Buffer.concat([Buffer.from(head.replace('compressed: zlib\n', ''), 'latin1'), body]));
	written++;
}
if (written < 100)
	throw new Error(`only ${written} vectors`);
