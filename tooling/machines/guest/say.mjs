import { writeSync } from 'node:fs';

/** Tells the host; what is said under one name again replaces what was said before. @param {Readonly<Record<string, unknown>>} facts */
export function say(facts) {
  writeSync(1, `@securemem ${JSON.stringify(facts)}\n`);
}

/** What is only read by a person who watches. @param {string} text */
export function tell(text) {
  writeSync(1, `${text}\n`);
}
