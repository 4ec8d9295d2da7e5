import type { Requirement } from './requirement.js';
import { requirements } from './requirements/index.js';

/** The requirements with these ids, in the order of the report; all of them where none is named. Throws `RangeError`. */
export function selected(only: readonly string[] | undefined): readonly Requirement[] {
  if (only === undefined) return requirements;
  for (const id of only) {
    if (requirements.some((requirement) => requirement.id === id)) continue;
    const [first = ''] = id.split('-');
    const near = requirements.map((one) => one.id).filter((one) => one.startsWith(`${first}-`));
    const hint = near.length === 0 ? '' : `; those about ${first} are ${near.join(', ')}`;
    throw new RangeError(`no requirement is called ${id}${hint}`);
  }
  return requirements.filter(({ id }) => only.includes(id));
}
