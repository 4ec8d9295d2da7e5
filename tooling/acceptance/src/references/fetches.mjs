/** What OpenSSL fetches and keeps, asked and thrown away by hand. For the danger that one provider's algorithm stands in for another's. */
import koffi from 'koffi';

const process_ = koffi.load(null);
const fetch = process_.func(
  'void *EVP_KEYMGMT_fetch(void *libctx, const char *name, const char *query)',
);
const free = process_.func('void EVP_KEYMGMT_free(void *management)');
const providerOf = process_.func('void *EVP_KEYMGMT_get0_provider(void *management)');
const nameOf = process_.func('const char *OSSL_PROVIDER_get0_name(void *provider)');
const load = process_.func(
  'void *OSSL_PROVIDER_try_load(void *libctx, const char *name, int retain)',
);
const forEachProvider = process_.func('OSSL_PROVIDER_do_all', 'int', [
  'void *',
  koffi.pointer(koffi.proto('int ProviderSeen(void *provider, void *argument)')),
  'void *',
]);
const unload = process_.func('int OSSL_PROVIDER_unload(void *provider)');

export const FAMILIES = /** @type {const} */ (['EC', 'RSA', 'ED25519', 'X25519']);

/** The provider that a request for keys of a family is answered with now. @param {string} family */
export function servedBy(family) {
  const management = fetch(null, family, null);
  if (management === null) return 'nobody';
  try {
    return /** @type {string} */ (nameOf(providerOf(management)));
  } finally {
    free(management);
  }
}

/** The providers of the process, in their order. @returns {string[]} */
export function providerNames() {
  /** @type {string[]} */
  const names = [];
  forEachProvider(null, (/** @type {unknown} */ provider) => names.push(nameOf(provider)), null);
  return names;
}

/** Makes OpenSSL forget all that it has fetched. */
export function forgetFetches() {
  if (unload(load(null, 'null', 1)) !== 1) throw new Error('the provider null was not unloaded');
}

/** Asks with queries that nobody asked with before, so that OpenSSL throws away what it kept, by chance. @param {number} count */
export function crowdFetches(count) {
  for (let i = 0; i < count; i++) {
    asked++;
    for (const family of FAMILIES) free(fetch(null, family, `?securemem.test${asked}=yes`));
  }
}

let asked = 0;
