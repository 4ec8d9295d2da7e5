/**
 * What a caller of sodium-native does by hand for one access: opens the page, touches one byte, closes it again.
 * @param {'read' | 'write'} access @param {'read-only' | 'no-access'} atRest
 * @returns {import('./case.d.mts').OpenLoop}
 */
export function sodiumAccess(access, atRest) {
  return async () => {
    const { default: sodium } = await import('sodium-native');
    const buffer = sodium.sodium_malloc(32);
    const open =
      access === 'read' ? sodium.sodium_mprotect_readonly : sodium.sodium_mprotect_readwrite;
    const close =
      atRest === 'read-only' ? sodium.sodium_mprotect_readonly : sodium.sodium_mprotect_noaccess;
    let sum = 0;
    return {
      run(count) {
        for (let n = 0; n < count; n += 1) {
          open(buffer);
          if (access === 'read') sum += buffer[0] ?? 0;
          else buffer[0] = 1;
          close(buffer);
        }
        if (Number.isNaN(sum)) throw new Error('a read gave nothing');
      },
    };
  };
}
