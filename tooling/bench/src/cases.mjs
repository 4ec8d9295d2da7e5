import { readdirSync } from 'node:fs';

const directory = new URL('./cases/', import.meta.url);

/** Every file of `cases/` is one case, in the order of their names. */
export async function loadCases() {
  const files = readdirSync(directory).filter((file) => file.endsWith('.mjs'));
  /** @type {import('./case.d.mts').Case[]} */
  const cases = [];
  for (const file of files.sort())
    cases.push((await import(new URL(file, directory).href)).default);
  return cases;
}

/**
 * The pairs of case and subject to measure: all subjects of the cases whose name begins with `prefix`, and whatever
 * the targets of those are compared with.
 * @param {readonly import('./case.d.mts').Case[]} cases @param {string} prefix
 */
export function select(cases, prefix) {
  return withReferences(cases.filter(({ name }) => name.startsWith(prefix)));
}

/**
 * The same for the cases of these names, in this order.
 * @param {readonly import('./case.d.mts').Case[]} cases @param {readonly string[]} names
 */
export function selectNamed(cases, names) {
  return withReferences(
    names.map((name) => {
      const found = cases.find((each) => each.name === name);
      if (found === undefined) throw new Error(`no case is called ${name}`);
      return found;
    }),
  );
}

/** @param {readonly import('./case.d.mts').Case[]} chosen */
function withReferences(chosen) {
  const pairs = new Map();
  const add = (/** @type {string} */ name, /** @type {string} */ subject) => {
    pairs.set(`${name} ${subject}`, { name, subject });
  };
  for (const { name, subjects } of chosen) {
    for (const subject of Object.keys(subjects)) add(name, subject);
  }
  for (const term of chosen.flatMap(({ targets }) => targets.flatMap(({ atMost }) => atMost))) {
    add(term.name, term.subject);
  }
  return {
    chosen,
    pairs: /** @type {{ name: string, subject: string }[]} */ ([...pairs.values()]),
  };
}
