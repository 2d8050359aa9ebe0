/**
 * The page's worker: takes calls, answers them, and lets no key out.
 * @module
 */
import { RetrievalError } from '../base/errors.ts';
import type { Calls } from '../page/calls.ts';
import { failureOf } from './failure.ts';
import { scope, tell } from './scope.ts';
import { Session } from './session.ts';

let session: Session | undefined;

function open(): Session {
  if (session === undefined) throw new RetrievalError('library-locked', 'unlock the library first');
  return session;
}

type Answers = {
  [Name in keyof Calls]: (
    ...values: Parameters<Calls[Name]>
  ) => ReturnType<Calls[Name]> | Promise<ReturnType<Calls[Name]>>;
};

const ANSWERS: Answers = {
  async unlock(options) {
    await session?.close();
    session = undefined;
    const opened = await Session.unlock(options);
    session = opened.session;
    return opened.facts;
  },
  async lock() {
    const closing = session;
    session = undefined;
    await closing?.close();
  },
  list: () => open().list(),
  thumbnails: (ids) => open().thumbnails(ids),
  smallPicture: (id) => open().smallPicture(id),
  noise: (ids) => open().noise(ids),
  open: (id) => open().open(id),
  search: (query, count) => open().search(query, count),
  serverView: (id) => open().serverView(id),
  add: (files) => open().adding.add(files),
  pauseAdding: () => open().adding.pause(),
  resumeAdding: () => open().adding.resume(),
  stopAdding: () => open().adding.stop(),
  duplicates: () => open().duplicates(),
  remove: (ids) => open().remove(ids),
  startZip: (ids) => open().startZip(ids),
  async nextOfZip() {
    const { zip } = open();
    const bytes = await zip.next();
    return { bytes, done: zip.done, failures: [...zip.failures] };
  },
};

scope.onmessage = async ({ data: { number, name, values } }) => {
  try {
    const value = await (ANSWERS[name] as (...values: readonly unknown[]) => unknown)(...values);
    scope.postMessage({ number, value });
  } catch (error) {
    scope.postMessage({ number, failure: failureOf(error) });
  }
};

tell({ event: 'ready' });
