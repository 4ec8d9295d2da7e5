// Most drivers take a password as a string, which can never be wiped. PostgreSQL, MongoDB and Kafka log in by SCRAM, where the
// client proves that it knows the password: so the password goes from a file to the proof (RFC 5802, RFC 7677) and is
// gone. Where a driver insists on a string, the string is a copy in this process, whoever held the secret before: give it one for
// each connection, and know that it stays until the collector comes by.
import { pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { createAllocator, hash, hmac } from '@securemem/core';
import { koffiBackend } from '@securemem/koffi';

const [passwordFile = '/run/secrets/db-password'] = process.argv.slice(2);
const memory = createAllocator({ backend: koffiBackend() });

/**
 * @param {string} file
 * @param {{ salt: Uint8Array, iterations: number, authMessage: string }} challenge
 */
function prove(file, { salt, iterations, authMessage }) {
  return memory.phase(async (phase) => {
    const password = await phase.fromFile(file, { trimNewline: true });
    const salted = await phase.allocate(32);
    password.read((bytes) => {
      const derived = pbkdf2Sync(bytes, salt, iterations, 32, 'sha256');
      salted.copyFrom(derived);
      derived.fill(0);
    });
    password.dispose();
    const clientKey = await phase.adopt(hmac('sha256', salted, 'Client Key'));
    const storedKey = await phase.adopt(hash('sha256', clientKey));
    const proof = hmac('sha256', storedKey, authMessage);
    clientKey.read((key) => {
      for (const [i, byte] of key.entries()) proof[i] = Number(proof[i]) ^ byte;
    });
    const serverKey = await phase.adopt(hmac('sha256', salted, 'Server Key'));
    return { proof, serverSignature: hmac('sha256', serverKey, authMessage) };
  });
}

// The exchange of RFC 7677, section 3: user "user", password "pencil".
const serverFirst =
  'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096';
const clientFinal = 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
const { proof, serverSignature } = await prove(passwordFile, {
  salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  iterations: 4096,
  authMessage: `n=user,r=rOprNGfwEbeRWgbNEkqO,${serverFirst},${clientFinal}`,
});
console.log(`${clientFinal},p=${proof.toString('base64')}`);

// The server proves in turn that it knows the password.
const answer = Buffer.from('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=', 'base64');
console.log('server:', timingSafeEqual(answer, serverSignature) ? 'genuine' : 'NOT genuine');
await memory.close();
