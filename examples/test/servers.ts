import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';

/** The smallest servers that a driver logs in to. */

/** Of PostgreSQL: asks for the password in clear, notes it, and lets everybody in. */
export const postgresOf = (passwords: string[]) => (socket: Socket) => {
  socket.once('data', () => {
    socket.write(Buffer.from('520000000800000003', 'hex')); // AuthenticationCleartextPassword
    socket.once('data', (message) => {
      passwords.push(message.subarray(5, -1).toString());
      // AuthenticationOk, ReadyForQuery
      socket.write(Buffer.from('5200000008000000005a0000000549', 'hex'));
    });
  });
};

/** Of Redis: notes every command, and answers each. */
export const redisOf = (commands: string[]) => (socket: Socket) => {
  socket.on('data', (chunk) => {
    for (const command of chunk
      .toString()
      .split(/\*\d+\r\n/)
      .filter(Boolean)) {
      const words = command.split('\r\n').filter((word) => word !== '' && !word.startsWith('$'));
      commands.push(words.join('\n'));
      socket.write(words[0] === 'HELLO' ? '%0\r\n' : '+OK\r\n');
    }
  });
};

/** What a client of MySQL sends for a password (`mysql_native_password`). */
export function scramble(password: string, salt: Buffer): Buffer {
  const sha1 = (...parts: Buffer[]) => createHash('sha1').update(Buffer.concat(parts)).digest();
  const once = sha1(Buffer.from(password));
  const mask = sha1(salt, sha1(once));
  return Buffer.from(once.map((byte, i) => byte ^ Number(mask[i])));
}

/** A certificate for localhost and the path of its key; undefined where there is no `openssl`. */
export function certificateIn(folder: string): { key: string; cert: Buffer } | undefined {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const line = ['req', '-x509', ...curve, ...names, '-keyout', key, '-out', cert];
  const { status } = spawnSync('openssl', line);
  return status === 0 ? { key, cert: readFileSync(cert) } : undefined;
}
