import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Archive } from './archive.mjs';

/**
 * A kernel that a machine boots.
 *
 * @typedef {object} Kernel
 * @property {string} id as the command line and the tables call it
 * @property {string} suite of Debian
 * @property {'amd64' | 'arm64'} architecture
 * @property {string} metapackage brings the newest build of this kernel
 * @property {string} parameters that every scenario boots it with
 */

/**
 * Kernels for virtual machines are a third of the size of the others, and have all that is proved here. Before 6.5 memfd_secret is
 * there but off.
 * @type {readonly Kernel[]}
 */
export const KERNELS = [
  kernel('5.10', 'bullseye', 'amd64', 'secretmem.enable=1'),
  kernel('6.1', 'bookworm', 'amd64', 'secretmem.enable=1'),
  kernel('6.12', 'trixie', 'amd64', ''),
  kernel('newest', 'trixie-backports', 'amd64', ''),
  kernel('6.1-arm64', 'bookworm', 'arm64', 'secretmem.enable=1'),
];

/** @param {string} id @param {string} suite @param {Kernel['architecture']} architecture @param {string} parameters @returns {Kernel} */
function kernel(id, suite, architecture, parameters) {
  return { id, suite, architecture, metapackage: `linux-image-cloud-${architecture}`, parameters };
}

/** @param {string} id @returns {Kernel} */
export function kernelOf(id) {
  const found = KERNELS.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no kernel is called ${id}`);
  return found;
}

/** In the order in which they are put in; a kernel has some of them built in. */
const MODULES = [
  'virtio_ring',
  'virtio',
  'virtio_pci_legacy_dev',
  'virtio_pci_modern_dev',
  'virtio_pci',
  'virtio_mmio',
  'virtio_blk',
];

/**
 * Its image and the modules that a disk needs, from Debian's packages.
 * @param {Kernel} kernel @returns {{ image: string, modules: readonly string[], release: string }}
 */
export function fetchKernel({ suite, architecture, metapackage }) {
  const archive = new Archive(suite, architecture);
  const [, ...names] = archive.namesUnder(metapackage, /^linux-(image|binary|modules)-\d/);
  const files = names.flatMap((name) => filesUnder(archive.unpack(name)));
  const image = files.find((file) => /^vmlinu[xz]/.test(basename(file)));
  const release = /^linux-image-(.*)$/.exec(names[0] ?? '')?.[1];
  if (image === undefined || release === undefined) {
    throw new Error(`${metapackage} of ${suite} brings no kernel: ${names.join(', ')}`);
  }
  const modules = MODULES.flatMap((name) =>
    files.filter((file) => new RegExp(`^${name}\\.ko(\\.xz)?$`).test(basename(file))),
  );
  return { image, modules, release };
}

/** @param {string} directory @returns {string[]} */
function filesUnder(directory) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
