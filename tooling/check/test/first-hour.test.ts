import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '@securemem/launch/workspace';
import { describe, expect, it } from 'vitest';

/** Where an entry is shown, and words of the test there; or why nothing shows it. */
type Answer = readonly [file: string, words: string] | { readonly because: string };

/**
 * What strangers met in their first hour with an early version, as users, as authors of a backend and as publishers, and what keeps
 * each from coming back.
 */
const MET: Readonly<Record<string, readonly [what: string, answer: Answer]>> = {
  N1: [
    'the suite passes a backend that protects the first page only',
    ['packages/conformance/test/outsider.test.ts', 'N1 knows a hundred bugs'],
  ],
  N2: [
    'any two secrets are deeply equal',
    ['packages/core/test/redaction.test.ts', 'P17 two handles'],
  ],
  N3: [
    'a redaction passes for a key',
    ['packages/core/test/redaction.test.ts', 'P05 a handle where bytes were meant'],
  ],
  N4: [
    'no answer for private keys',
    ['examples/test/recipes.test.ts', 'signs a token that others verify'],
  ],
  N5: [
    'bundling breaks native backends, and no page says so',
    ['tooling/installs/test/bundlers.ts', 'runs with the packages left out'],
  ],
  N6: [
    'the first publish cannot be done as documented',
    ['tooling/release/test/release.test.ts', 'N6 nothing leaves before it has a version'],
  ],
  N7: [
    'ranges of peers without a bound',
    ['tooling/release/test/release.test.ts', 'N7 a release to 1.0.0 keeps both bounds'],
  ],
  N8: [
    'the most natural mistake is answered with a word of the engine',
    ['packages/core/test/handle-recognition.test.ts', 'P12 what is no handle'],
  ],
  N9: [
    'posting a secret to a worker is answered with the source of a function',
    ['packages/core/test/redaction.test.ts', 'load it in that thread'],
  ],
  N10: [
    'the suite rejects guards of another kind',
    ['packages/conformance/test/outsider.test.ts', 'N10 passes with another mechanism'],
  ],
  N11: [
    'the suite misses a lock that waits for the first touch',
    ['packages/conformance/test/outsider/bugs/locks.mjs', 'mlockOnFault(start, byteLength)'],
  ],
  N12: [
    'the suite misses an address in the error of a refused call',
    ['packages/conformance/test/outsider/bugs/words.mjs', 'address-in-refused-protect'],
  ],
  N12a: [
    'the suite misses that a closed region is not wiped',
    ['packages/conformance/test/outsider/bugs/bytes.mjs', 'dispose-leaves-closed'],
  ],
  N13: [
    'a slow machine counts as a broken backend',
    ['packages/conformance/test/outsider.test.ts', 'slow or busy'],
  ],
  N14: [
    'the doctor says STOP and ends with 0',
    ['packages/cli/test/doctor.test.ts', 'N14 ends with 1 where it says STOP'],
  ],
  N15: [
    'no remedy for the hard limit',
    ['packages/cli/test/checks.test.ts', 'N15 offers nothing that the hard limit forbids'],
  ],
  N16: [
    'remedies that cannot help',
    ['packages/core/test/advice.test.ts', 'advice that knows what was done'],
  ],
  N17: [
    'a naive agent with 5,000 credentials hangs',
    ['examples/test/recipes.test.ts', 'N17 polls for 5,000 users under 64 KiB'],
  ],
  N18: [
    'no page shows what `load` takes',
    ['docs/SEALING.md', "such as `[['ada', bytes], ['bob', secret]]`"],
  ],
  N19: [
    '`encrypt` takes secrets alone',
    ['packages/core/test/use.test.ts', 'N19 encrypt() takes ordinary bytes'],
  ],
  N20: [
    'a warning about an install script that no page explains',
    ['tooling/installs/test/fresh-eyes.ts', 'is told nothing but what is expected'],
  ],
  N21: [
    'lists of secrets that are no tuples',
    ['packages/core/test/load-all.test.ts', 'N21 gives a tuple'],
  ],
  N22: [
    'a reference with names of directories and an empty front page',
    ['tooling/release/test/reference.test.ts', 'N22 opens in a browser'],
  ],
  N23: ['actions by tag', ['tooling/check/test/workflows.test.ts', 'N23 are pinned in ours']],
  N25: [
    'how to revoke a view on Node 20 has to be guessed',
    ['docs/WRITING-A-BACKEND.md', 'ReadableByteStreamController.prototype.enqueue'],
  ],
  N26: ['"1 requests"', ['packages/core/test/advice.test.ts', 'N26 counts one request']],
  N27: [
    'a length that is wrong by a newline, unexplained',
    ['packages/core/test/ingest-file.test.ts', 'N27 says of a length that is too much'],
  ],
  N29: [
    'no version, no "did you mean"',
    ['packages/cli/test/conformance.test.ts', 'N29 tells its version'],
  ],
  N30: [
    'figures and lines that nobody can use',
    ['packages/cli/test/checks.test.ts', 'N30 has at most 100 columns'],
  ],
  N31: [
    'a receipt says "the backend does not do it on this machine", as if it could elsewhere',
    {
      because:
        'it can: koffi has pages that root cannot read where the kernel has memfd_secret and kernelHidden asks for them',
    },
  ],
  N32: ['dead files in tarballs', ['packages/keeper/package.json', '!dist/child.cjs']],
  N33: [
    'the entry of the keeper process cannot be imported by old resolvers',
    {
      because:
        'nobody imports it: it is started as a process, and tooling/check/src/packed.mjs leaves it out for that',
    },
  ],
  N34: ['no changelog in the packages', ['tooling/release/test/release.test.ts', 'CHANGELOG.md']],
  N35: [
    'declarations need @types/node without a word',
    ['tooling/installs/test/types.ts', 'N35 need @types/node, and say so'],
  ],
  N36: [
    'declarations show classes of the inside',
    ['tooling/check/test/packed.test.ts', 'N36 that shows a class which nobody can import'],
  ],
  N37: [
    'an example says that a keeper makes a string safe',
    ['examples/database-password.mjs', 'the string is a copy in this process, whoever held'],
  ],
  N38: [
    'the simulated kernel speaks otherwise than the real one',
    ['packages/core/src/testing/fake-errors.ts', 'has no room for'],
  ],
};

describe('what strangers met in their first hour', () => {
  it.each(Object.entries(MET))(
    '%s is kept from coming back, or a reason says why not',
    (_, [what, answer]) => {
      expect(what).not.toBe('');
      if ('because' in answer) {
        expect(answer.because).not.toBe('');
        return;
      }
      const [file, words] = answer;
      expect(existsSync(join(root, file)), file).toBe(true);
      expect(readFileSync(join(root, file), 'utf8')).toContain(words);
    },
  );
});
