/**
 * The library root: its sums and bytes against the slow definition; an old store, a store without an image, and a server that answers
 * from the past, all noticed; and none of it in random lives of honest libraries with two clients.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { cp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLibrary, openLibrary, type Library } from '../src/adapters/library.ts';
import { fromHex, toHex } from '../src/base/bytes.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { Client } from '../src/client/client.ts';
import { DEFAULT_INDEX, type IndexParameters } from '../src/client/index-parameters.ts';
import { reindex } from '../src/client/reindex.ts';
import type { RootFile } from '../src/client/root-ledger.ts';
import { verifyLibrary } from '../src/client/verify-library.ts';
import { encodeVocabulary } from '../src/codes/vocabulary-format.ts';
import { LibraryKeys, rotateLibraryKey } from '../src/crypto/keys.ts';
import { IdSums, NO_IDS, equalSets, openRoot, sealRoot, type IdSet } from '../src/crypto/root.ts';
import { openBytes } from '../src/crypto/seal.ts';
import { RANKINGS, decodeResponse, encodeRequest, encodeResponse, responseKind } from '../src/protocol/messages.ts';
import { createServer, type Server } from '../src/server/server.ts';
import { openLmdbStore } from '../src/stores/lmdb-store.ts';
import { createMemoryStore } from '../src/stores/memory-store.ts';
import { blindsight, temporaryFolder } from './command.ts';
import { rootBytes } from './reference/root.ts';
import { describe } from './small-library.ts';
import { NOT_BYTES, bytes, kernels } from './support.ts';
import { smallVocabulary } from './vocabulary-support.ts';

const SEED = 61;
const PASSPHRASE = 'correct horse';
const COST = { cost: { memoryKib: 8, passes: 1, lanes: 1 } };

const test = suite(`library root (seed ${SEED})`);
const folder = await temporaryFolder();
test.after(() => folder.remove());

async function refused(work: () => Promise<unknown>, code: string): Promise<void> {
  const error = await work().then(
    () => 'nothing was thrown',
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof RetrievalError && error.code === code, `expected ${code}: ${String(error)}`);
}

const file = (number: number): Uint8Array => bytes(60 + (number % 40), 1000 * SEED + number);

test('sums and bytes are those of the definition, whatever the order', () => {
  const ids = fc.uniqueArray(fc.uint8Array({ minLength: 16, maxLength: 16 }), { maxLength: 12, selector: toHex });
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 64, maxLength: 64 }),
      ids,
      ids,
      fc.nat(),
      (libraryKey, stay, go, changes) => {
        const keys = new LibraryKeys(libraryKey);
        const sums = new IdSums(keys.get('root'));
        const gone = go.filter((id) => !stay.some((other) => toHex(other) === toHex(id)));
        let set: IdSet = NO_IDS;
        for (const id of [...gone, ...stay]) set = sums.add(set, id);
        for (const id of gone.reverse()) set = sums.remove(set, id);
        const parameters = bytes(32, changes);
        const sealed = sealRoot(keys.get('root'), { parameters, changes, ids: set });
        assert.is(sealed.length, 137);
        assert.equal(
          Buffer.from(openBytes(keys.get('root'), Buffer.from('root'), sealed)!),
          rootBytes(libraryKey.subarray(0, 32), parameters, changes, stay),
        );
        assert.equal(openRoot(keys.get('root'), sealed), { parameters, changes, ids: set });
        if (gone[0] !== undefined) {
          assert.not.ok(equalSets(set, sums.add(set, gone[0])));
          assert.equal(sums.difference(sums.add(set, gone[0]), set), gone[0]);
        }
        if (gone[1] !== undefined)
          assert.is(sums.difference(sums.add(sums.add(set, gone[0]!), gone[1]), set), undefined, 'two are not one');
      },
    ),
    { seed: SEED, numRuns: 60 },
  );
});

test('an altered root, or one under another key, is refused; so is a wrong argument', () => {
  const key = bytes(32, 1);
  const sealed = sealRoot(key, { parameters: bytes(32, 2), changes: 3, ids: NO_IDS });
  for (let bit = 0; bit < 8 * sealed.length; bit += 5) {
    const altered = sealed.slice();
    altered[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(
      () => openRoot(key, altered),
      (e: RetrievalError) => e.code === 'decrypt-failed',
    );
  }
  assert.throws(
    () => openRoot(bytes(32, 9), sealed),
    (e: RetrievalError) => e.code === 'decrypt-failed',
  );
  assert.throws(
    () => openRoot(key, sealed.subarray(0, 20)),
    (e: RetrievalError) => e.code === 'decrypt-failed',
  );
  for (const wrong of NOT_BYTES) assert.throws(() => new IdSums(wrong as Uint8Array), TypeError);
  assert.throws(() => new IdSums(bytes(31, 1)), RangeError);
  assert.throws(() => new IdSums(key).add(NO_IDS, bytes(15, 1)), RangeError);
});

/** A root file in memory. */
function memoryFile(): RootFile & { bytes: Uint8Array } {
  const kept = {
    bytes: new Uint8Array(0) as Uint8Array,
    read: async () => kept.bytes,
    replace: async (next: Uint8Array) => void (kept.bytes = next),
  };
  return kept;
}

