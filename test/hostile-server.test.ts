/** A server that answers in the right form, but not what was asked: the client says so, and neither waits nor gathers without end. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { toHex } from '../src/base/bytes.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { verifyLibrary } from '../src/client/verify-library.ts';
import {
  decodeRequest,
  decodeResponse,
  encodeResponse,
  type Request,
  type Response,
} from '../src/protocol/messages.ts';
import { makeLibrary } from './small-library.ts';

const test = suite('hostile server');
// Far more than an honest library of this size needs.
const MOST_REQUESTS = 50;

type Lie = (request: Request, response: Response, asked: number) => Response;

/** Applies a lie to all answers of one kind, and fails the test if the client goes on asking. */
function lying(kind: Response['kind'], lie: (response: never, request: Request, asked: number) => Response) {
  let asked = 0;
  return (sent: Uint8Array, received: Uint8Array): Uint8Array => {
    const response = decodeResponse(received);
    if (response.kind !== kind) return received;
    if (++asked > MOST_REQUESTS) throw new Error('the client goes on asking');
    const change: Lie = (request, honest) => lie(honest as never, request, asked);
    return encodeResponse(change(decodeRequest(sent), response, asked));
  };
}

async function refused(work: () => Promise<unknown>, code: string, message = ''): Promise<void> {
  try {
    await work();
  } catch (error) {
    assert.instance(error, RetrievalError, String(error));
    assert.is((error as RetrievalError).code, code, String(error));
    assert.match((error as RetrievalError).message, new RegExp(message));
    return;
  }
  assert.unreachable('the lie was believed');
}

type Of<Kind extends Response['kind']> = Extract<Response, { kind: Kind }>;

/** Ids that rise for ever. */
function idAt(n: number): Uint8Array {
  const id = new Uint8Array(16);
  id[0] = 255;
  new DataView(id.buffer).setUint32(12, n);
  return id;
}

async function all(pages: AsyncIterable<unknown>): Promise<void> {
  for await (const page of pages) void page;
}

test('an image without end, of changing length, or in crumbs', async () => {
  const { client, ids, files, setMangle, close } = await makeLibrary(3, 5);
  const open = () => client.open(ids[0]!);
  // As full as they are asked for, so that only the sum tells.
  const bytes = new Uint8Array(16 * 1024 * 1024);
  const parts = 'the parts the server sent do not make one image';
  setMangle(lying('blob', (blob: Of<'blob'>) => ({ ...blob, bytes, total: 2 ** 50 })));
  await refused(open, 'decrypt-failed', parts);
  setMangle(lying('blob', (blob: Of<'blob'>, _, asked) => ({ ...blob, bytes, total: asked * 2 * bytes.length })));
  await refused(open, 'decrypt-failed', parts);
  setMangle(lying('blob', (blob: Of<'blob'>) => ({ ...blob, bytes: blob.bytes.slice(0, 1) })));
  await refused(open, 'decrypt-failed', parts);
  setMangle(undefined);
  assert.equal(await open(), files[0]);
  await close();
});

test('fewer or more answers than questions', async () => {
  const { client, ids, setMangle, close } = await makeLibrary(3, 5);
  setMangle(lying('has', (has: Of<'has'>) => ({ ...has, flags: has.flags.slice(1) })));
  await refused(() => client.has(ids), 'corrupt-message');
  setMangle(lying('records', ({ kind, records }: Of<'records'>) => ({ kind, records: [...records, undefined] })));
  await refused(() => client.records(ids), 'corrupt-message');
  await close();
});

