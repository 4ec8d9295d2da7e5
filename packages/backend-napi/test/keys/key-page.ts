import type {
  AgreementAlgorithm,
  KeyType,
  Protection,
  RegionId,
  RegionRange,
  SignatureAlgorithm,
} from '@securemem/core/contract';
import { AGREEMENTS, KEY_TYPES, SIGNATURES } from '@securemem/core/contract';
import { napiBackend } from '../../src/index.js';
import type { NapiBackend } from '../../src/napi-backend.js';

/** Ordinary bytes that are not on V8's moving heap. */
export function bytesOf(source: Iterable<number>): Uint8Array<ArrayBuffer> {
  const list = [...source];
  const bytes = new Uint8Array(new ArrayBuffer(list.length));
  bytes.set(list);
  return bytes;
}

export const hex = (text: string): Uint8Array<ArrayBuffer> => bytesOf(Buffer.from(text, 'hex'));
export const zeros = (byteLength: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(new ArrayBuffer(byteLength));

/** Where the secret of an agreement goes: behind any key. */
const SECRET_OFFSET = 16_384;
const BYTE_LENGTH = 20_480;

/** A region with one key in it, not at its first byte, and the calls on it. */
export class KeyPage implements Disposable {
  readonly backend = napiBackend() as NapiBackend;
  readonly region: RegionId = this.backend.map(BYTE_LENGTH);
  #key: RegionRange = { region: this.region, byteOffset: 0, byteLength: 0 };

  get key(): RegionRange {
    return this.#key;
  }

  put(key: Uint8Array, byteOffset = 3, protection: Protection = 'no-access'): this {
    this.backend.write(this.region, byteOffset, bytesOf(key));
    this.backend.protect(this.region, protection);
    this.#key = { region: this.region, byteOffset, byteLength: key.length };
    return this;
  }

  sign(algorithm: SignatureAlgorithm, message: Uint8Array): Buffer {
    const target = zeros(SIGNATURES[algorithm].byteLength ?? 2048);
    const byteLength = this.backend.sign(algorithm, this.#key, bytesOf(message), target);
    return Buffer.from(target.subarray(0, byteLength));
  }

  async signLater(algorithm: SignatureAlgorithm, message: Uint8Array): Promise<Buffer> {
    return Buffer.from(
      await this.backend.signLater(algorithm, this.#key, bytesOf(message)).signature,
    );
  }

  publicKey(type: KeyType): Buffer {
    const target = zeros(KEY_TYPES[type].publicByteLength ?? 4096);
    const byteLength = this.backend.publicKey(type, this.#key, target);
    return Buffer.from(target.subarray(0, byteLength));
  }

  agree(algorithm: AgreementAlgorithm, peer: Uint8Array): Buffer {
    const { byteLength } = AGREEMENTS[algorithm];
    const range = { region: this.region, byteOffset: SECRET_OFFSET, byteLength };
    this.backend.write(this.region, SECRET_OFFSET, zeros(byteLength).fill(0xee));
    this.backend.agree(algorithm, this.#key, bytesOf(peer), range);
    return this.secret(byteLength);
  }

  /** What lies where the secret goes. */
  secret(byteLength: number): Buffer {
    const found = zeros(byteLength);
    this.backend.read(this.region, SECRET_OFFSET, found);
    return Buffer.from(found);
  }

  [Symbol.dispose](): void {
    this.backend[Symbol.dispose]();
  }
}
