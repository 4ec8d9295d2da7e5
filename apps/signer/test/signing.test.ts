import { isSecureMemoryError } from '@securemem/core';
import { addr, eip191Signer, Transaction } from 'micro-eth-signer';
import { describe, expect, test } from 'vitest';
import { addressOf } from '../src/signing/address.js';
import { openBackend } from '../src/signing/backend.js';
import { decryptKey, ENVELOPE_BYTE_LENGTH, encryptKey } from '../src/signing/envelope.js';
import { messageDigest, messageSignatureHex } from '../src/signing/message.js';
import { secp256k1For } from '../src/signing/secp256k1.js';
import { attachSignature, digestOf, prepareTransaction } from '../src/signing/transaction.js';
import { fromHex, testMemory } from './memory.js';

/** From the tests of @ethereumjs/tx: nonce, value, gas limit, priority fee, fee, and the signed transaction. */
const PUBLISHED_KEY = '0x8f2a55949038a9610f50fb23b5883af3b4ecb3c3bb792cbcefbd1542c692be63';
const PUBLISHED: readonly [bigint, bigint, bigint, bigint, bigint, string][] = [
  [
    819n,
    43203529n,
    35552n,
    75853n,
    121212n,
    '0x02f870821e8e8203338301284d8301d97c828ae094000000000000000000000000000000000000aaaa8402933bc980c080a0d067f2167008c59219652f91cbf8788dbca5f771f6e91e2b7657e85b78b472e0a01d305af9fe81fdba43f0dfcd400ed24dcace0a7e30d4e85701dcaaf484cd079e',
  ],
  [
    353n,
    61901619n,
    32593n,
    38850n,
    136295n,
    '0x02f86f821e8e8201618297c283021467827f5194000000000000000000000000000000000000aaaa8403b08b3380c001a004205678f13fc1d7b10feea6513dfa76e24418b6e08097d95c6f93a3b64e536da01d45ad61bfece43862de2cce7d2575a8c1d08c26c87f3cb5f26d7b0be54a91b2',
  ],
];

/** From the documentation of web3.js, `eth.accounts.sign`. */
const WEB3_KEY = '0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318';
const WEB3_SIGNATURE =
  '0xb91467e570a6466aa9e9876cbcd013baba02900b8979d43fe208a4a4f339f5fd6007e74cd82e037b800186422fc2da167c747ef045e5d18a5f5d4300f8e1a0291c';