test('beginnings of images: fewer, more, longer, of another key, or none of what was stored', async () => {
  const { client, ids, files, setMangle, close } = await makeLibrary(3, 5);
  const heads = () => client.sealedHeads(ids, 50);
  type Heads = Of<'heads'>;
  setMangle(lying('heads', ({ kind, heads }: Heads) => ({ kind, heads: heads.slice(1) })));
  await refused(heads, 'corrupt-message', 'something else');
  setMangle(lying('heads', ({ kind, heads }: Heads) => ({ kind, heads: [...heads, undefined] })));
  await refused(heads, 'corrupt-message', 'something else');
  const bytes = new Uint8Array(51);
  setMangle(lying('heads', ({ kind, heads }: Heads) => ({ kind, heads: heads.map((head) => ({ ...head!, bytes })) })));
  await refused(heads, 'corrupt-message', 'something else');
  // Well formed, and not true: each is told by itself.
  const codes = async (): Promise<unknown[]> =>
    (await client.openThumbnails(ids)).map((each) => (each instanceof RetrievalError ? each.code : each));
  const replaced = (head: Heads['heads'][number]) => ({ kind: 'heads' as const, heads: [head, head, head] });
  for (const [head, code] of [
    [undefined, 'unknown-id'],
    [{ wrapped: new Uint8Array(0), bytes: new Uint8Array(0) }, 'corrupt-record'],
    [{ wrapped: new Uint8Array(0), bytes }, 'decrypt-failed'],
    [{ wrapped: new Uint8Array(72), bytes }, 'decrypt-failed'],
  ] as const) {
    setMangle(lying('heads', () => replaced(head)));
    assert.equal(await codes(), [code, code, code]);
  }
  setMangle(lying('heads', ({ kind, heads }: Heads) => ({ kind, heads: [heads[1], heads[0], heads[2]] })));
  assert.equal(await codes(), ['decrypt-failed', 'decrypt-failed', undefined]);
  setMangle(undefined);
  assert.equal(await client.open(ids[0]!), files[0]);
  await close();
});

test('more matches than asked for, and one twice', async () => {
  const { client, ids, files, setMangle, close } = await makeLibrary(3, 5);
  const query = await client.query(files[0]!);
  const search = () => client.search(query, { k: 1 });
  const many = Array.from({ length: 200 }, (_, i) => idAt(i));
  setMangle(lying('search', (found: Of<'search'>) => ({ ...found, ids: many, scores: new Float32Array(200) })));
  await refused(search, 'corrupt-message');
  setMangle(
    lying('search', (found: Of<'search'>) => ({ ...found, ids: [ids[1]!, ids[1]!], scores: new Float32Array(2) })),
  );
  await refused(search, 'corrupt-message');
  await close();
});

test('pages that do not go on, or never end', async () => {
  for (const ranking of ['split', 'client'] as const) {
    const prefilter = { family: 'lsh', tables: 4, sampledBits: 6, probes: 32 } as const;
    const { client, files, setMangle, close } = await makeLibrary(5, 6, { ranking, prefilter, noise: 0, split: 1 });
    const query = await client.query(files[0]!);
    const search = () => client.search(query, { scan: true });
    setMangle(lying('candidates', (page: Of<'candidates'>, _, asked) => ({ ...page, entries: [], next: idAt(asked) })));
    await refused(search, 'corrupt-message');
    setMangle(
      lying('candidates', (page: Of<'candidates'>) => ({
        ...page,
        entries: [...page.entries, ...page.entries],
        next: undefined,
      })),
    );
    await refused(search, 'corrupt-message');
    const sealed = new Uint8Array(400);
    const fake = (asked: number) => Array.from({ length: 10 }, (_, i) => ({ id: idAt(10 * asked + i), sealed }));
    setMangle(
      lying('candidates', (page: Of<'candidates'>, _, asked) => ({
        ...page,
        entries: fake(asked),
        next: fake(asked).at(-1)!.id,
      })),
    );
    await refused(search, 'decrypt-failed');
    setMangle(undefined);
    assert.is((await search()).matches.length, 5);
    if (ranking === 'client') {
      setMangle(lying('sync', (page: Of<'sync'>) => ({ ...page, changes: [], more: true, until: page.until + 1 })));
      await refused(search, 'corrupt-message');
    }
    await close();
  }
});