interface World {
  readonly server: Server;
  libraryKey: Uint8Array;
  index: IndexParameters;
}

function clientOf(world: World, root: RootFile, transport = world.server.handle.bind(world.server)): Client {
  return new Client({
    kernels,
    libraryKey: world.libraryKey,
    vocabulary: smallVocabulary(),
    index: world.index,
    transport,
    root,
    extractor: () => Promise.resolve({ describe }),
  });
}

const SMALL: IndexParameters = {
  ranking: 'client',
  prefilter: { family: 'lsh', tables: 2, sampledBits: 4, probes: 4 },
  noise: 1,
  split: 1,
};

async function put(client: Client, numbers: readonly number[]): Promise<void> {
  await client.put(await Promise.all(numbers.map((n) => client.prepare(file(n), { name: `${n}` }))));
}

test('honest lives of a library with two clients never raise an alarm', async () => {
  const action = fc.record({
    who: fc.nat(1),
    what: fc.constantFrom(
      'add',
      'add',
      'add',
      'again',
      'rm',
      'search',
      'restart',
      'migrate',
      'rotate',
      'half',
      'both',
      'verify',
    ),
    n: fc.nat(9),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 4, maxLength: 14 }), async (actions) => {
      const world: World = {
        server: createServer({ store: createMemoryStore(), kernels }),
        libraryKey: bytes(64, SEED),
        index: SMALL,
      };
      const files = [memoryFile(), memoryFile()];
      const clients = files.map((root) => clientOf(world, root));
      await clients[0]!.begin('active');
      const inside = new Set<number>();
      const reopen = (): void => files.forEach((root, i) => (clients[i] = clientOf(world, root)));
      const change = async (from: Client, key: Uint8Array, index: IndexParameters, whole: boolean): Promise<void> => {
        const next = clientOf({ ...world, libraryKey: key, index }, files[0]!);
        if (whole) {
          for await (const { status } of reindex(from, next)) assert.is.not(status, 'failed');
          world.libraryKey = key;
          world.index = index;
          reopen();
        } else {
          await next.begin('pending');
          await next.discard();
        }
      };
      for (const { who, what, n } of actions) {
        const client = clients[who]!;
        const ranking = RANKINGS[(RANKINGS.indexOf(world.index.ranking) + 1 + (n % 2)) % 3]!;
        if (what === 'add') await put(client, [n, n + 10]).then(() => inside.add(n).add(n + 10));
        if (what === 'again') await put(client, [n, n, 5]).then(() => inside.add(n).add(5));
        if (what === 'rm') {
          const there = inside.delete(n);
          assert.is(await client.remove([await client.identify(file(n)), bytes(16, 7)]), there ? 1 : 0);
        }
        if (what === 'search') {
          const { missing, records } = await client.search(await client.query(file(n)), { scan: true });
          assert.equal([missing, records], [undefined, inside.size]);
        }
        if (what === 'restart') reopen();
        if (what === 'migrate') await change(client, world.libraryKey, { ...world.index, ranking }, true);
        if (what === 'rotate') await change(client, rotateLibraryKey(world.libraryKey), world.index, true);
        if (what === 'half') await change(client, world.libraryKey, { ...world.index, ranking }, false);
        // Both at once: one of them comes second, and goes on from what the first has made.
        if (what === 'both') {
          await Promise.all([
            put(clients[0]!, [n]),
            put(clients[1]!, [n + 20]),
            put(clients[1]!, [n, 3]),
            clients[0]!.checkRoot(),
            clients[1]!.search(await clients[1]!.query(file(n)), { scan: true }),
          ]);
          inside
            .add(n)
            .add(n + 20)
            .add(3);
        }
        if (what === 'verify') assert.equal((await verifyLibrary(client)).faults, []);
      }
      for (const client of clients) {
        const { faults, images } = await verifyLibrary(client);
        assert.equal([faults, images], [[], inside.size]);
      }
    }),
    { seed: SEED, numRuns: 20 },
  );
});

