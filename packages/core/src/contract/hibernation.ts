/**
 * Whether this machine (Linux) is set up to hibernate. While any process holds memfd_secret pages the kernel refuses to, for
 * the whole machine, and nobody can find out who has them: the descriptor is closed. So a backend that is told to prefer such
 * pages leaves a machine alone that may hibernate, and takes them only when they are required.
 *
 * The kernel stops offering hibernation while anybody holds such pages, so on a machine where somebody does already this is
 * false. It is false as well where it cannot be told. `read` gives the text of a file of the kernel, and undefined where there is
 * none or it may not be read, as in some containers.
 */
export function mayHibernate(read: (path: string) => string | undefined): boolean {
  const offered = read('/sys/power/state')?.split(/\s+/).includes('disk') ?? false;
  return offered && !(read('/sys/power/disk') ?? '').includes('[disabled]');
}
