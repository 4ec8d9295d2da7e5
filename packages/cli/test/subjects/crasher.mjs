import { nolockBackend } from '@securemem/nolock';

/** Dies when it is asked to write nothing at all. */
export function open() {
  const backend = nolockBackend();
  const { write } = backend;
  backend.write = (region, byteOffset, source) => {
    if (source?.length === 0 && byteOffset > 0) process.kill(process.pid, 'SIGKILL');
    write.call(backend, region, byteOffset, source);
  };
  return backend;
}