/** The backend that signs itself, and one for which the addon does. */
describe.each(['napi', 'nolock'] as const)('sign on %s', (name) => {
  const open = () => {
    const backend = openBackend({ backend: name });
    return { memory: testMemory(backend), ...secp256k1For(backend) };
  };

  test('is done by the backend where it can', () => {
    using backend = openBackend({ backend: name });
    expect(backend.capabilities.keys.includes('ES256K-R')).toBe(name === 'napi');
  });

  test.each(PUBLISHED)(
    'signs the published EIP-1559 transaction with nonce %s as published',
    (nonce, value, gasLimit, maxPriorityFeePerGas, maxFeePerGas, published) => {
      const { memory, sign, ...secp256k1 } = open();
      const key = memory.adoptSync(fromHex(PUBLISHED_KEY));
      const transaction = prepareTransaction({
        type: 'eip1559',
        chainId: 7822n,
        nonce,
        value,
        gasLimit,
        maxPriorityFeePerGas,
        maxFeePerGas,
        to: '0x000000000000000000000000000000000000aaaa',
        data: '0x',
      });
      const signature = sign(key, memory.allocateSync(64), digestOf(transaction));
      const signed = attachSignature(transaction, signature);
      expect(signed.toHex()).toBe(published);
      expect(Transaction.fromHex(published).recoverSender().address).toBe(
        addressOf(key, secp256k1),
      );
    },
  );

  test('signs the published EIP-191 message as published', () => {
    const { memory, sign, ...secp256k1 } = open();
    const key = memory.adoptSync(fromHex(WEB3_KEY));
    const message = new TextEncoder().encode('Some data');
    const signature = sign(key, memory.allocateSync(64), messageDigest(message));
    expect(messageSignatureHex(signature)).toBe(WEB3_SIGNATURE);
    expect(addressOf(key, secp256k1)).toBe('0x2c7536E3605D9C16a7a3D7b1898e529396a65c23');
  });

  test('agrees with an independent library on 50 random keys', () => {
    const { memory, sign, ...secp256k1 } = open();
    for (let round = 0; round < 50; round++) {
      const { privateKey, address } = addr.random();
      const key = memory.adoptSync(fromHex(privateKey));
      const message = new TextEncoder().encode(`round ${round} — ünïcode`);
      const scratch = memory.allocateSync(64);
      const ours = messageSignatureHex(sign(key, scratch, messageDigest(message)));
      expect(ours).toBe(eip191Signer.sign(message, privateKey, false));
      expect(addressOf(key, secp256k1)).toBe(address);
      key.dispose();
      scratch.dispose();
    }
  });

  test('refuses a disposed key instead of signing with an empty one', () => {
    const { memory, sign } = open();
    const key = memory.randomSync(32);
    const scratch = memory.allocateSync(64);
    key.dispose();
    const digest = new Uint8Array(new ArrayBuffer(32));
    expect(() => sign(key, scratch, digest)).toThrow(
      expect.objectContaining({ code: 'ERR_SECMEM_DISPOSED' }),
    );
  });

  test('isPrivateKey() refuses zero and the order of the curve', () => {
    const { memory, isPrivateKey } = open();
    const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141';
    expect(isPrivateKey(memory.allocateSync(32))).toBe(false);
    expect(isPrivateKey(memory.adoptSync(fromHex(order)))).toBe(false);
    expect(isPrivateKey(memory.adoptSync(fromHex(PUBLISHED_KEY)))).toBe(true);
  });
});

describe('the key envelope', () => {
  const context = new TextEncoder().encode('account 1');

  function enveloped() {
    const memory = testMemory();
    const wrappingKey = memory.randomSync(32);
    const key = memory.randomSync(32);
    const bytes = encryptKey(wrappingKey, key, context);
    return { memory, wrappingKey, key, bytes, target: memory.randomSync(32) };
  }

  test('opens to the key it was made of', () => {
    const { memory, wrappingKey, key, bytes, target } = enveloped();
    expect(bytes).toHaveLength(ENVELOPE_BYTE_LENGTH);
    decryptKey(wrappingKey, memory.adoptSync(bytes), context, target);
    expect(target.equals(key)).toBe(true);
  });

  test.each([
    ['a changed nonce', 3],
    ['a changed tag', 20],
    ['a changed key byte', 40],
    ['changed padding', 1_000],
  ])('with %s does not open, and the target reads zero', (_, at) => {
    const { memory, wrappingKey, bytes, target } = enveloped();
    bytes[at] = (bytes[at] as number) ^ 1;
    const error = thrownBy(() => decryptKey(wrappingKey, memory.adoptSync(bytes), context, target));
    expect(isSecureMemoryError(error, 'ERR_SECMEM_UNSEAL_FAILED')).toBe(true);
    expect(target.equals(new Uint8Array(32))).toBe(true);
  });

  test('of another account or under another wrapping key does not open', () => {
    const { memory, wrappingKey, bytes, target } = enveloped();
    const envelope = memory.adoptSync(bytes);
    const other = new TextEncoder().encode('account 2');
    const failed = expect.objectContaining({ code: 'ERR_SECMEM_UNSEAL_FAILED' });
    expect(() => decryptKey(wrappingKey, envelope, other, target)).toThrow(failed);
    expect(() => decryptKey(memory.randomSync(32), envelope, context, target)).toThrow(failed);
  });
});

function thrownBy(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
