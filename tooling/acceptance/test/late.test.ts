import { describe, expect, it, type TestContext } from 'vitest';
import { ended, runScenario } from '../src/run-scenario.js';

interface Options {
  readonly byteLength: number;
  readonly consumer: 'write' | 'deflate' | 'randomFill';
  readonly way: 'read' | 'write' | 'lend';
  readonly isolateViews?: boolean;
  readonly pages?: number;
}

interface Seen {
  readonly code: string | null;
  readonly read: number;
  readonly overwritten: number;
}

const run = (context: TestContext, backend: string, options: Options) =>
  runScenario<Seen>(context, 'late:consumer', backend, { options: { ...options } });

const BACKENDS = ['koffi', 'napi', 'nolock'] as const;
/** Those that have views and can close a page. */
const WITH_VIEWS = ['koffi', 'napi'] as const;

describe.each(BACKENDS)('SEC4 native code that is late, %s', (backend) => {
  it.for([
    { byteLength: 32, consumer: 'write', way: 'read' },
    { byteLength: 5000, consumer: 'deflate', way: 'lend' },
    { byteLength: 32, consumer: 'randomFill', way: 'write' },
    { byteLength: 2048, consumer: 'randomFill', way: 'lend' },
  ] as const)(
    'neither reads nor overwrites the secrets that come next: $consumer of $byteLength bytes by $way()',
    async (options, context) => {
      const seen = ended(await run(context, backend, options));
      expect(seen).toEqual({ code: null, read: 0, overwritten: 0 });
    },
  );
});

describe('SEC4 copies, where there are no views', () => {
  it.for([
    {
      title: 'keep the memory of the last eight, so that the next lie elsewhere',
      control: false,
      copies: 8,
    },
    { title: 'control: leave nothing when they are given up at once', control: true, copies: 0 },
  ])('$title', async ({ control, copies }, context) => {
    const options = { options: { control }, execArgv: ['--expose-gc'] };
    const kept = await runScenario(context, 'late:keptCopies', 'nolock', options);
    expect(ended(kept)).toEqual({ copies });
  });
});

describe.each(WITH_VIEWS)('SEC4 what remains, %s', (backend) => {
  it('control: with no other place to be had, the next secret is what the late one reads', async (context) => {
    const options = { byteLength: 4096, consumer: 'write', way: 'read', pages: 1 } as const;
    const seen = ended(await run(context, backend, options));
    expect(seen).toEqual({ code: null, read: 4096, overwritten: 0 });
  });
});

describe.each(WITH_VIEWS)('SEC4 routing.isolateViews, %s', (backend) => {
  it.for([32, 5000])(
    'a late system call is told EFAULT, over %i bytes',
    async (byteLength, context) => {
      const options = { byteLength, consumer: 'write', way: 'read', isolateViews: true } as const;
      expect(ended(await run(context, backend, options)).code).toBe('EFAULT');
    },
  );

  it.for(['deflate', 'randomFill'] as const)(
    'a late %s dies of the touch',
    async (consumer, context) => {
      const options = { byteLength: 32, consumer, way: 'write', isolateViews: true } as const;
      const { signal } = await run(context, backend, options);
      expect(signal).toMatch(/^SIG(SEGV|BUS)$/);
    },
  );
});