test('an answer lost on its way, and a process that dies before it keeps the root, raise no alarm', async () => {
  const world: World = {
    server: createServer({ store: createMemoryStore(), kernels }),
    libraryKey: bytes(64, SEED),
    index: SMALL,
  };
  const kept = memoryFile();
  let lose = false;
  const client = clientOf(world, kept, async (request) => {
    const answer = await world.server.handle(request);
    if (lose && ['put', 'remove'].includes(responseKind(answer)))
      throw new RetrievalError('server-unreachable', 'the answer was lost');
    return answer;
  });
  await client.begin('active');
  await put(client, [1, 2]);
  const before = kept.bytes;
  lose = true;
  await refused(() => put(client, [3]), 'server-unreachable');
  assert.equal(kept.bytes, before, 'nothing is known of it');
  assert.equal((await verifyLibrary(clientOf(world, kept))).faults, [], 'nor by a process that starts then');
  await refused(async () => client.remove([await client.identify(file(1))]), 'server-unreachable');
  lose = false;
  for (const again of [client, clientOf(world, kept)]) {
    await put(again, [3, 4]);
    assert.equal((await verifyLibrary(again)).faults, []);
  }
  assert.is((await client.info()).images, 3);
});

test('a server that answers from the past, or with another past, is told from an honest one', async () => {
  for (const ranking of RANKINGS) {
    const world: World = {
      server: createServer({ store: createMemoryStore(), kernels }),
      libraryKey: bytes(64, SEED),
      index: { ...SMALL, ranking },
    };
    let root: Uint8Array | undefined;
    const client = clientOf(world, memoryFile(), async (request) => {
      const answer = decodeResponse(await world.server.handle(request));
      return encodeResponse(
        root !== undefined && (answer.kind === 'info' || answer.kind === 'sync') ? { ...answer, root } : answer,
      );
    });
    await client.begin('active');
    await put(client, [1, 2, 3]);
    const query = await client.query(file(2));
    await client.search(query);
    const old = (await client.info()).root;
    await client.remove([await client.identify(file(1))]);
    await client.search(query);
    for (root of [old, new Uint8Array(0)]) await refused(() => client.search(query), 'rolled-back');
    const keys = new LibraryKeys(world.libraryKey);
    // Made by one who has the key, in another copy of the library: as many changes, but not these.
    root = sealRoot(keys.get('root'), { parameters: client.parameters, changes: 2, ids: NO_IDS });
    await refused(() => client.search(query), 'rolled-back');
    root = old.map((byte, i) => (i === 50 ? byte ^ 1 : byte));
    await refused(() => client.search(query), 'decrypt-failed');
    root = undefined;
    await client.search(query);
  }
});

