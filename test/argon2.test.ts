import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { argon2id } from '@noble/hashes/argon2.js';
import { toHex, utf8 } from '../src/base/bytes.ts';
import { DEFAULT_COST, argon2Portable, argon2Wasm, defaultArgon2 } from '../src/crypto/argon2.ts';
import { bytes } from './support.ts';

const test = suite('argon2');

test('known answer: RFC 9106, section 5.3, of the portable core', () => {
  const tag = argon2id(new Uint8Array(32).fill(1), new Uint8Array(16).fill(2), {
    m: 32,
    t: 3,
    p: 4,
    key: new Uint8Array(8).fill(3),
    personalization: new Uint8Array(12).fill(4),
  });
  assert.is(toHex(tag), '0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659');
});

test('known answers: test.c of the reference implementation (phc-winner-argon2)', async () => {
  for (const argon2 of [argon2Wasm, argon2Portable]) {
    const cost = { memoryKib: 256, passes: 2 };
    assert.is(
      toHex(await argon2(utf8('password'), utf8('somesalt'), { ...cost, lanes: 1 })),
      '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe',
    );
    assert.is(
      toHex(await argon2(utf8('password'), utf8('somesalt'), { ...cost, lanes: 2 })),
      '6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037',
    );
  }
});

test('both implementations agree', async () => {
  for (const cost of [
    { memoryKib: 8, passes: 1, lanes: 1 },
    { memoryKib: 100, passes: 3, lanes: 3 },
  ])
    assert.is(
      toHex(await argon2Wasm(utf8('猫'), bytes(16, 1), cost)),
      toHex(await argon2Portable(utf8('猫'), bytes(16, 1), cost)),
    );
});

test('the default cost is 64 MiB, 3 passes, 1 lane; where nothing may be compiled the portable one takes over', async () => {
  assert.equal(DEFAULT_COST, { memoryKib: 65536, passes: 3, lanes: 1 });
  const cost = { memoryKib: 32, passes: 1, lanes: 1 };
  const expected = toHex(await argon2Wasm(utf8('p'), bytes(16, 2), cost));
  const { compile, instantiate, Module } = WebAssembly;
  const refuse = (): never => {
    throw new WebAssembly.CompileError('refused by the platform');
  };
  Object.assign(WebAssembly, { compile: refuse, instantiate: refuse, Module: refuse });
  try {
    assert.ok(
      await argon2Wasm(utf8('p'), bytes(16, 2), cost).then(
        () => false,
        () => true,
      ),
      'it is refused',
    );
    assert.is(toHex(await defaultArgon2(utf8('p'), bytes(16, 2), cost)), expected);
  } finally {
    Object.assign(WebAssembly, { compile, instantiate, Module });
  }
});

test.run();
