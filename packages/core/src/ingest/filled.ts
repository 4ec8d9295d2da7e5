import { randomFillSync } from 'node:crypto';
import { type Secret, withBytes } from '../secret/secret.js';

/** Fills a new secret by the system's random generator, where it lies. See `Allocations.random`. */
export function fillRandomly(secret: Secret): Secret {
  try {
    withBytes(secret, 'write', (bytes) => {
      randomFillSync(bytes);
    });
  } catch (error) {
    secret.dispose();
    throw error;
  }
  return secret;
}
