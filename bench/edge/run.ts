/**
 * The server role in workerd: size of the bundle, time of the first request, time and memory of searches.
 *
 *     npm run edge -- 100000 split
 *     npm run edge -- 5000 server
 *
 * Records have the size and the number of tokens of real ones under the bundled vocabulary; what is in them is random. Memory is what the
 * isolate uses, garbage and buffers outside its heap included, asked after the first request and after every search. Platforms limit it to 128 MB: what a
 * collection leaves, the least of the figures being as near to that as can be seen from outside.
 */
import { cpus } from 'node:os';
import { gzipSync } from 'node:zlib';
import { loadVocabulary } from '../../src/adapters/package-files.ts';
import { createHttpTransport } from '../../src/client/http-transport.ts';
import { DEFAULT_PREFILTERS } from '../../src/client/index-parameters.ts';
import { ask } from '../../src/client/transport.ts';
import { LibraryKeys, newLibraryKey } from '../../src/crypto/keys.ts';
import { sealRecord } from '../../src/crypto/record.ts';
import { WRAPPED_KEY_BYTES } from '../../src/crypto/seal.ts';
import { NOISE_SLOTS } from '../../src/crypto/secure-knn.ts';
import { seededRandom } from '../../src/base/random.ts';
import { makeEdition } from '../../src/index/edition.ts';
import type { Store } from '../../src/index/store.ts';
import type { Ranking } from '../../src/protocol/messages.ts';
import { createCredential, createMemoryStore, formatCredentials } from '../../src/server.ts';
import { bundleWorker, startWorker } from './worker.ts';

const SEARCHES = 30;
/** Records in one commit. */
const BATCH = 50_000;
const MIB = 1024 * 1024;

const count = Number(process.argv[2] ?? 100_000);
const ranking = (process.argv[3] ?? 'split') as Ranking;
const { vocabulary } = await loadVocabulary('caltech101');
const { bits, centroids } = vocabulary;
const buckets = centroids.length / bits;
const { assigned, probes } = DEFAULT_PREFILTERS.centroids;
const vectorDims = ranking === 'server' ? 2 * (bits + NOISE_SLOTS + 1) : 0;
const parameters = new Uint8Array(32).fill(1);
const random = seededRandom(1);
const some = (length: number): Uint8Array => Uint8Array.from({ length }, () => random() * 256);
const token = (): bigint => BigInt(Math.floor(random() * buckets)) * 0x1234_5678_9abcn;
const sealedBytes = sealRecord(new LibraryKeys(newLibraryKey()).get('record'), some(16), {
  ...{ indexed: true, fingerprint: vocabulary.fingerprint, code: some(bits / 8), name: 'IMG_20240101_120000.jpg' },
  ...{ fileBytes: 3e6, type: 'jpeg', width: 4000, height: 3000, addedAt: 0, modifiedAt: 0, imageVersion: 0 },
}).length;

async function fill(store: Store, images: number): Promise<void> {
  await store.commit([{ kind: 'begin', parameters, ranking, vectorDims, state: 'active' }]);
  for (let at = 0; at < images; at += BATCH)
    await store.commit(
      Array.from({ length: Math.min(BATCH, images - at) }, () => ({
        ...{ kind: 'put' as const, parameters, id: some(16), sealed: some(sealedBytes) },
        ...{ wrapped: some(WRAPPED_KEY_BYTES), blob: some(1) },
        tokens: ranking === 'client' ? new BigUint64Array(0) : BigUint64Array.from({ length: assigned }, token),
        vector: Float32Array.from({ length: vectorDims }, random),
      })),
    );
}

const { credential, token: bearer } = createCredential('anna', 'viewer');

async function measure(images: number) {
  const store = createMemoryStore();
  await fill(store, images);
  const edition = await makeEdition(store);
  await store.close();
  const worker = await startWorker({ edition }, formatCredentials([credential]));
  try {
    const transport = createHttpTransport(worker.url.href, { token: bearer, attempts: 1 });
    const start = performance.now();
    await ask(transport, { kind: 'info' }, 'info');
    const cold = performance.now() - start;
    const times: number[] = [];
    let candidates = 0;
    const started = await worker.memory();
    let [least, most] = [started, started];
    for (let i = 0; i < SEARCHES; i++) {
      const tokens = BigUint64Array.from({ length: probes }, token);
      const began = performance.now();
      if (ranking === 'server') {
        const vector = Float32Array.from({ length: vectorDims }, random);
        const request = { kind: 'search', parameters, tokens, vector, k: 74, scan: false } as const;
        candidates += (await ask(transport, request, 'search')).candidates;
      } else {
        const request = {
          kind: 'candidates',
          ...{ parameters, tokens: ranking === 'client' ? undefined : tokens, after: undefined, limit: 10_000 },
        } as const;
        candidates += (await ask(transport, request, 'candidates')).entries.length;
      }
      times.push(performance.now() - began);
      const memory = await worker.memory();
      [least, most] = [Math.min(least, memory), Math.max(most, memory)];
    }
    times.sort((a, b) => a - b);
    return { edition: edition.length, cold, started, times, candidates: candidates / SEARCHES, most, least };
  } finally {
    await worker.stop();
  }
}

const { script, kernels } = await bundleWorker();
console.log(`# node ${process.version}, ${cpus()[0]?.model ?? 'unknown cpu'}`);
console.log(
  `bundle: ${(script.length / 1024).toFixed(0)} KiB, ${(gzipSync(script).length / 1024).toFixed(0)} KiB gzip; kernels ${(kernels.length / 1024).toFixed(0)} KiB`,
);
const empty = await measure(0);
const full = await measure(count);
const mib = (bytes: number): string => `${(bytes / MIB).toFixed(0)} MiB`;
console.log(
  `${count} records, ranking ${ranking}, codes of ${bits} bits, ${assigned} tokens an image, ${probes} probes`,
);
console.log(`edition: ${mib(full.edition)} (sealed record ${sealedBytes} bytes)`);
console.log(`first request: ${full.cold.toFixed(0)} ms (empty library ${empty.cold.toFixed(0)} ms)`);
console.log(
  `search: p50 ${full.times[SEARCHES >> 1]!.toFixed(1)} ms, slowest ${full.times.at(-1)!.toFixed(1)} ms, ${full.candidates.toFixed(0)} candidates`,
);
console.log(
  `memory of the isolate, garbage included: ${mib(full.started)} after the first request; between searches ${mib(full.least)} to ${mib(full.most)} (empty library ${mib(empty.most)})`,
);
