// Opens, probes and hardens with options of no property of their own, under names that lie on Object.prototype: once with
// none, then with all of them for each value, and with each alone where that made a difference. Prints what was seen.
import { readFileSync } from 'node:fs';

const [specifier, factoryName, control] = process.argv.slice(2);
const backend = await import(String(specifier));
const factory = backend[String(factoryName)];
const { names, values } = JSON.parse(readFileSync(0, 'utf8'));

/** @param {unknown} options */
function open(options) {
  const opened = factory(options);
  const { name, capabilities, pageByteLength } = opened;
  opened[Symbol.dispose]();
  return { name, capabilities, pageByteLength };
}

const calls = {
  factory: () => open({}),
  probe: () => factory.probe({}),
  hardenProcess: () => backend.hardenProcess?.({}),
  // As a careless caller would: this shows that the pollution reaches what is read through the prototype.
  ...(control === 'control' && { control: () => open({ views: /** @type {any} */ ({}).views }) }),
};

/** @param {() => unknown} call @param {string[]} polluted @param {unknown} value */
function outcome(call, polluted, value) {
  for (const name of polluted) {
    Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
  }
  let seen;
  try {
    seen = call();
  } catch (error) {
    seen = String(error);
  } finally {
    for (const name of polluted) Reflect.deleteProperty(Object.prototype, name);
  }
  return JSON.stringify(seen) ?? 'undefined';
}

const changed = [];
for (const [name, call] of Object.entries(calls)) {
  // The first call of all is what hardens; every later one finds it done.
  outcome(call, [], undefined);
  const before = outcome(call, [], undefined);
  for (const value of values) {
    if (outcome(call, names, value) === before) continue;
    for (const one of names) {
      const after = outcome(call, [one], value);
      if (after !== before) changed.push({ name, one, value, before, after });
    }
  }
}
process.stdout.write(`${JSON.stringify({ changed, called: Object.keys(calls).length })}\n`);
