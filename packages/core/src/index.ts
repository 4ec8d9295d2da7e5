/**
 * Secure memory for Node.js: the allocator. Open one with `createAllocator({ backend })` over a backend such as
 * `koffiBackend()` of `@securemem/koffi`.
 *
 * @module @securemem/core
 */

export { Allocations } from './allocations.js';
export * from './allocator.js';
export * from './contract/index.js';
export * from './crash/crash-policy.js';
export { firstAvailable } from './first-available.js';
export type { Base64Alphabet } from './ingest/base64.js';
export type { IngestOptions } from './ingest/from-file.js';
export type { JsonOptions, JsonSource } from './ingest/from-json.js';
export type { JwkOptions } from './ingest/from-jwk.js';
export type { EncryptedKeyOptions } from './ingest/from-pem.js';
export type { TerminalOptions } from './ingest/from-terminal.js';
export type { Base64Options, EncodedText } from './ingest/from-text.js';
export type { ImportedKey, KeyFileOptions } from './ingest/keys/import-key.js';
export type { KeySource } from './ingest/keys/workbench.js';
export type { LoadAllOptions } from './lifetime/load-all.js';
export type { AllocateOptions, AllocateSyncOptions } from './lifetime/request.js';
export type { SecretFor } from './lifetime/secret-for.js';
export * as remedies from './limits/remedies.js';
export type {
  AllocatorOptions,
  AtRest,
  Guarantee,
  LeakDetection,
  OnCapacity,
  OnCorruption,
} from './options.js';
export { type OptionsFromEnv, optionsFromEnv } from './options-from-env.js';
export { type Loader, Phase, type PhaseOptions } from './phase.js';
export type { Discrepancy } from './placement/kernel-check.js';
export type { SealingKeyForm } from './placement/key-form.js';
export { type Room, roomFor } from './placement/room.js';
export type { AccessMode } from './places/access.js';
export type { Receipt, Weakness } from './places/receipt.js';
export type { WaitContext } from './requests/traced-claim.js';
export { SealedSecret } from './sealing/sealed-secret.js';
export type { Lease } from './secret/lease.js';
export { type LendOptions, Secret } from './secret/secret.js';
export type {
  AllocatorStats,
  Occupancy,
  PlacementStats,
  SlabStats,
} from './stats.js';
export type { FollowedFile, Following } from './store/follower.js';
export { SecretStore } from './store/secret-store.js';
export type {
  LoadOptions,
  LoadProgress,
  LoadSource,
  SetOptions,
  StoreOptions,
  StoreStats,
} from './store/store-options.js';
export type { SecretsOf } from './store/uses.js';
export type { TelemetryEvent, TelemetryEvents } from './telemetry/events.js';
export {
  type AeadAlgorithm,
  type DecryptOptions,
  decrypt,
  type EncryptOptions,
  encrypt,
} from './use/aead.js';
export { type Argon2Algorithm, type Argon2Options, argon2 } from './use/argon2.js';
export type { DerivedOptions } from './use/derived.js';
export { diffieHellman } from './use/diffie-hellman.js';
export { hash } from './use/hash.js';
export { type HkdfOptions, hkdf } from './use/hkdf.js';
export { type Data, hmac } from './use/hmac.js';
export { toKeyObject } from './use/key-object.js';
export {
  type KeyReferenceOptions,
  type TlsKeyOptions,
  toPrivateKey,
  toTlsKey,
} from './use/key-reference.js';
export type { Password, PasswordOptions } from './use/password.js';
export { type Pbkdf2Options, pbkdf2 } from './use/pbkdf2.js';
export { publicKey } from './use/public-key.js';
export { type ScryptOptions, scrypt } from './use/scrypt.js';
export { type SignAsyncOptions, type SignOptions, sign, signAsync } from './use/sign.js';
export type { VerifyReport } from './verify.js';
