/**
 * How work grows, without a clock: messages, bytes on the way, calls of the store and the items they are given or give, at N and at 2N images.
 * Twice the images may cost twice as much and not more; what should not depend on their number may not grow.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addImages } from '../src/client/add-images.ts';
import { verifyLibrary } from '../src/client/verify-library.ts';
import type { Store } from '../src/index/store.ts';
import type { Ranking } from '../src/protocol/messages.ts';
import { createMemoryStore } from '../src/stores/memory-store.ts';
import { makeLibrary, type SmallLibrary } from './small-library.ts';
import { bytes } from './support.ts';

const test = suite('cost shape');
const N = 150;
/** Padding of pages and whole batches make steps. */
const STEP = 1.15;

interface Work {
  messages: number;
  bytes: number;
  calls: number;
  items: number;
}

/** A store that counts: every call, and the items of its arrays. */
function counting(store: Store, work: Work): Store {
  const weigh = (value: unknown): void => {
    if (Array.isArray(value)) work.items += value.length;
  };
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        work.calls++;
        args.forEach(weigh);
        const answer: unknown = Reflect.apply(member, target, args);
        if (answer instanceof Promise) void answer.then(weigh, () => undefined);
        return answer;
      };
    },
  });
}

/** Files of one size: their bytes grow as their number does. */
const fileAt = (i: number): Uint8Array => bytes(100, 5000 + i);

type Task = (library: SmallLibrary, count: number) => Promise<unknown>;

async function workOf(count: number, ranking: Ranking, task: Task): Promise<Work> {
  const work: Work = { messages: 0, bytes: 0, calls: 0, items: 0 };
  const prefilter = { family: 'lsh', tables: 4, sampledBits: 6, probes: 8 } as const;
  const library = await makeLibrary(
    0,
    8,
    { ranking, prefilter, noise: 0, split: 1 },
    counting(createMemoryStore(), work),
  );
  const items = await Promise.all(
    Array.from({ length: count }, (_, i) => library.client.prepare(fileAt(i), { name: `${1000 + i}` })),
  );
  await library.client.put(items);
  // What is read once, whatever comes after.
  await library.client.search(await library.client.query(fileAt(0)));
  library.setMangle((request, response) => {
    work.messages++;
    work.bytes += request.length + response.length;
    return response;
  });
  Object.assign(work, { messages: 0, bytes: 0, calls: 0, items: 0 });
  await task(library, count);
  await library.close();
  return work;
}

async function shape(name: string, ranking: Ranking, task: Task, growth: 1 | 2): Promise<void> {
  const [once, twice] = [await workOf(N, ranking, task), await workOf(2 * N, ranking, task)];
  assert.ok(once.messages > 0 && once.calls > 0, `${name}: nothing was counted`);
  for (const what of ['messages', 'bytes', 'calls', 'items'] as const)
    assert.ok(
      twice[what] <= growth * STEP * once[what] + 2,
      `${name}, ${what}: ${once[what]} for ${N} images, ${twice[what]} for ${2 * N}`,
    );
}

const search: Task = async ({ client }) => client.search(await client.query(fileAt(1)), { k: 5 });

test('adding', async () => {
  const add: Task = async ({ client }, count) => {
    const sources = Array.from({ length: count }, (_, i) => ({
      name: String(i),
      read: () => Promise.resolve(bytes(60, 9000 + i)),
    }));
    for await (const { status } of addImages(client, sources)) assert.is(status, 'added');
  };
  for (const ranking of ['server', 'split', 'client'] as const) await shape(`add, ${ranking}`, ranking, add, 2);
});

test('adding one more, and removing one', async () => {
  const one: Task = async ({ client }) => {
    await client.put([await client.prepare(bytes(70, 77), { name: 'one' })]);
    await client.remove([await client.identify(fileAt(3))]);
  };
  await shape('one', 'server', one, 1);
});

test('searching: what the server ranks costs the same messages and bytes, what the client ranks follows changes alone', async () => {
  // All of them, since of a small library the prefilter leaves fewer than are opened.
  const scan: Task = async ({ client }) => client.search(await client.query(fileAt(1)), { k: 5, scan: true });
  await shape('search, server', 'server', scan, 1);
  await shape('search, client', 'client', search, 1);
  await shape('search, split', 'split', search, 2);
});

test('the first search of a client that ranks, listing, verifying', async () => {
  await shape(
    'first search',
    'client',
    async ({ reopen }) => {
      const client = reopen();
      await client.search(await client.query(fileAt(1)), { k: 5 });
      client.close();
    },
    2,
  );
  await shape(
    'list',
    'server',
    async ({ client }) => {
      for await (const entry of client.list()) void entry;
    },
    2,
  );
  await shape('verify', 'server', ({ client }) => verifyLibrary(client), 2);
});

test.run();
