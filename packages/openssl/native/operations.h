// The tables that our provider answers with, made of those for ordinary keys. Once, after FindOrdinary.
#pragma once
#include "family.h"
#include "provider_functions.h"

namespace securemem {

// Ends the names of our signatures and exchanges; of its own for each copy of this library, since another copy's would take a reference
// of ours for an ordinary key.
void SetSuffix(const char* suffix);

const char* SignatureName(Family family);
const char* ExchangeName(Family family);

// Null where the family has none.
const ssl::Dispatch* ManagementTable(Family family);
const ssl::Dispatch* SignatureTable(Family family);
const ssl::Dispatch* ExchangeTable(Family family);
// Finds whoever reads PEM here, so that a stream is left where that one leaves it.
const ssl::Dispatch* DecoderTable(const ProviderFunctions& openssl);

// The functions of OpenSSL that a provider is given when it is loaded.
void KeepCore(const void* handle, const ssl::Dispatch* core);

// What becomes of a use that is refused: the text of the error, by its number.
enum class Reason : int { kNone = 0, kEnded = 1, kStays = 2, kRefused = 3 };
void Raise(Reason reason);

// Bytes of a stream of OpenSSL's; 0 at its end.
size_t ReadStream(void* stream, uint8_t* target, size_t length);
// Where it stands, negative where that is not known; and back to there.
int TellStream(void* stream);
void SeekStream(void* stream, int position);

}  // namespace securemem
