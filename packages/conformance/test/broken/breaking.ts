import {
  type BackendCapabilities,
  isSecureMemoryError,
  type MemoryBackend,
  type RegionId,
  type RegionRange,
  SecureMemoryError,
  type View,
} from '@securemem/core/contract';
import type { FakeKernel } from '@securemem/core/testing';
import { altered } from '../altered.js';

/** A backend that breaks one promise. */
export interface Broken {
  readonly name: string;
  /** The requirements that must reject it, the owner of the promise first. No other may. */
  readonly rejectedBy: readonly string[];
  readonly capabilities?: Partial<BackendCapabilities>;
  readonly breakIt: (backend: MemoryBackend, kernel: FakeKernel) => MemoryBackend;
}

/** Runs something after each successful map. */
export function afterMap(
  backend: MemoryBackend,
  then: (region: RegionId, byteLength: number) => void,
) {
  return altered(backend, {
    map: (byteLength) => {
      const region = backend.map(byteLength);
      then(region, byteLength);
      return region;
    },
  });
}

/** Turns errors of map into others. */
export function mapErrors(
  backend: MemoryBackend,
  change: (error: SecureMemoryError) => Error,
): MemoryBackend {
  return altered(backend, {
    map: (byteLength) => {
      try {
        return backend.map(byteLength);
      } catch (error) {
        throw isSecureMemoryError(error) ? change(error) : error;
      }
    },
  });
}

/** The same error under another code. */
export function recoded(
  error: SecureMemoryError,
  code: SecureMemoryError['code'],
): SecureMemoryError {
  const { message, operation, backend, syscall, errno, details } = error;
  return new SecureMemoryError(code, message, { operation, backend, syscall, errno, details });
}

/** A view with another close. */
export function withClose(
  backend: MemoryBackend,
  close: (view: View) => ReturnType<View['close']>,
): MemoryBackend {
  return altered(backend, {
    openView: (...range) => {
      const view = backend.openView(...range);
      return { bytes: view.bytes, close: () => close(view), aliasAlive: () => view.aliasAlive() };
    },
  });
}

/** Something done after each successful protect. */
export function afterProtect(
  backend: MemoryBackend,
  then: (region: RegionId, protection: string) => void,
): MemoryBackend {
  return altered(backend, {
    protect: (region, protection) => {
      backend.protect(region, protection);
      then(region, protection);
    },
  });
}

/** Like the error, with other members. */
export function changed(
  error: SecureMemoryError,
  changes: Partial<Pick<SecureMemoryError, 'operation' | 'errno' | 'details' | 'message'>>,
): SecureMemoryError {
  const { code, message, operation, backend, syscall, errno, details } = { ...error, ...changes };
  const told = changes.message ?? error.message ?? message;
  return new SecureMemoryError(code, told, { operation, backend, syscall, errno, details });
}

/** The same backend under ids of its own making: what `next` gives, tried until it is not in use. */
export function renumbered(backend: MemoryBackend, next: () => number): MemoryBackend {
  const real = new Map<RegionId, RegionId>();
  const of = (region: RegionId): RegionId => real.get(region) ?? (-1 as RegionId);
  const part = ({ region, byteOffset, byteLength }: RegionRange): RegionRange => ({
    region: of(region),
    byteOffset,
    byteLength,
  });
  return altered(backend, {
    map: (byteLength) => {
      const region = backend.map(byteLength);
      const id = next() as RegionId;
      real.set(id, region);
      return id;
    },
    unmap: (region) => {
      backend.unmap(of(region));
      real.delete(region);
    },
    protect: (region, protection) => backend.protect(of(region), protection),
    wipe: (region, ...range) => backend.wipe(of(region), ...range),
    read: (region, ...rest) => backend.read(of(region), ...rest),
    write: (region, ...rest) => backend.write(of(region), ...rest),
    openView: (region, ...range) => backend.openView(of(region), ...range),
    inspect: (ids) => backend.inspect(ids.map(of)),
    seal: (key, nonce, data, plaintext, target) =>
      backend.seal(part(key), nonce, data, part(plaintext), target),
    unseal: (key, nonce, data, source, plaintext) =>
      backend.unseal(part(key), nonce, data, source, part(plaintext)),
    sign: (algorithm, key, message, target) => backend.sign(algorithm, part(key), message, target),
    signLater: (algorithm, key, message) => backend.signLater(algorithm, part(key), message),
    openKey: (key, type) => backend.openKey(part(key), type),
    publicKey: (type, key, target) => backend.publicKey(type, part(key), target),
    agree: (algorithm, key, peer, secret) =>
      backend.agree(algorithm, part(key), peer, part(secret)),
    takeEnvironment: (name, target) => backend.takeEnvironment(name, part(target)),
  });
}