test('an image that the server keeps back: named by verify; missing from a search under ranking client, and said so', async () => {
  const world: World = {
    server: createServer({ store: createMemoryStore(), kernels }),
    libraryKey: bytes(64, SEED),
    index: SMALL,
  };
  const hidden = new Set<string>();
  const shown = ({ id }: { readonly id: Uint8Array }): boolean => !hidden.has(toHex(id));
  const lie = async (request: Uint8Array): Promise<Uint8Array> => {
    const answer = decodeResponse(await world.server.handle(request));
    if (answer.kind === 'list') return encodeResponse({ ...answer, entries: answer.entries.filter(shown) });
    if (answer.kind === 'candidates')
      return encodeResponse({
        ...answer,
        entries: answer.entries.filter(shown),
        records: answer.records - hidden.size,
      });
    if (answer.kind === 'sync') return encodeResponse({ ...answer, records: answer.records - hidden.size });
    if (answer.kind === 'info')
      return encodeResponse({
        ...answer,
        images: answer.images - hidden.size,
        generations: answer.generations.map((g) => ({ ...g, records: g.records - hidden.size })),
      });
    return encodeResponse(answer);
  };
  const honest = clientOf(world, memoryFile());
  await honest.begin('active');
  await put(honest, [1, 2, 3, 4]);
  const [first, second] = [await honest.identify(file(1)), await honest.identify(file(2))];
  const rootFaults = async (): Promise<string[][]> =>
    (await verifyLibrary(clientOf(world, memoryFile(), lie))).faults.map(({ id, code }) => [id, code]);
  assert.equal(await rootFaults(), []);
  hidden.add(toHex(first));
  assert.ok((await rootFaults()).some(([id, code]) => id === toHex(first) && code === 'omitted'));
  const client = clientOf(world, memoryFile(), lie);
  const found = await client.search(await client.query(file(1)));
  assert.equal([found.missing, found.records], [1, 3]);
  hidden.add(toHex(second));
  assert.ok((await rootFaults()).some(([id, code]) => id === '' && code === 'omitted'));
  // A new index of what is shown does not take over.
  const next = clientOf({ ...world, index: { ...SMALL, ranking: 'split' } }, memoryFile(), lie);
  await refused(async () => {
    for await (const { status } of reindex(client, next)) assert.is.not(status, 'failed');
  }, 'omitted');
  assert.is((await honest.info()).generations.find(({ state }) => state === 'active')!.ranking, 'client');
  hidden.clear();
  assert.equal(await rootFaults(), []);
});

async function within<T>(path: string, use: (library: Library) => Promise<T>, accept = false): Promise<T> {
  const library = await openLibrary(path, { opener: { passphrase: PASSPHRASE }, accept });
  try {
    return await use(library);
  } finally {
    await library.close();
  }
}

async function putFiles(library: Library, numbers: readonly number[]): Promise<void> {
  const { client } = library;
  const item = (n: number) => client.prepare(file(n), { name: `${n}` }, { undecodable: true });
  await client.put(await Promise.all(numbers.map(item)));
}

test('a real store put back to an older copy is refused, until that is accepted', async () => {
  const path = join(folder.path, 'old');
  await createLibrary(path, PASSPHRASE, { vocabulary: encodeVocabulary(smallVocabulary()), key: COST });
  await within(path, (library) => putFiles(library, [1, 2]));
  const backup = join(folder.path, 'backup');
  await cp(join(path, 'server'), backup, { recursive: true });
  await within(path, async (library) => {
    await putFiles(library, [3]);
    await library.client.remove([await library.client.identify(file(1))]);
  });
  await rm(join(path, 'server'), { recursive: true });
  await cp(backup, join(path, 'server'), { recursive: true });
  await refused(() => within(path, async () => undefined), 'rolled-back');
  for (const command of [
    ['info', path],
    ['verify', path],
    ['export', path, join(folder.path, 'out')],
  ]) {
    const { code, stderr } = await blindsight(command);
    assert.is(code, 1);
    assert.match(stderr, /old state.*verify --accept.*\(rolled-back\)$/m);
  }
  const accepted = await blindsight(['verify', path, '--accept', '--json']);
  assert.is(accepted.code, 0, accepted.stderr);
  await within(path, async (library) => {
    await putFiles(library, [3]);
    const { faults, images } = await verifyLibrary(library.client);
    assert.equal([faults, images], [[], 3]);
  });
});

