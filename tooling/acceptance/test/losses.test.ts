import { describe, expect, it } from 'vitest';
import { ended, runScenario } from '../src/run-scenario.js';

interface Taken {
  status: number;
  residentKib: number;
  early: boolean | undefined;
  ok: boolean;
  claimed: boolean;
  pooledClaimed: boolean;
  reasons: string;
  locked: number;
  mapped: number;
  events: number;
  counted: number;
  fresh: boolean;
  freshPooled: boolean;
}

const ATTACKS = [
  ['munlockall', 'locked'],
  ['dodump', 'dumpExcluded'],
  ['dofork', 'forkSafe'],
  ['mprotect', 'noAccessAtRest'],
] as const;

describe.each(['koffi', 'napi-mlock', 'koffi-hidden', 'napi'])(
  'SEC6 what other code takes from a page of %s',
  (backend) => {
    const isHidden = backend === 'koffi-hidden' || backend === 'napi';
    it.for(ATTACKS.filter(([attack]) => !isHidden || attack !== 'munlockall'))(
      'SEC6 after %s no receipt claims %s, and what comes next has it',
      async (given, context) => {
        const [attack, guarantee] = given;
        const options = { options: { attack, guarantee } };
        const found = ended(await runScenario<Taken>(context, 'losses:taken', backend, options));
        expect(found).toMatchObject({ status: 0, ok: false, claimed: false });
        expect(found.reasons).toContain('other code in this process took it away');
        expect(found.events).toBeGreaterThan(0);
        expect(found.counted).toBe(found.events);
        expect(found).toMatchObject({ fresh: true, freshPooled: true });
        expect(found.pooledClaimed).toBe(attack !== 'munlockall');
        if (attack !== 'munlockall') return;
        expect(found).toMatchObject({ early: false, locked: 0 });
      },
    );

    if (isHidden) {
      it('SEC6 munlockall passes over a hidden page, so that the receipt goes on to say locked', async (context) => {
        const options = { options: { attack: 'pageout', guarantee: 'locked' } };
        const found = ended(await runScenario<Taken>(context, 'losses:taken', backend, options));
        // The mapping is still locked (mlock_fixup in mm/mlock.c): the kernel refuses to write the page out (MADV_PAGEOUT).
        expect(found).toMatchObject({ status: -1, residentKib: 4, early: true, ok: true });
        expect(found).toMatchObject({ claimed: true, pooledClaimed: true, events: 0 });
      });
    }

    it('SEC6 control: where nobody took anything all is claimed, and nothing is told', async (context) => {
      const options = { options: { attack: 'nothing', guarantee: 'locked' } };
      const found = ended(await runScenario<Taken>(context, 'losses:taken', backend, options));
      expect(found).toMatchObject({ ok: true, claimed: true, events: 0 });
      expect(found.locked).toBe(found.mapped);
    });
  },
);
