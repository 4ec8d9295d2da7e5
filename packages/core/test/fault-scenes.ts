import { createPrivateKey } from 'node:crypto';
import type { Allocator, SealedSecret, Secret } from '../src/index.js';
import { departed } from './fixture.js';

/** Every secret of a scene is full of these, so that a byte that is left somewhere is found. */
export const MARK = 0x5e;

/** What a scene works on. Whatever it makes goes into the lists at once, so that a throw loses none of it. */
export interface Act {
  readonly memory: Allocator;
  readonly secrets: Secret[];
  readonly sealed: SealedSecret[];
}

/** One thing that programs do. Each call to the backend in `run` fails in turn. */
export interface Scene {
  readonly name: string;
  /** What is done before the failure is planned. */
  readonly before?: (act: Act) => void;
  readonly run: (act: Act) => void | Promise<void>;
}

/** Small enough that every scene reaches a rotation, and that older keys go. */
export const SEALS_PER_KEY = 2;

const marked = (byteLength: number): Uint8Array =>
  new Uint8Array(new ArrayBuffer(byteLength)).fill(MARK);

function allocate({ memory, secrets }: Act, byteLength: number): Secret {
  const secret = memory.allocateSync(byteLength);
  secrets.push(secret);
  secret.write((bytes) => bytes.fill(MARK));
  return secret;
}

function some(act: Act): void {
  for (const byteLength of [64, 64, 5000]) allocate(act, byteLength);
}

function sealAll({ secrets, sealed }: Act): void {
  for (const secret of secrets) if (!secret.disposed) sealed.push(secret.seal());
}

/** As many as fill the limit of 16 pages: whoever comes next waits. */
function fillUp(act: Act): void {
  for (let i = 0; i < 4; i++) allocate(act, 4 * 4096);
}

/** A page that is cut evenly, and one in which lengths are mixed; no third one is to be had. */
function twoPagesLeft(act: Act): void {
  allocate(act, 14 * 4096);
  for (const byteLength of [32, 300, 500, 700]) allocate(act, byteLength);
}

/** Two gaps side by side become one, which is split again; then the even page is loosened. */
function joinAndLoosen(act: Act): void {
  const [, , first, second] = act.secrets as [Secret, Secret, Secret, Secret];
  first.dispose();
  second.dispose();
  for (const byteLength of [600, 3000]) act.secrets.push(act.memory.allocateSync(byteLength));
  act.memory.verify();
}

/** One key that is used up, with what was sealed by it. */
function onTheEveOfRotation(act: Act): void {
  for (let i = 0; i < SEALS_PER_KEY; i++) allocate(act, 64);
  sealAll(act);
  some(act);
}

/** Two waiters, a large and a small one; whoever holds the memory goes, and both are served or told why not. */
async function grant(act: Act): Promise<void> {
  const { memory, secrets } = act;
  const settled = Promise.allSettled([memory.allocateAll([9000]), memory.allocateAll([64, 2000])]);
  const errors: unknown[] = [];
  for (const secret of secrets) {
    try {
      secret.dispose();
    } catch (error) {
      errors.push(error);
    }
  }
  for (const end of await settled) {
    if (end.status === 'fulfilled') secrets.push(...end.value);
    else errors.push(end.reason);
  }
  if (errors.length > 0) throw errors[0];
}

async function phase({ memory, secrets }: Act, thrown?: Error): Promise<void> {
  await memory.phase(async (each) => {
    for (const byteLength of [64, 7000]) {
      const secret = each.allocateSync(byteLength);
      secrets.push(secret);
      secret.write((bytes) => bytes.fill(MARK));
    }
    if (thrown !== undefined) throw thrown;
  });
}

async function useStore({ memory }: Act): Promise<void> {
  const store = memory.store({ hotMax: 1 });
  try {
    for (const name of ['a', 'b', 'c']) {
      const source = marked(64);
      try {
        await store.set(name, source);
      } finally {
        source.fill(0);
      }
    }
    for (const name of ['a', 'b', 'a']) await store.use(name, (secret) => secret.byteLength);
  } finally {
    store.dispose();
  }
}

