import { afterEach, expect, it, vi } from 'vitest';
import { memoryKilledSince, memoryKills } from '../src/supervisor/memory-kills.js';

const files = vi.hoisted(() => new Map<string, string>());

vi.mock('node:fs', async (original) => ({
  ...(await original<typeof import('node:fs')>()),
  readFileSync: (path: string) => {
    const text = files.get(path);
    if (text === undefined) throw new Error('ENOENT');
    return text;
  },
}));

afterEach(() => files.clear());

it.each([
  [
    'version 2',
    '0::/a.slice/b',
    '/sys/fs/cgroup/a.slice/b/memory.events',
    'low 0\noom 4\noom_kill 3\n',
  ],
  [
    'version 1',
    '4:memory:/a/b\n0::/',
    '/sys/fs/cgroup/memory/a/b/memory.oom_control',
    'under_oom 0\noom_kill 3\n',
  ],
  [
    'version 1, with others',
    '4:hugetlb,memory:/a',
    '/sys/fs/cgroup/memory/a/memory.oom_control',
    'oom_kill 3\n',
  ],
  [
    'a container whose path is of its host',
    '0::/docker/x',
    '/sys/fs/cgroup/memory.events',
    'oom_kill 3\n',
  ],
])('KS11 the count of the memory killer is found: %s', (_, groups, file, content) => {
  files.set('/proc/self/cgroup', `${groups}\n`);
  files.set(file, content);
  expect(memoryKills()).toBe(3);
  expect([2, 3, undefined].map(memoryKilledSince)).toEqual([true, false, false]);
});

it('KS11 a count that nobody keeps, or that cannot be read any more, blames nobody', () => {
  expect(memoryKills()).toBe(undefined);
  files.set('/proc/self/cgroup', '0::/\n');
  expect([memoryKills(), memoryKilledSince(3), memoryKilledSince(undefined)]).toEqual([
    undefined,
    false,
    false,
  ]);
});