test('an image removed from a real store behind the back of the client is named; so is one that comes back', async () => {
  const path = join(folder.path, 'behind');
  await createLibrary(path, PASSPHRASE, {
    vocabulary: encodeVocabulary(smallVocabulary()),
    key: COST,
    index: { ...DEFAULT_INDEX, ranking: 'client' },
  });
  const [gone, kept] = await within(path, async (library) => {
    await putFiles(library, [1, 2]);
    return [toHex(await library.client.identify(file(1))), toHex(await library.client.identify(file(2)))];
  });
  /** Changes the store with its own means, and the count of images with it, but not what it cannot make. */
  const behind = async (use: (store: ReturnType<typeof openLmdbStore>) => Promise<void>): Promise<void> => {
    const store = openLmdbStore(join(path, 'server'));
    await use(store);
    await store.close();
  };
  await behind(async (store) => {
    await refused(() => store.commit([{ kind: 'remove', id: fromHex(gone)! }]), 'conflict');
    const { root } = await store.stats();
    await store.commit([
      { kind: 'root', expected: root, next: root },
      { kind: 'remove', id: fromHex(gone)! },
    ]);
  });
  const faults = async (): Promise<string[][]> =>
    within(path, async ({ client }) => (await verifyLibrary(client)).faults.map(({ id, code }) => [id, code]));
  assert.equal(await faults(), [[gone, 'omitted']]);
  const told = await blindsight(['verify', path]);
  assert.is(told.code, 1);
  assert.match(told.stdout, `${gone}: the server does not show this image`);
  await within(path, async () => undefined, true);
  assert.equal(await faults(), []);

  const before = join(folder.path, 'before');
  await cp(join(path, 'server'), before, { recursive: true });
  const old = openLmdbStore(before, { readOnly: true });
  await within(path, ({ client }) => client.remove([fromHex(kept)!]).then(() => undefined));
  await behind(async (store) => {
    const { root, generations } = await store.stats();
    const { parameters } = generations[0]!;
    const { wrapped, bytes: blob } = (await old.blob(fromHex(kept)!, 0, 1 << 20))!;
    const record = (await old.record(parameters, fromHex(kept)!))!;
    await store.commit([
      { kind: 'root', expected: root, next: root },
      { kind: 'put', parameters, id: fromHex(kept)!, ...record, wrapped, blob },
    ]);
  });
  await old.close();
  assert.equal(await faults(), [[kept, 'rolled-back']]);
});

test('a store older than the last change of index or key is told as another one', async () => {
  for (const [change, expected] of [
    ['index', 'parameter-mismatch'],
    ['key', 'key-rotated'],
  ] as const) {
    const path = join(folder.path, `before-${change}`);
    await createLibrary(path, PASSPHRASE, { vocabulary: encodeVocabulary(smallVocabulary()), key: COST });
    await within(path, (library) => putFiles(library, [1]));
    const old = join(folder.path, `old-${change}`);
    await cp(join(path, 'server'), old, { recursive: true });
    await within(path, (library) => putFiles(library, [2]));
    await within(path, async (library) => {
      const next =
        change === 'index'
          ? await library.next(library.vocabulary, { ...library.index, noise: 2 })
          : await library.rotation(PASSPHRASE);
      for await (const { status } of reindex(library.client, next.client)) assert.is(status, 'done');
      await next.finish();
      await next.close();
    });
    await rm(join(path, 'server'), { recursive: true });
    await cp(old, join(path, 'server'), { recursive: true });
    await refused(() => within(path, async () => undefined), expected);
  }
});

