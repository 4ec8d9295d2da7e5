/** The example is a program to copy from and no package: so it is found by its place. */
const place = new URL('../../../../examples/https-secret.mjs', import.meta.url);

/** @type {Promise<typeof import('../../../../examples/https-secret.mjs')>} */
const loaded = import(place.href);

export const { fetchSecret } = await loaded;
