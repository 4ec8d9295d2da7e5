/** 4096 as `4 KiB`, 0 as `nothing`. */
export function kib(byteLength: number): string {
  return byteLength === 0 ? 'nothing' : `${Math.round((byteLength / 1_024) * 10) / 10} KiB`;
}

/** 3,942 as `3.9 s`, 42 as `42 ms`. */
export function duration(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  return ms < 10 ? `${Math.round(ms * 10) / 10} ms` : `${Math.round(ms)} ms`;
}

/** `1 request`, `2 requests`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
