import { readdirSync, readFileSync } from 'node:fs';

/**
 * The processes that descend from `ancestor`, nearest first, with what the kernel knows of where each one stands. Empty where
 * there is no `/proc`.
 * @param {number} ancestor
 */
export function descendants(ancestor) {
  /** @type {{ pid: number, parent: number, description: string }[]} */
  const all = processes();
  /** @type {typeof all} */
  const found = [];
  for (let parents = new Set([ancestor]); parents.size > 0; ) {
    const children = all.filter(({ parent }) => parents.has(parent));
    found.push(...children);
    parents = new Set(children.map(({ pid }) => pid));
  }
  return found;
}

function processes() {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => readProcess(Number(name)));
  } catch {
    return [];
  }
}

/** @param {number} pid */
function readProcess(pid) {
  try {
    // The name stands in parentheses and may hold spaces and parentheses itself.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
    const waitsIn = readFileSync(`/proc/${pid}/wchan`, 'latin1');
    return [{ pid, parent: Number(parent), description: `${pid} ${state} ${waitsIn} ${command}` }];
  } catch {
    return []; // It has ended meanwhile.
  }
}
