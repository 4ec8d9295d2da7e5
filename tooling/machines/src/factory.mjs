import { fetchKernel } from './kernels.mjs';
import { boot } from './machine.mjs';
import { makeProject } from './project.mjs';
import { makeRootImage } from './root-image.mjs';

/** Processors as npm calls them. */
const CPUS = /** @type {const} */ ({ amd64: 'x64', arm64: 'arm64' });

/**
 * Boots a machine with one kernel.
 * @typedef {object} Bench
 * @property {import('./kernels.mjs').Kernel} kernel
 * @property {() => void} prepare fetches and makes what it boots from, which the first boot does otherwise; throws where it cannot be had
 * @property {(machine: Pick<Parameters<typeof boot>[0], 'scenario' | 'megabytes' | 'disks' | 'parameters' | 'endsWith'>) =>
 *   ReturnType<typeof boot>} boot
 */

/** Makes what machines boot from, once for each kernel and processor. */
export class Factory {
  /** @type {((line: string) => void) | undefined} */
  #onLine;
  /** @type {string} */
  #parameters;
  /** @type {Map<string, string>} */
  #projects = new Map();
  /** @type {Map<string, { image: string, initrd: string }>} */
  #made = new Map();

  /** @param {{ onLine?: ((line: string) => void) | undefined, parameters?: string }} [options] parameters of every kernel */
  constructor({ onLine, parameters = '' } = {}) {
    this.#onLine = onLine;
    this.#parameters = parameters;
  }

  /** @param {import('./kernels.mjs').Kernel} kernel @returns {Bench} */
  on(kernel) {
    return {
      kernel,
      prepare: () => void this.#make(kernel),
      boot: (machine) => {
        const onLine = this.#onLine === undefined ? {} : { onLine: this.#onLine };
        const parameters = `${this.#parameters} ${machine.parameters ?? ''}`;
        return boot({ kernel, ...this.#make(kernel), ...machine, parameters, ...onLine });
      },
    };
  }

  /** @param {import('./kernels.mjs').Kernel} kernel */
  #make(kernel) {
    const known = this.#made.get(kernel.id);
    if (known !== undefined) return known;
    const cpu = CPUS[kernel.architecture];
    const project = this.#projects.get(cpu) ?? makeProject(cpu);
    this.#projects.set(cpu, project);
    const { image, modules } = fetchKernel(kernel);
    const made = { image, initrd: makeRootImage({ kernel, modules, project }) };
    this.#made.set(kernel.id, made);
    return made;
  }
}