/** A key of Ed25519 whose seed is full of marks, and the same encrypted under a passphrase that is. */
const KEY = Buffer.from(`302e020100300506032b657004220420${'5e'.repeat(32)}`, 'hex');
const ENCRYPTED = createPrivateKey({ key: KEY, format: 'der', type: 'pkcs8' }).export({
  format: 'der',
  type: 'pkcs8',
  cipher: 'aes-256-cbc',
  passphrase: Buffer.alloc(16, MARK),
});

async function takeKeys({ memory, secrets }: Act): Promise<void> {
  const passphrase = memory.allocateSync(16);
  secrets.push(passphrase);
  passphrase.write((bytes) => bytes.fill(MARK));
  for (const file of [KEY, ENCRYPTED]) {
    const source = new Uint8Array(new ArrayBuffer(file.length));
    source.set(file);
    const { secret } = await memory.fromDer(source, { passphrase });
    secrets.push(secret);
  }
}

/** What a phase throws itself when its end is looked at beside another failure. */
export const THROWN_BY_PHASE = new Error('thrown by the function of the phase');

export const SCENES: readonly Scene[] = [
  {
    name: 'create',
    run: ({ memory, secrets }) => {
      secrets.push(memory.allocateSync(64));
      secrets.push(memory.allocateSync(5000));
      secrets.push(memory.randomSync(100));
      secrets.push(...memory.allocateAllSync([64, 2000, 9000, 64]));
    },
  },
  {
    name: 'adopt',
    run: ({ memory, secrets }) => {
      const source = marked(64);
      try {
        secrets.push(memory.adoptSync(source));
      } finally {
        source.fill(0);
      }
    },
  },
  {
    name: 'access',
    before: some,
    run: ({ secrets }) => {
      for (const secret of secrets) {
        secret.read((bytes) => bytes[0]);
        secret.write((bytes) => bytes.fill(MARK));
        secret.lend().release();
        secret.equals(secrets[0] as Secret);
        secret.exportCopy().fill(0);
      }
    },
  },
  {
    name: 'resize',
    before: some,
    run: ({ secrets }) => {
      for (const n of [128, 6000, 16]) for (const secret of secrets) secret.resize(n);
    },
  },
  {
    name: 'release',
    before: some,
    run: ({ secrets }) => {
      for (const secret of secrets) secret.dispose();
    },
  },
  { name: 'grant to waiters', before: fillUp, run: grant },
  { name: 'mixed pages', before: twoPagesLeft, run: joinAndLoosen },
  { name: 'phase end', run: (act) => phase(act) },
  { name: 'phase end by throw', run: (act) => phase(act, THROWN_BY_PHASE) },
  { name: 'seal', before: some, run: sealAll },
  {
    name: 'open',
    before: (act) => {
      some(act);
      sealAll(act);
    },
    run: ({ memory, secrets, sealed }) => {
      for (const each of sealed) secrets.push(memory.openSync(each));
    },
  },
  {
    name: 'rotation',
    before: onTheEveOfRotation,
    run: (act) => {
      sealAll(act);
      // The first key goes with the last that it sealed, and the second one was made beside it.
      for (const each of act.sealed.splice(0, SEALS_PER_KEY)) each.dispose();
      for (const each of act.sealed) act.secrets.push(act.memory.openSync(each));
    },
  },
  { name: 'store', run: useStore },
  { name: 'key files', run: takeKeys },
  { name: 'verify', before: some, run: ({ memory }) => void memory.verify() },
  {
    name: 'purge',
    before: onTheEveOfRotation,
    run: async ({ memory }) => {
      memory.purge();
      await departed(memory);
    },
  },
  {
    name: 'close',
    before: onTheEveOfRotation,
    run: async ({ memory }) => void (await memory.close()),
  },
];
