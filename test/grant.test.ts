import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { RetrievalError } from '../src/base/errors.ts';
import {
  decodeGrant,
  encodeGrant,
  newIdentity,
  openGrant,
  readIdentity,
  sealGrant,
  type Grant,
} from '../src/crypto/grant.ts';
import { NOT_BYTES, bytes } from './support.ts';

const test = suite('grant');
const grant: Grant = {
  role: 'viewer',
  libraryKey: bytes(64, 1),
  server: 'https://photos.example',
  index: bytes(30, 2),
  vocabulary: bytes(100, 3),
};
// age v1.1.0, the key pair of its testkit (`age-keygen -y` gives the second from the first).
const SECRET = 'AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0';
const RECIPIENT = 'age1xmwwc06ly3ee5rytxm9mflaz2u56jjj36s0mypdrwsvlul66mv4q47ryef';

async function failure(run: () => Promise<unknown>): Promise<unknown> {
  return run().then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  );
}

const coded = (error: unknown, ...codes: string[]): void =>
  assert.ok(error instanceof RetrievalError && codes.includes(error.code), String(error));

test('known answer: the key pair of age, and remarks as age-keygen writes them', async () => {
  const { recipient } = await readIdentity(`# created: now\r\n# public key: x\r\n  ${SECRET}\r\n`);
  assert.is(recipient, RECIPIENT);
});

test('round trip; another identity and every altered part are refused', async () => {
  const [own, other] = [await newIdentity(), await newIdentity()];
  const sealed = await sealGrant(grant, own.recipient);
  assert.equal(await openGrant(sealed, own), grant);
  coded(await failure(() => openGrant(sealed, other)), 'decrypt-failed');
  for (let at = 0; at < sealed.length; at += 7) {
    const altered = sealed.slice();
    altered[at]! ^= 1;
    coded(await failure(() => openGrant(altered, own)), 'decrypt-failed');
  }
  for (const end of [0, 1, 100, sealed.length - 1])
    coded(await failure(() => openGrant(sealed.subarray(0, end), own)), 'decrypt-failed');
  for (const needle of [grant.libraryKey.subarray(0, 8), Buffer.from('photos.example')])
    assert.is(Buffer.from(sealed).indexOf(needle), -1);
});

test('no bytes make the reader fail in another way', () => {
  const file = encodeGrant(grant);
  assert.equal(decodeGrant(file), grant);
  for (let end = 0; end < file.length; end++)
    assert.throws(
      () => decodeGrant(file.subarray(0, end)),
      (error: unknown) => error instanceof RetrievalError,
    );
  fc.assert(
    fc.property(fc.nat(80), fc.uint8Array({ maxLength: 200 }), (keep, tail) => {
      try {
        decodeGrant(Uint8Array.from([...file.subarray(0, keep), ...tail]));
      } catch (error) {
        if (!(error instanceof RetrievalError)) throw error;
      }
    }),
    { seed: 42 },
  );
});

test('rejects what it cannot use', async () => {
  for (const bad of NOT_BYTES) {
    const error = await failure(() => sealGrant({ ...grant, libraryKey: bad as Uint8Array }, RECIPIENT));
    assert.ok(error instanceof TypeError, String(error));
  }
  for (const change of [{ libraryKey: bytes(32, 1) }, { role: 'guest' }, { server: '' }, { index: bytes(4097, 1) }]) {
    const error = await failure(() => sealGrant({ ...grant, ...change } as Grant, RECIPIENT));
    assert.ok(error instanceof RangeError, String(error));
  }
  for (const recipient of ['', 'age1', SECRET, 'ssh-ed25519 AAAA']) {
    const error = await failure(() => sealGrant(grant, recipient));
    assert.ok(error instanceof RangeError, String(error));
    assert.not.ok(String(error).includes('SECRET-KEY'), 'what was given is not repeated');
  }
  for (const text of ['', '# nothing', RECIPIENT, 'AGE-SECRET-KEY-1X'])
    coded(await failure(() => readIdentity(text)), 'corrupt-grant');
});

test.run();
