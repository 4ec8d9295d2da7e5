import { scratch } from '../bytes.js';
import type { Context } from '../context.js';
import { expect, expectCode, expectEqual } from '../expectation.js';
import type { Requirement } from '../requirement.js';

const claims = ({ environment }: { readonly environment: 'erasable' | 'none' }): boolean =>
  environment === 'erasable';

function refusesEnvironment(context: Context): void {
  const { backend } = context;
  const region = context.map();
  const target = { region, byteOffset: 0, byteLength: 8 };
  const code = 'ERR_SECMEM_NOT_SUPPORTED';
  expectCode(() => backend.environmentByteLength('PATH'), code, 'environmentByteLength');
  expectCode(() => backend.takeEnvironment('PATH', target), code, 'takeEnvironment');
  const bytes = scratch(8);
  backend.read(region, 0, bytes);
  expect(
    bytes.every((byte) => byte === 0),
    'the region should be as it was',
  );
}

const instead = 'environmentByteLength and takeEnvironment throw ERR_SECMEM_NOT_SUPPORTED';

interface Refusals {
  readonly refused: Readonly<Record<string, string | undefined>>;
  readonly byteLengthAfter: number | undefined;
  readonly regionIsZero: boolean;
}

interface Moves {
  /** Under each protection: the value, whether its neighbours are untouched, and the protection afterwards. */
  readonly moved: readonly {
    readonly level: string;
    readonly same: boolean;
    readonly around: boolean;
    readonly protection: string;
  }[];
  readonly emptyByteLength: number | undefined;
  readonly wideByteLength: number | undefined;
}

export const environment: readonly Requirement[] = [
  {
    id: 'environment-taken',
    group: 'environment',
    sentence:
      'takeEnvironment moves a variable into the range and leaves none of it in the process',
    contract: 'MemoryBackend.takeEnvironment',
    capability: 'environment',
    claims,
    run: async ({ evidence }) => {
      const found = await evidence.takeVariable();
      expect(found.before > 0, 'the value was not even found before it was taken');
      expect(found.inRegion, 'the region should hold the value');
      expectEqual(found.after, 0, 'copies outside the region');
      expectEqual(found.shown, false, 'whether the kernel shows the value to others');
      expect((found.byteLengthBefore ?? 0) > 0, 'the variable should have a length at first');
      expectEqual(found.byteLengthAfter, undefined, 'the length of the variable afterwards');
      expect(found.neighboursKept, 'other variables should be as they were');
      expect(found.places >= 1, `places is ${found.places}`);
    },
    instead,
    otherwise: refusesEnvironment,
  },
  {
    id: 'environment-exact',
    group: 'environment',
    sentence:
      'takeEnvironment writes the range and nothing else, under every protection, and leaves that as it was',
    contract: 'MemoryBackend.takeEnvironment',
    capability: 'environment',
    claims,
    run: async ({ evidence }) => {
      const { moved, emptyByteLength, wideByteLength } = await evidence.task<Moves>(
        'moveVariables',
        {},
      );
      for (const { level, same, around, protection } of moved) {
        expect(same, `under ${level} the range should hold the value`);
        expect(around, `under ${level} the bytes around the range should be as they were`);
        expectEqual(protection, level, 'the protection afterwards');
      }
      expectEqual(emptyByteLength, 0, 'the length of a variable that is empty');
      expectEqual(wideByteLength, 6, 'the length of a value of three letters of two bytes');
    },
    instead,
    otherwise: refusesEnvironment,
  },
  {
    id: 'environment-misuse',
    group: 'environment',
    sentence:
      'takeEnvironment refuses names, lengths and ranges that are wrong, and the variable is as it was',
    contract: 'MemoryBackend.environmentByteLength, takeEnvironment',
    capability: 'environment',
    claims,
    run: async ({ evidence }) => {
      const answer = await evidence.task<Refusals>('refuseVariables', {});
      for (const [what, name] of Object.entries(answer.refused)) {
        const wanted = what.startsWith('a name') ? 'TypeError' : 'RangeError';
        expect(name === wanted, `${what} should throw ${wanted}: ${name}`);
      }
      expectEqual(answer.byteLengthAfter, 5, 'the length of the variable after refusals');
      expect(answer.regionIsZero, 'the region should be as it was after refusals');
    },
    instead,
    otherwise: refusesEnvironment,
  },
];
