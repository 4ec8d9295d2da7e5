#include "openssl.h"

#include "symbols.h"

namespace securemem {
namespace {

bool TakeAll(OpenSsl* openssl) {
  // Nothing older and no fork has EVP_PKEY_fromdata.
#define SECUREMEM_TAKE(result, name, parameters) \
  if (!TakeSymbol(&openssl->name, #name)) return false;
  SECUREMEM_OPENSSL(SECUREMEM_TAKE)
#undef SECUREMEM_TAKE
  return true;
}

}  // namespace

const OpenSsl* FindOpenSsl() { return TakenOnce<OpenSsl, TakeAll>(); }

}  // namespace securemem
