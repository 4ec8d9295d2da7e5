#include "import.h"

#include <string.h>

#include "stack.h"
#include "wipe.h"

namespace securemem {
namespace {

// The numbers of a key of 16,384 bits: two as long as the modulus, five of half that, an exponent; and somewhat more.
constexpr size_t kNumbersByteLength = 10240;
constexpr size_t kParametersMax = 10;
constexpr size_t kOkpByteLength = 32;

constexpr const char* kRsaNames[] = {"n",           "e",           "d",          "rsa-factor1", "rsa-factor2", "rsa-exponent1",
                                     "rsa-exponent2", "rsa-coefficient1"};

// Parameters for one import. Integers are given to OpenSSL in the order of the machine, so they are turned round on the stack.
class Parameters {
 public:
  Parameters() = default;
  ~Parameters() { Wipe(numbers_, used_); }
  Parameters(const Parameters&) = delete;
  Parameters& operator=(const Parameters&) = delete;

  void Add(const char* name, unsigned type, const void* data, size_t length) {
    if (count_ + 1 >= kParametersMax) {
      fits_ = false;
      return;
    }
    list_[count_++] = {name, type, const_cast<void*>(data), length, ssl::kUnmodified};
  }

  void AddInteger(const char* name, Bytes number) {
    if (number.length > kNumbersByteLength - used_) {
      fits_ = false;
      return;
    }
    uint8_t* turned = numbers_ + used_;
    used_ += number.length;
    for (size_t i = 0; i < number.length; i++) turned[i] = number.data[number.length - 1 - i];
    Add(name, ssl::kUnsigned, turned, number.length);
  }

  void* Import(KeyType type, int selection) {
    if (!fits_) return nullptr;
    list_[count_] = {nullptr, 0, nullptr, 0, 0};
    const Ordinary& ordinary = OrdinaryOf(FamilyOf(type));
    void* key = ordinary.make(ordinary.context);
    if (key == nullptr || ordinary.import(key, selection, list_) == 1) return key;
    ordinary.free(key);
    return nullptr;
  }

 private:
  ssl::Parameter list_[kParametersMax];
  size_t count_ = 0;
  bool fits_ = true;
  size_t used_ = 0;
  uint8_t numbers_[kNumbersByteLength];
};

const char* CurveOf(KeyType type) {
  switch (type) {
    case KeyType::kP256: return "prime256v1";
    case KeyType::kP384: return "secp384r1";
    case KeyType::kP521: return "secp521r1";
    default: return "secp256k1";
  }
}

size_t WidthOf(KeyType type) {
  switch (type) {
    case KeyType::kP384: return 48;
    case KeyType::kP521: return 66;
    default: return 32;
  }
}

// Reads DER as far as these keys need it: a sequence of numbers that are not negative.
class DerReader {
 public:
  explicit DerReader(Bytes bytes) : at_(bytes.data), end_(bytes.data + bytes.length) {}

  bool Enter() {
    size_t length;
    return Header(0x30, &length) && length == static_cast<size_t>(end_ - at_);
  }

  // Without its leading zero.
  bool Integer(Bytes* number) {
    size_t length;
    if (!Header(0x02, &length) || length == 0 || length > static_cast<size_t>(end_ - at_)) return false;
    *number = {at_, length};
    at_ += length;
    if (number->data[0] == 0 && length > 1) *number = {number->data + 1, length - 1};
    return true;
  }

  bool AtEnd() const { return at_ == end_; }

 private:
  bool Header(uint8_t tag, size_t* length) {
    if (end_ - at_ < 2 || *at_++ != tag) return false;
    *length = *at_++;
    if (*length < 0x80) return true;
    const size_t count = *length & 0x7f;
    if (count == 0 || count > 3 || static_cast<size_t>(end_ - at_) < count) return false;
    *length = 0;
    for (size_t i = 0; i < count; i++) *length = *length << 8 | *at_++;
    return true;
  }

  const uint8_t* at_;
  const uint8_t* const end_;
};

SECUREMEM_NOINLINE void* ImportRsa(Bytes key) {
  DerReader reader(key);
  Bytes version;
  if (!reader.Enter() || !reader.Integer(&version) || version.length != 1 || version.data[0] != 0) return nullptr;
  Parameters parameters;
  for (const char* name : kRsaNames) {
    Bytes number;
    if (!reader.Integer(&number)) return nullptr;
    parameters.AddInteger(name, number);
  }
  return reader.AtEnd() ? parameters.Import(KeyType::kRsa, ssl::kEverything) : nullptr;
}

void* ImportRsaPublic(Bytes key) {
  DerReader reader(key);
  Bytes modulus, exponent;
  if (!reader.Enter() || !reader.Integer(&modulus) || !reader.Integer(&exponent) || !reader.AtEnd()) return nullptr;
  Parameters parameters;
  parameters.AddInteger(kRsaNames[0], modulus);
  parameters.AddInteger(kRsaNames[1], exponent);
  return parameters.Import(KeyType::kRsa, ssl::kAllButPrivate);
}

SECUREMEM_NOINLINE void* ImportEc(KeyType type, const Bytes* key, Bytes point) {
  const char* curve = CurveOf(type);
  Parameters parameters;
  parameters.Add("group", ssl::kText, curve, strlen(curve));
  parameters.Add("pub", ssl::kOctets, point.data, point.length);
  if (key == nullptr) return parameters.Import(type, ssl::kAllButPrivate);
  parameters.AddInteger("priv", *key);
  return parameters.Import(type, ssl::kEverything);
}

// OpenSSL reads the private part from the page itself.
void* ImportOkp(KeyType type, const Bytes* key, Bytes point) {
  Parameters parameters;
  parameters.Add("pub", ssl::kOctets, point.data, point.length);
  if (key == nullptr) return parameters.Import(type, ssl::kAllButPrivate);
  parameters.Add("priv", ssl::kOctets, key->data, kOkpByteLength);
  return parameters.Import(type, ssl::kEverything);
}

}  // namespace

void* ImportPublic(KeyType type, Bytes public_key) {
  const Family family = FamilyOf(type);
  if (family == Family::kRsa) return ImportRsaPublic(public_key);
  if (family == Family::kEc) {
    return public_key.length == 2 * WidthOf(type) + 1 ? ImportEc(type, nullptr, public_key) : nullptr;
  }
  return public_key.length == kOkpByteLength ? ImportOkp(type, nullptr, public_key) : nullptr;
}

void* ImportPrivate(KeyType type, Bytes key, Bytes public_key) {
  const Family family = FamilyOf(type);
  if (family == Family::kRsa) return ImportRsa(key);
  if (family == Family::kEc) return key.length == WidthOf(type) ? ImportEc(type, &key, public_key) : nullptr;
  // Behind a seed of Ed25519 may lie its public key.
  const bool fits = key.length == kOkpByteLength || (family == Family::kEd25519 && key.length == 2 * kOkpByteLength);
  return fits ? ImportOkp(type, &key, public_key) : nullptr;
}

}  // namespace securemem
