/** A process for `lmdb.test.ts`: puts images for ever, and prints the id of each one that is acknowledged. */
import { writeSync } from 'node:fs';
import { toHex } from '../src/base/bytes.ts';
import { openLmdbStore } from '../src/stores/lmdb-store.ts';
import { bytes, floats } from './support.ts';

const [folder = '', seed = '0'] = process.argv.slice(2);
const parameters = bytes(32, 1);
const store = openLmdbStore(folder);
await store.commit([{ kind: 'begin', parameters, ranking: 'server', vectorDims: 4, state: 'active' }]);
for (let i = Number(seed); ; i++) {
  const id = bytes(16, i);
  await store.commit([
    {
      kind: 'put',
      parameters,
      id,
      tokens: new BigUint64Array(2),
      vector: floats(4, i),
      sealed: bytes(50, i),
      wrapped: bytes(72, i),
      blob: new Uint8Array(1000 * (i % 200)).fill(i),
    },
  ]);
  writeSync(1, `${toHex(id)}\n`);
}