test('two processes with one root file: the newer root stays in it', async () => {
  const world: World = {
    server: createServer({ store: createMemoryStore(), kernels }),
    libraryKey: bytes(64, SEED),
    index: SMALL,
  };
  const shared = memoryFile();
  let delay: Promise<unknown> | undefined;
  const slow = clientOf(world, shared, async (request) => {
    const answer = await world.server.handle(request);
    await delay;
    return answer;
  });
  const quick = clientOf(world, shared);
  await quick.begin('active');
  await put(quick, [1]);
  let go: () => void = () => undefined;
  delay = new Promise<void>((resolve) => (go = resolve));
  const looking = slow.checkRoot();
  await put(quick, [2, 3]);
  await put(quick, [4]);
  const newest = shared.bytes;
  go();
  await looking;
  assert.equal(shared.bytes, newest);
  delay = undefined;
  await slow.checkRoot();
  assert.equal((await verifyLibrary(slow)).faults, []);
});

test('a root file that is lost or damaged, or is of the key before, costs knowledge and nothing else', async () => {
  const path = join(folder.path, 'lost');
  await createLibrary(path, PASSPHRASE, { vocabulary: encodeVocabulary(smallVocabulary()), key: COST });
  await within(path, (library) => putFiles(library, [1, 2]));
  const at = join(path, 'client', 'root');
  const whole = await readFile(at);
  assert.is(whole.length, 137);
  for (const content of [undefined, whole.subarray(0, 50), bytes(137, 3), new Uint8Array(0)]) {
    if (content === undefined) await rm(at);
    else await writeFile(at, content);
    await within(path, async ({ client }) => assert.equal((await verifyLibrary(client)).faults, []));
    assert.equal(await readFile(at), whole);
  }
  await within(path, async (library) => {
    const next = await library.rotation(PASSPHRASE);
    for await (const { status } of reindex(library.client, next.client)) assert.is(status, 'done');
    await next.close();
  });
  // Killed before the files were changed over.
  await writeFile(at, whole);
  await within(path, async ({ client }) => assert.equal((await verifyLibrary(client)).faults, []));
  assert.is.not(toHex(await readFile(at)), toHex(whole));
  assert.ok((await readdir(join(path, 'client'))).every((name) => !name.endsWith('.partial')));
});

test('the store takes a root only in place of the one that was known, and no change without one', async () => {
  const store = createMemoryStore();
  const server = createServer({ store, kernels });
  const world: World = { server, libraryKey: bytes(64, SEED), index: SMALL };
  const client = clientOf(world, memoryFile());
  await client.begin('active');
  await put(client, [1]);
  const { root } = await client.info();
  const ask = async (request: Parameters<typeof encodeRequest>[0]): Promise<string> => {
    const answer = decodeResponse(await server.handle(encodeRequest(request)));
    return answer.kind === 'error' ? answer.code : answer.kind;
  };
  const id = await client.identify(file(1));
  const { parameters } = client;
  const next = bytes(137, 5);
  assert.is(await ask({ kind: 'remove', ids: [id] }), 'conflict');
  assert.is(await ask({ kind: 'remove', ids: [id], root: { expected: bytes(137, 4), next } }), 'conflict');
  assert.equal([(await client.info()).images, (await client.info()).root], [1, root], 'all or nothing');
  const item = await client.prepare(file(2), { name: '2' });
  assert.is(await ask({ kind: 'put', parameters, items: [item] }), 'conflict');
  assert.is(await ask({ kind: 'put', parameters, items: [item], root: { expected: root, next } }), 'put');
  assert.is(await ask({ kind: 'put', parameters, items: [item], root: { expected: root, next } }), 'put', 'sent twice');
  assert.equal([(await client.info()).images, (await client.info()).root], [2, next]);
});

test.run();
