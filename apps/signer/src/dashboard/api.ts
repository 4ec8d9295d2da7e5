import type { Sample } from './sample.js';

/** What the service answered instead of a success. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const KEY = 'signer-token';

/**
 * The token from the fragment of the address, which is taken out of the address at once. It lasts as long as the tab.
 */
export function takeToken(): string | undefined {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token !== null) {
    sessionStorage.setItem(KEY, token);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(KEY) ?? undefined;
}

/** Posts with the token. Throws Refusal with the words of the service, or with our own when it is not reached. */
export async function post<T>(path: string, body?: object): Promise<T> {
  const headers: Record<string, string> = {
    authorization: `Bearer ${sessionStorage.getItem(KEY) ?? ''}`,
  };
  if (body !== undefined) headers['content-type'] = 'application/json';
  const init = { method: 'POST', headers, ...(body && { body: JSON.stringify(body) }) };
  const response = await fetch(path, init).catch(() => undefined);
  if (response === undefined) throw new Refusal(0, 'The service does not answer.');
  const answer: unknown = await response.json().catch(() => ({}));
  if (response.ok) return answer as T;
  const { detail = response.statusText } = answer as { detail?: string };
  throw new Refusal(response.status, `The service refused: ${detail} (${response.status}).`);
}

export async function currentSample(): Promise<Sample> {
  return (await fetch('/v1/sample')).json() as Promise<Sample>;
}
