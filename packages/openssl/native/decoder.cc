// Finds a reference in a PEM text of its own label. Every PEM that a program gives OpenSSL may come by here, so it looks at the first bytes
// alone, and what is no reference that is open is left to the others.
//
// OpenSSL goes on where the last decoder has left the stream: from there it looks for a key behind a block that was none. So whoever reads PEM
// otherwise reads the block after us, for nothing but to leave the stream where it would be without us.
#include <string.h>

#include "operations.h"
#include "reference.h"

namespace securemem {
namespace {

constexpr char kBegin[] = "-----BEGIN SECUREMEM KEY REFERENCE-----";
constexpr size_t kBeginByteLength = sizeof kBegin - 1;
constexpr size_t kHeadByteLength = 128;

// Function numbers of OSSL_OP_DECODER.
constexpr int kNewContext = 1, kFreeContext = 2, kDoesSelection = 10, kDecode = 11, kExportObject = 20;
// OSSL_OBJECT_PKEY.
constexpr int kKeyObject = 2;
// Nothing of a reference was found, which is no error.
constexpr int kGoOn = 1;

using Decoding = int (*)(void*, void*, int, ssl::Callback, void*, ssl::PassphraseCallback, void*);

// Whoever reads PEM otherwise; without functions where there is nobody.
struct PemReader {
  void* provider_context = nullptr;
  void* (*make)(void*) = nullptr;
  void (*free)(void*) = nullptr;
  Decoding decode = nullptr;
};
PemReader g_reader;

void FindPemReader(const ProviderFunctions& openssl) {
  // Kept for good, and the provider with it.
  const ssl::Decoder* decoder = openssl.OSSL_DECODER_fetch(nullptr, "DER", "input=pem");
  if (decoder == nullptr) return;
  const ssl::Provider* provider = openssl.OSSL_DECODER_get0_provider(decoder);
  int no_cache = 0;
  const ssl::Algorithm* found = openssl.OSSL_PROVIDER_query_operation(provider, ssl::kDecoder, &no_cache);
  while (found != nullptr && found->names != nullptr && strstr(found->properties, "input=pem") == nullptr) found++;
  if (found == nullptr || found->names == nullptr) return;
  const ssl::Dispatch* table = found->implementation;
  g_reader.provider_context = openssl.OSSL_PROVIDER_get0_provider_ctx(provider);
  g_reader.make = FunctionOf<void* (*)(void*)>(table, kNewContext);
  g_reader.free = FunctionOf<void (*)(void*)>(table, kFreeContext);
  g_reader.decode = FunctionOf<Decoding>(table, kDecode);
}

int TakeNothing(const ssl::Parameter*, void*) { return 0; }
int NoPassphrase(char*, size_t, size_t*, const ssl::Parameter*, void*) { return 0; }

// What it says of the block is known already, or nobody's business.
void PassBlock(void* stream, int selection) {
  if (g_reader.make == nullptr || g_reader.free == nullptr || g_reader.decode == nullptr) return;
  const ProviderFunctions& openssl = *FindProviderFunctions();
  void* context = g_reader.make(g_reader.provider_context);
  if (context == nullptr) return;
  openssl.ERR_set_mark();
  g_reader.decode(context, stream, selection, TakeNothing, nullptr, NoPassphrase, nullptr);
  openssl.ERR_pop_to_mark();
  g_reader.free(context);
}

int Nibble(uint8_t letter) {
  if (letter >= '0' && letter <= '9') return letter - '0';
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

bool IsBlank(uint8_t letter) { return letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n'; }

// The label on a line, and the id in hexadecimal digits on the next.
bool ReadId(const uint8_t* text, size_t length, uint8_t* id) {
  size_t at = 0;
  while (at < length && IsBlank(text[at])) at++;
  if (length - at < kBeginByteLength || memcmp(text + at, kBegin, kBeginByteLength) != 0) return false;
  at += kBeginByteLength;
  if (at < length && text[at] == '\r') at++;
  if (at >= length || text[at++] != '\n' || length - at < 2 * kIdByteLength) return false;
  for (size_t i = 0; i < kIdByteLength; i++) {
    const int high = Nibble(text[at + 2 * i]), low = Nibble(text[at + 2 * i + 1]);
    if (high < 0 || low < 0) return false;
    id[i] = static_cast<uint8_t>(high << 4 | low);
  }
  at += 2 * kIdByteLength;
  return at < length && IsBlank(text[at]);
}

void* NewContext(void* context) { return context; }
void FreeContext(void*) {}

// What may be a private key, or anything.
int DoesSelection(void*, int selection) { return selection == 0 || (selection & ssl::kPrivatePart) != 0 ? 1 : 0; }

int Decode(void*, void* stream, int selection, ssl::Callback take, void* argument, ssl::PassphraseCallback, void*) {
  uint8_t head[kHeadByteLength];
  const int start = TellStream(stream);
  size_t length = 0;
  while (length < sizeof head) {
    const size_t got = ReadStream(stream, head + length, sizeof head - length);
    if (got == 0) break;
    length += got;
  }
  SeekStream(stream, start);
  PassBlock(stream, selection);
  uint8_t id[kIdByteLength];
  if (!ReadId(head, length, id)) return kGoOn;
  Reference* reference = Reference::Find(id);
  if (reference == nullptr) return kGoOn;
  int type = kKeyObject;
  const char* family = OrdinaryOf(reference->family()).name;
  const ssl::Parameter parameters[] = {
      {"type", ssl::kInteger, &type, sizeof type, ssl::kUnmodified},
      {"data-type", ssl::kText, const_cast<char*>(family), strlen(family), ssl::kUnmodified},
      {"reference", ssl::kOctets, &reference, sizeof reference, ssl::kUnmodified},
      {nullptr, 0, nullptr, 0, 0},
  };
  const int taken = take(parameters, argument);
  reference->Release();
  return taken;
}

// OpenSSL calls it without looking whether it is there.
int ExportObject(void*, const void*, size_t, ssl::Callback, void*) { return 0; }

}  // namespace

const ssl::Dispatch* DecoderTable(const ProviderFunctions& openssl) {
  FindPemReader(openssl);
  static const ssl::Dispatch table[] = {
      {kNewContext, Untyped(NewContext)}, {kFreeContext, Untyped(FreeContext)},
      {kDoesSelection, Untyped(DoesSelection)}, {kDecode, Untyped(Decode)},
      {kExportObject, Untyped(ExportObject)}, {0, nullptr},
  };
  return table;
}

}  // namespace securemem
