/** The page's small pictures: which are asked for, how many at a time, and what becomes of each. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Thumbnails, type Small } from '../src/page/thumbnails.ts';

type Answer = readonly (Blob | { readonly code: string; readonly message: string } | undefined)[];

const test = suite('page thumbnails');
const blob = new Blob(['x']);
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}`);
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/** A worker that answers when it is told to. */
function waiting() {
  const asked: { readonly ids: readonly string[]; answer(value: Answer): Promise<void>; fail(): Promise<void> }[] = [];
  const fetch = (ids: readonly string[]): Promise<Answer> =>
    new Promise((resolve, reject) => {
      asked.push({
        ids,
        answer: (value) => (resolve(value), turn()),
        fail: () => (reject(new Error('gone')), turn()),
      });
    });
  return { asked, fetch };
}

/** Wishes for pictures; those in `seen` are on the screen. */
function want(thumbnails: Thumbnails, ids: readonly string[], seen: ReadonlySet<string> = new Set()) {
  const come = new Map<string, Small>();
  const cancels = ids.map((id) =>
    thumbnails.want(id, { come: (small) => come.set(id, small), isSeen: () => seen.has(id) }),
  );
  return { come, cancels };
}

test('many in one message, the latest wishes first, and no more messages than three at a time', async () => {
  const { asked, fetch } = waiting();
  const thumbnails = new Thumbnails(fetch);
  const { come } = want(thumbnails, names(100));
  await turn();
  assert.is(asked.length, 3);
  assert.is(asked[0]!.ids[0], '99');
  const batch = asked[0]!.ids.length;
  assert.ok(batch > 6 && batch <= 64, `${batch} in a message`);
  assert.equal(
    [...asked[0]!.ids, ...asked[1]!.ids],
    names(100)
      .reverse()
      .slice(0, 2 * batch),
  );
  await asked[0]!.answer(asked[0]!.ids.map(() => blob));
  assert.is(asked.length, 4);
  assert.equal([...come.keys()], [...asked[0]!.ids]);
  assert.ok('url' in (thumbnails.get('99') as object));
  thumbnails.clear();
});

test('what is on the screen comes before what is near it, and what was scrolled away is not asked for', async () => {
  const { asked, fetch } = waiting();
  const thumbnails = new Thumbnails(fetch);
  const { cancels } = want(thumbnails, names(10), new Set(['2', '5', '7']));
  cancels[5]!();
  cancels[9]!();
  await turn();
  assert.equal(asked[0]!.ids, ['7', '2', '8', '6', '4', '3', '1', '0']);
});

test('one that failed or is not there harms no other; what was sealed without one is made, if it is still wanted', async () => {
  const { asked, fetch } = waiting();
  const made: string[] = [];
  const thumbnails = new Thumbnails(fetch, async (id) => {
    made.push(id);
    if (id === '3') throw new Error('no connection');
    return id === '1' ? undefined : blob;
  });
  const { come, cancels } = want(thumbnails, names(6));
  await turn();
  cancels[5]!();
  const failure = { code: 'decrypt-failed', message: 'altered' };
  await asked[0]!.answer(asked[0]!.ids.map((id) => (id === '4' ? blob : id === '0' ? failure : undefined)));
  assert.equal(made, ['3', '2', '1']);
  assert.equal(come.get('0'), { failure });
  assert.equal(come.get('1'), 'none');
  assert.equal(come.get('3'), { failure: { code: 'failed', message: 'no connection' } });
  for (const id of ['2', '4']) assert.ok('url' in (come.get(id) as object), id);
  thumbnails.clear();
});

test('a message that fails is told of each of its pictures, and the next goes on', async () => {
  const { asked, fetch } = waiting();
  const thumbnails = new Thumbnails(fetch);
  const { come } = want(thumbnails, ['a', 'b']);
  await turn();
  await asked[0]!.fail();
  for (const id of ['a', 'b']) assert.equal(come.get(id), { failure: { code: 'failed', message: 'gone' } });
  const again = want(thumbnails, ['a']);
  await turn();
  await asked[1]!.answer([blob]);
  assert.ok('url' in (again.come.get('a') as object));
  thumbnails.clear();
});

test('what comes after all was let go is not kept, picture or failure', async () => {
  const { asked, fetch } = waiting();
  const makes: ((blob: Blob) => void)[] = [];
  const thumbnails = new Thumbnails(fetch, () => new Promise((resolve) => makes.push(resolve)));
  const { come } = want(thumbnails, names(60));
  await turn();
  await asked[2]!.answer(asked[2]!.ids.map(() => undefined));
  thumbnails.clear();
  await asked[0]!.answer(asked[0]!.ids.map(() => blob));
  await asked[1]!.fail();
  makes[0]!(blob);
  await turn();
  assert.is(come.size, 0);
  for (const id of names(60)) assert.is(thumbnails.get(id), undefined);
  assert.is(makes.length, 1);
  const again = want(thumbnails, ['59']);
  await turn();
  await asked[3]!.answer([blob]);
  assert.ok('url' in (again.come.get('59') as object));
  thumbnails.clear();
});

test.run();
