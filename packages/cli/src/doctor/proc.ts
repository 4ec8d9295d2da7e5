import { readFileSync, readlinkSync } from 'node:fs';
import { mayHibernate } from '@securemem/core/contract';
import type { ByteLimit, Unknown } from './facts.js';

/** The text of a file of the system, or undefined where it is not there or must not be read. */
export type ReadText = (path: string) => string | undefined;

export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

/** Where a symbolic link points, or undefined. */
export function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Soft and hard value of one line of /proc/self/limits, in bytes. */
export function limitOf(limits: string | undefined, name: string): [ByteLimit, ByteLimit] {
  const line = limits?.split('\n').find((text) => text.startsWith(name));
  const [soft, hard] = line?.slice(name.length).trim().split(/\s+/) ?? [];
  return [byteLimit(soft), byteLimit(hard)];
}

function byteLimit(text: string | undefined): ByteLimit {
  if (text === 'unlimited') return 'unlimited';
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : 'unknown';
}

/** A field of /proc/self/status or /proc/meminfo, as it stands there. */
export function fieldOf(text: string | undefined, name: string): string | undefined {
  return text?.match(new RegExp(`^${name}:\\s*(.+)$`, 'm'))?.[1];
}

/** A field in kB, in bytes. */
export function kilobytesOf(text: string | undefined, name: string): number | Unknown {
  const value = fieldOf(text, name)?.match(/^(\d+) kB$/)?.[1];
  return value === undefined ? 'unknown' : Number(value) * 1024;
}

/** A decimal number that is all there is in a file. */
export function numberIn(text: string | undefined): number | undefined {
  const trimmed = text?.trim();
  return trimmed !== undefined && /^\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}

const CAP_IPC_LOCK = 14n;

/** Whether CAP_IPC_LOCK is among the effective capabilities. That it counts is another question. */
export function hasLockCapability(status: string | undefined): boolean | Unknown {
  const effective = fieldOf(status, 'CapEff');
  if (effective === undefined) return 'unknown';
  return ((BigInt(`0x${effective}`) >> CAP_IPC_LOCK) & 1n) === 1n;
}

/** The first one; the number is fixed in the kernel (`PROC_USER_INIT_INO` in its include/linux/proc_ns.h). */
const FIRST_USER_NAMESPACE = 'user:[4026531837]';

/**
 * Whether `link`, where /proc/self/ns/user points, is another namespace than the first. There capabilities show and lift no
 * limit. The map of ids does not tell, since another namespace may map every id to itself.
 */
export function isUserNamespace(link: string | undefined): boolean | Unknown {
  return link === undefined ? 'unknown' : link !== FIRST_USER_NAMESPACE;
}

/** The memory limit of the control group of this process, or of the nearest one above that has any. */
export function groupLimitOf(read: ReadText): ByteLimit {
  const groups = read('/proc/self/cgroup');
  if (groups === undefined) return 'unknown';
  const unified = groups.match(/^0::(\/.*)$/m)?.[1];
  const legacy = groups.match(/^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m)?.[1];
  const limits = [
    ...(unified === undefined ? [] : upwards('/sys/fs/cgroup', unified, 'memory.max')),
    ...(legacy === undefined
      ? []
      : upwards('/sys/fs/cgroup/memory', legacy, 'memory.limit_in_bytes')),
  ].flatMap((path) => numberIn(read(path)) ?? []);
  const finite = limits.filter((limit) => limit < Number.MAX_SAFE_INTEGER);
  return finite.length === 0 ? 'unlimited' : Math.min(...finite);
}

function upwards(mount: string, group: string, file: string): string[] {
  const parts = group.split('/').filter((part) => part !== '');
  const paths: string[] = [];
  for (let n = parts.length; n >= 0; n--) {
    paths.push([mount, ...parts.slice(0, n), file].join('/'));
  }
  return paths;
}

/** Whether the kernel offers to write all of memory to disk. */
export function canHibernate(read: ReadText): boolean | Unknown {
  const state = read('/sys/power/state');
  if (state === undefined) return read('/proc/version') === undefined ? 'unknown' : false;
  return mayHibernate(read);
}
