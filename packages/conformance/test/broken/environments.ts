import { altered } from '../altered.js';
import type { Broken } from './breaking.js';

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

export const environments: readonly Broken[] = [
  {
    name: 'copies a variable and leaves it where it was',
    rejectedBy: ['environment-taken'],
    breakIt: (backend, { environment }) =>
      altered(backend, {
        takeEnvironment: (name, target) => {
          const value = text(environment.first(name));
          const taken = backend.takeEnvironment(name, target);
          environment.set(name, value);
          return taken;
        },
      }),
  },
  {
    name: 'unsets a variable and does not overwrite it',
    rejectedBy: ['environment-taken'],
    breakIt: (backend, { environment }) =>
      altered(backend, {
        takeEnvironment: (name, target) => {
          const value = text(environment.first(name));
          const taken = backend.takeEnvironment(name, target);
          environment.set('freed by the C library', value);
          return taken;
        },
      }),
  },
  {
    name: 'takes every variable whose name begins like that',
    rejectedBy: ['environment-taken'],
    breakIt: (backend, { environment }) =>
      altered(backend, {
        takeEnvironment: (name, target) => {
          environment.erase(`${name}_2`);
          return backend.takeEnvironment(name, target);
        },
      }),
  },
  {
    name: 'leaves a region open after it has taken a variable',
    rejectedBy: ['environment-exact'],
    breakIt: (backend, kernel) =>
      altered(backend, {
        takeEnvironment: (name, target) => {
          const taken = backend.takeEnvironment(name, target);
          if (kernel.protectionOf(target.region) !== 'read-write') {
            backend.protect(target.region, 'read-write');
          }
          return taken;
        },
      }),
  },
  {
    name: 'writes a zero byte behind the variable',
    rejectedBy: ['environment-exact'],
    breakIt: (backend) =>
      altered(backend, {
        takeEnvironment: (name, target) => {
          const taken = backend.takeEnvironment(name, target);
          backend.wipe(target.region, target.byteOffset + target.byteLength, 1);
          return taken;
        },
      }),
  },
  {
    name: 'counts letters instead of bytes',
    rejectedBy: ['environment-exact'],
    breakIt: (backend, { environment }) =>
      altered(backend, {
        environmentByteLength: (name) =>
          backend.environmentByteLength(name) && text(environment.first(name)).length,
      }),
  },
  {
    name: 'takes what fits of a variable',
    rejectedBy: ['environment-misuse'],
    breakIt: (backend) =>
      altered(backend, {
        takeEnvironment: (name, target) => {
          const byteLength = backend.environmentByteLength(name) ?? target.byteLength;
          return backend.takeEnvironment(name, { ...target, byteLength });
        },
      }),
  },
  {
    name: 'takes a name with an equals sign for that of a variable that is not set',
    rejectedBy: ['environment-misuse'],
    breakIt: (backend) =>
      altered(backend, {
        environmentByteLength: (name) =>
          typeof name === 'string' && name.includes('=')
            ? undefined
            : backend.environmentByteLength(name),
      }),
  },
  {
    name: 'has no environment and answers nevertheless',
    rejectedBy: ['environment-taken', 'environment-exact', 'environment-misuse'],
    capabilities: { environment: 'none' },
    breakIt: (backend) =>
      altered(backend, {
        environmentByteLength: (name) => {
          backend.lockLimit();
          return name.length;
        },
      }),
  },
];
