import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { requirements } from '../src/index.js';

const guide = readFileSync(new URL('../../../docs/WRITING-A-BACKEND.md', import.meta.url), 'utf8');

describe('docs/WRITING-A-BACKEND.md', () => {
  it('has an entry for every requirement, in the order of the report, and no other', () => {
    const headings = [...guide.matchAll(/^#### (\S+)$/gm)].map(([, id]) => id);
    expect(headings).toEqual(requirements.map(({ id }) => id));
  });

  it('quotes what each requirement asks, and what it asks instead', () => {
    for (const { id, sentence, capability, ...more } of requirements) {
      const entry = guide.split(`#### ${id}\n`)[1]?.split('\n#')[0] ?? '';
      expect(entry).toContain(`> ${sentence}.`);
      if (capability === undefined || !('instead' in more)) continue;
      expect(entry).toContain(`Without \`${capability}\`: ${more.instead}.`);
    }
  });
});
