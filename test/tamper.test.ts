/**
 * A server that lies: every byte of what a client opens is altered in turn, or swapped for another image's. The client
 * must refuse, or be told by a code; it must never take altered bytes for the real ones.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seededRandom } from '../src/base/random.ts';
import { RetrievalError } from '../src/base/errors.ts';
import { toHex } from '../src/base/bytes.ts';
import { decodeRequest, decodeResponse, encodeResponse } from '../src/protocol/messages.ts';
import { makeLibrary } from './small-library.ts';

const SEED = 11;
const test = suite(`tampering (seed ${SEED})`);
const { client, ids, files, setMangle, close } = await makeLibrary(12, SEED);

test.after(close);

const refused = async (work: () => Promise<unknown>, what: string): Promise<void> => {
  try {
    await work();
  } catch (error) {
    assert.instance(error, RetrievalError, `${what}: ${String(error)}`);
    return;
  }
  assert.unreachable(`${what} was taken for real`);
};

test('without tampering everything opens', async () => {
  for (const [i, id] of ids.entries()) {
    assert.equal(await client.open(id), files[i]);
    assert.is((await client.record(id)).name, `${i}.bin`);
  }
});

test('every altered byte of a blob and of a wrapped key is refused', async () => {
  for (const part of ['bytes', 'wrapped'] as const) {
    const length = (await client.sealedPart(ids[0]!, 0, 1 << 20))[part].length;
    for (let at = 0; at < length; at++) {
      setMangle((_, response) => {
        const decoded = decodeResponse(response);
        if (decoded.kind !== 'blob') return response;
        const altered = decoded[part].slice();
        altered[at]! ^= 1 << (at & 7);
        return encodeResponse({ ...decoded, [part]: altered });
      });
      await refused(() => client.open(ids[0]!), `${part} byte ${at}`);
    }
  }
  setMangle(undefined);
});

test('every altered byte of a sealed record is refused', async () => {
  const random = seededRandom(SEED);
  for (let round = 0; round < 200; round++) {
    const where = random();
    setMangle((_, response) => {
      const decoded = decodeResponse(response);
      if (decoded.kind !== 'records' || decoded.records[0] === undefined) return response;
      const sealed = decoded.records[0].sealed.slice();
      sealed[Math.floor(where * sealed.length)]! ^= 1 << (round & 7);
      return encodeResponse({ ...decoded, records: [{ ...decoded.records[0], sealed }] });
    });
    await refused(() => client.record(ids[0]!), `round ${round}`);
  }
  setMangle(undefined);
});

test("another image's blob, key or record is refused", async () => {
  const other = await client.sealedPart(ids[1]!, 0, 1 << 20);
  for (const parts of [['bytes'], ['wrapped'], ['bytes', 'wrapped']] as const) {
    setMangle((_, response) => {
      const decoded = decodeResponse(response);
      if (decoded.kind !== 'blob') return response;
      const swapped = { ...decoded };
      for (const part of parts) swapped[part] = other[part];
      return encodeResponse({ ...swapped, total: swapped.bytes.length });
    });
    await refused(() => client.open(ids[0]!), parts.join(' and '));
  }
  setMangle((request, response, handle) => {
    const decoded = decodeRequest(request);
    return decoded.kind === 'records' ? handle({ ...decoded, ids: [ids[1]!] }) : response;
  });
  await refused(() => client.record(ids[0]!), 'record');
  setMangle(undefined);
});

test('a truncated or lengthened blob is refused', async () => {
  const { total } = await client.sealedPart(ids[0]!, 0, 1 << 20);
  for (const length of [0, 1, 16, total - 17, total - 1, total + 1]) {
    setMangle((_, response) => {
      const decoded = decodeResponse(response);
      if (decoded.kind !== 'blob') return response;
      const bytes = new Uint8Array(length);
      bytes.set(decoded.bytes.subarray(0, length));
      return encodeResponse({ ...decoded, bytes, total: length });
    });
    await refused(() => client.open(ids[0]!), `${length} of ${total} bytes`);
  }
  setMangle(undefined);
});

test('random damage to whole messages never passes for the truth', async () => {
  const random = seededRandom(SEED);
  for (let round = 0; round < 300; round++) {
    setMangle((_, response) => {
      const damaged = response.slice();
      damaged[Math.floor(random() * damaged.length)]! ^= 1 << Math.floor(random() * 8);
      return damaged;
    });
    const i = round % ids.length;
    try {
      assert.equal(await client.open(ids[i]!), files[i], toHex(ids[i]!));
    } catch (error) {
      assert.instance(error, RetrievalError, String(error));
    }
  }
  setMangle(undefined);
});

test.run();
