#include "provider_functions.h"

#include <link.h>

#include "symbols.h"

namespace securemem {
namespace {

struct Asked {
  uintptr_t address;
  bool lies_there;
};

// Told of the executable first, and of nothing else.
int LookInExecutable(dl_phdr_info* object, size_t, void* asked) {
  Asked* about = static_cast<Asked*>(asked);
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const auto& part = object->dlpi_phdr[i];
    if (part.p_type == PT_LOAD && about->address - (object->dlpi_addr + part.p_vaddr) < part.p_memsz) about->lies_there = true;
  }
  return 1;
}

// An OpenSSL in a library is not the runtime's for sure: something else may have brought it, beside another one that the runtime uses.
bool IsOfExecutable(ssl::Function function) {
  Asked asked = {reinterpret_cast<uintptr_t>(function), false};
  dl_iterate_phdr(LookInExecutable, &asked);
  return asked.lies_there;
}

bool TakeAll(ProviderFunctions* openssl) {
#define SECUREMEM_TAKE(result, name, parameters) \
  if (!TakeSymbol(&openssl->name, #name)) return false;
  SECUREMEM_PROVIDER_FUNCTIONS(SECUREMEM_TAKE)
#undef SECUREMEM_TAKE
  return IsOfExecutable(Untyped(openssl->OSSL_PROVIDER_try_load));
}

}  // namespace

const ProviderFunctions* FindProviderFunctions() { return TakenOnce<ProviderFunctions, TakeAll>(); }

}  // namespace securemem
