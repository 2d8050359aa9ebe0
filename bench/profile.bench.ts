/**
 * Where the time goes in the slowest things: adding a photo, the first search of a server that has just started, and a search.
 *
 *     npm run bench -- profile
 *
 * Samples of V8's profiler, one each 0.2 ms, on one thread; a function's own time, kernels and native code under the name of what was called. Photos are those
 * of examples/photos. Hardware counters would say more of a kernel, but virtual machines seldom have them.
 */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { Session, type Runtime } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createLibrary, openLibrary } from '../src/adapters/library.ts';
import { fromHex } from '../src/base/bytes.ts';
import { addImages } from '../src/client/add-images.ts';
import { instantiateKernels } from '../src/wasm/kernels.ts';
import { kernels } from '../test/support.ts';
import { table } from './report.ts';

const PHOTOS = join(import.meta.dirname, '..', '..', 'examples', 'photos');
const OPENER = { passphrase: 'bench' };
const KEY = { cost: { memoryKib: 64, passes: 1, lanes: 1 } };
const SAMPLE_US = 200;
const ROWS = 12;
const REPEATS = 5;

/** Names of exported kernels by number: the profiler has numbers alone. Exports print as their number. */
const KERNELS: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(instantiateKernels(kernels)).map(([name, kernel]) => [
    Number((kernel as { name: string }).name),
    name,
  ]),
);

/** Share of the samples that each function was on top of, the largest first. */
async function profile(title: string, work: () => Promise<void>): Promise<void> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
  await session.post('Profiler.start');
  await work();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  const own = new Map<string, number>();
  const callers = new Map<number, Runtime.CallFrame>();
  for (const { callFrame, children = [] } of profile.nodes) for (const id of children) callers.set(id, callFrame);
  let total = 0;
  for (const { id, callFrame, hitCount = 0 } of profile.nodes) {
    if (IDLE.test(callFrame.functionName)) continue;
    total += hitCount;
    const name = nameOf(callFrame, callers.get(id));
    own.set(name, (own.get(name) ?? 0) + hitCount);
  }
  const largest = [...own].sort(([, a], [, b]) => b - a).slice(0, ROWS);
  table(
    title,
    ['function', 'own time'],
    largest.map(([name, hits]) => [name, `${((100 * hits) / total).toFixed(1)} %`]),
  );
}

/** Not work: waiting, and the profiler itself. */
const IDLE = /^\((root|idle|program)\)$/;

function nameOf({ functionName, url }: Runtime.CallFrame, caller: Runtime.CallFrame | undefined): string {
  const index = /^wasm-function\[(\d+)\]$/.exec(functionName)?.[1];
  if (index !== undefined) return `${KERNELS[Number(index)] ?? functionName}, kernel`;
  if (url === '' && !functionName.startsWith('(')) return `native code, called by ${basename(caller?.url ?? '')}`;
  return url === '' ? functionName : `${functionName === '' ? 'unnamed' : functionName}, ${basename(url)}`;
}

const folder = await mkdtemp(join(tmpdir(), 'blindsight-bench-'));
try {
  const path = join(folder, 'library');
  const names = (await readdir(PHOTOS)).filter((name) => name.endsWith('.jpg')).sort();
  const photos = await Promise.all(names.map((name) => readFile(join(PHOTOS, name))));
  await createLibrary(path, OPENER.passphrase, { key: KEY });
  const library = await openLibrary(path, { opener: OPENER });
  const ids: Uint8Array[] = [];
  const add = async (): Promise<void> => {
    const sources = photos.map((bytes, i) => ({ name: names[i]!, read: async () => bytes }));
    for await (const outcome of addImages(library.client, sources))
      if (outcome.status === 'added') ids.push(fromHex(outcome.id)!);
  };
  await add();
  const again = async (): Promise<void> => {
    for (let i = 0; i < REPEATS; i++) {
      await library.client.remove(ids.splice(0));
      await add();
    }
  };
  await profile('Adding photos', again);
  const search = async (): Promise<void> => {
    for (const bytes of photos) await library.client.search(await library.client.query(bytes), { k: 10 });
  };
  await search();
  await profile('Searching', search);
  await library.close();
} finally {
  await rm(folder, { recursive: true });
}
