#include "openssl.h"

#include "symbols.h"

namespace securemem {
namespace {

bool TakeAll(OpenSsl* openssl) {
#define SECUREMEM_TAKE(result, name, parameters) \
  if (!TakeSymbol(&openssl->name, #name)) return false;
  SECUREMEM_PROVIDER_FUNCTIONS(SECUREMEM_TAKE)
#undef SECUREMEM_TAKE
  return true;
}

}  // namespace

const OpenSsl* FindOpenSsl() { return TakenOnce<OpenSsl, TakeAll>(); }

}  // namespace securemem
