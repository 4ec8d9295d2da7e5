// many-credentials.mjs
import { hmac } from '@securemem/core';

/** Polls for every user, 50 at once. @param {import('@securemem/core').SecretStore} store @param {(user: string, mac: string) => Promise<void>} ask */
export async function poll(store, ask, atOnce = 50) {
  const users = store.keys();
  const next = async () => {
    for (const user of users) {
      // The credential is open for the header alone; nothing is held while the answer is awaited.
      const mac = await store.use(user, (key) => hmac('sha256', key, user).toString('hex'));
      await ask(user, mac);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, next));
}
