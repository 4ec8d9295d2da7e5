import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A key and a certificate of `localhost` that is its own authority. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Makes one for a name, by the program `openssl`; undefined where there is none. */
export function makeCertificate(name = 'localhost'): Certificate | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'securemem-certificate-'));
  try {
    const [key, cert] = [join(directory, 'key'), join(directory, 'cert')];
    const line = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=${name}`;
    const more = ['-addext', `subjectAltName=DNS:${name}`, '-keyout', key, '-out', cert];
    execFileSync('openssl', [...line.split(' '), ...more], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } catch {
    return undefined;
  } finally {
    rmSync(directory, { recursive: true });
  }
}
