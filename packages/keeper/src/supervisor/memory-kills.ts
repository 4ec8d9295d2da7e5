import { readKernelFile } from '../kernel-file.js';

/** Where a count of the memory killer stands, by version of control groups: how its line names it, the folder, the file in that. */
const PLACES = [
  { controller: '', folder: '/sys/fs/cgroup', file: 'memory.events' },
  {
    controller: '(?:[^:]*,)?memory(?:,[^:]*)?',
    folder: '/sys/fs/cgroup/memory',
    file: 'memory.oom_control',
  },
] as const;

/**
 * How often the kernel has killed a process of this control group because memory ran out; a keeper starts in the group of its host.
 * Undefined where nobody counts: without control groups, in those of no memory limit, and on other systems. The count is of the whole
 * group, so who was killed it does not say. See "memory.events" in the kernel's `admin-guide/cgroup-v2`.
 */
export function memoryKills(): number | undefined {
  const groups = read('/proc/self/cgroup') ?? '';
  for (const { controller, folder, file } of PLACES) {
    // A line is "number:controllers:path"; in a container the path may be one of the host, and the folder is the group itself.
    const line = new RegExp(`^\\d+:${controller}:(.*)$`, 'm');
    const path = groups.match(line)?.[1];
    if (path === undefined) continue;
    const counted = read(`${folder}${path}/${file}`) ?? read(`${folder}/${file}`);
    const count = counted?.match(/^oom_kill (\d+)$/m)?.[1];
    if (count !== undefined) return Number(count);
  }
  return undefined;
}

/** Whether the count went up since it was `before`. One that cannot be read any more tells nothing. */
export function memoryKilledSince(before: number | undefined): boolean {
  const now = memoryKills();
  return before !== undefined && now !== undefined && now > before;
}

function read(path: string): string | undefined {
  try {
    return readKernelFile(path);
  } catch {
    return undefined;
  }
}