test('true records with made-up ones among them, without end: refused before they fill the memory', async () => {
  // As full as pages may be: 4096 records, 1000 images.
  const sealed = new Uint8Array(8);
  const madeUp = (asked: number, count: number): Uint8Array[] =>
    Array.from({ length: count }, (_, i) => idAt(asked * count + i));
  const refusal = 'the server shows .* images and goes on; the library has 5';
  for (const ranking of ['split', 'client'] as const) {
    const prefilter = { family: 'lsh', tables: 4, sampledBits: 6, probes: 32 } as const;
    const { client, ids, files, setMangle, close } = await makeLibrary(5, 6, {
      ranking,
      prefilter,
      noise: 0,
      split: 1,
    });
    const query = await client.query(files[0]!);
    const search = () => client.search(query, { scan: true });
    // The true ones come first: all others are named as damaged.
    const pages = (more: number) => (page: Of<'candidates'>, _: Request, asked: number) => {
      const entries = madeUp(asked, 4000 + more).map((id) => ({ id, sealed }));
      return { ...page, entries: asked === 1 ? [...page.entries, ...entries] : entries, next: entries.at(-1)!.id };
    };
    setMangle(lying('candidates', pages(0)));
    await refused(search, 'corrupt-message', refusal);
    setMangle(lying('candidates', pages(1000)));
    await refused(search, 'corrupt-message', 'something else');
    if (ranking === 'client') {
      setMangle(undefined);
      assert.is((await search()).matches.length, 5);
      const changes = (more: number) => (page: Of<'sync'>, _: Request, asked: number) => ({
        ...page,
        changes: madeUp(asked, 4000 + more).map((id) => ({ id, sealed })),
        more: true,
        until: page.until + asked,
      });
      setMangle(lying('sync', changes(0)));
      await refused(search, 'corrupt-message', refusal);
      setMangle(lying('sync', changes(1000)));
      await refused(search, 'corrupt-message', 'something else');
    }
    const entry = { blobBytes: 1, active: true, pending: false };
    setMangle(
      lying('list', ({ kind }: Of<'list'>, _, asked) => ({
        kind,
        entries: madeUp(asked, 1000).map((id) => ({ ...entry, id })),
      })),
    );
    for (const work of [() => all(client.list()), () => client.compareRoot()])
      await refused(work, 'corrupt-message', refusal);
    setMangle(
      lying('verify', (page: Of<'verify'>, _, asked) => {
        const orphanBlobs = madeUp(asked, 1000);
        return { ...page, orphanBlobs, next: orphanBlobs.at(-1)! };
      }),
    );
    await refused(() => verifyLibrary(client), 'corrupt-message', refusal);
    setMangle(
      lying('verify', (page: Of<'verify'>) => ({ ...page, damaged: madeUp(1, 600), orphanBlobs: madeUp(2, 600) })),
    );
    await refused(() => verifyLibrary(client), 'corrupt-message', 'something else');
    setMangle(
      lying('list', ({ kind, entries }: Of<'list'>) => ({
        kind,
        entries: [...entries, ...madeUp(0, 1000).map((id) => ({ ...entry, id }))],
      })),
    );
    await refused(() => all(client.list()), 'corrupt-message', 'something else');
    setMangle(lying('keys', ({ kind, wrapped }: Of<'keys'>) => ({ kind, wrapped: wrapped.slice(1) })));
    await refused(() => client.wrappedKeys(ids), 'corrupt-message');
    await close();
  }
});

test('lists and checks that repeat themselves', async () => {
  const { client, setMangle, close } = await makeLibrary(3, 5);
  setMangle(lying('list', ({ kind, entries }: Of<'list'>) => ({ kind, entries: [...entries].reverse() })));
  await refused(() => all(client.list()), 'corrupt-message');
  setMangle(lying('verify', (page: Of<'verify'>) => ({ ...page, next: idAt(0) })));
  await refused(() => verifyLibrary(client), 'corrupt-message');
  await close();
});

test('an image that is kept back is never taken off the root as one that was counted twice', async () => {
  const { client, ids, setMangle, close } = await makeLibrary(4, 5);
  const without = ({ kind, entries }: Of<'list'>): Of<'list'> => ({
    kind,
    entries: entries.filter(({ id }) => toHex(id) !== toHex(ids[1]!)),
  });
  // Always, or only until it is asked once more.
  for (const shownFrom of [Infinity, 2]) {
    setMangle(lying('list', (list: Of<'list'>, _, asked) => (asked < shownFrom ? without(list) : list)));
    assert.equal([(await client.compareRoot()).twice, shownFrom], [false, shownFrom]);
    setMangle(lying('list', (list: Of<'list'>, _, asked) => (asked < shownFrom ? without(list) : list)));
    assert.is(await client.mendRoot(), false);
  }
  setMangle(undefined);
  assert.is((await client.compareRoot()).equal, true);
  await close();
});

test.run();
