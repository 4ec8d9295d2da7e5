#include "rsa_der.h"

#include <string.h>

namespace securemem {
namespace {

constexpr uint8_t kSequence = 0x30, kInteger = 0x02;

class Reader {
 public:
  explicit Reader(Bytes bytes) : at_(bytes.data), end_(bytes.data + bytes.length) {}
  const uint8_t* at() const { return at_; }
  bool done() const { return at_ == end_; }

  // The content of the next element, which has this tag.
  bool Element(uint8_t tag, Bytes* content) {
    if (left() < 2 || at_[0] != tag) return false;
    size_t length = at_[1];
    at_ += 2;
    if (length >= 0x80 && !LongLength(length & 0x7f, &length)) return false;
    if (length > left()) return false;
    *content = {at_, length};
    at_ += length;
    return true;
  }

  // A positive number without leading zeroes; without the byte that makes it positive.
  bool Number(Bytes* number) {
    if (!Element(kInteger, number) || number->length == 0 || number->data[0] >= 0x80) return false;
    if (number->data[0] != 0) return true;
    if (number->length == 1 || number->data[1] < 0x80) return false;
    number->data++;
    number->length--;
    return true;
  }

 private:
  size_t left() const { return static_cast<size_t>(end_ - at_); }

  bool LongLength(size_t count, size_t* length) {
    if (count == 0 || count > 3 || count > left() || at_[0] == 0) return false;
    *length = 0;
    for (size_t i = 0; i < count; i++) *length = *length << 8 | at_[i];
    at_ += count;
    return *length >= 0x80;
  }

  const uint8_t* at_;
  const uint8_t* end_;
};

size_t BitsOf(Bytes number) {
  size_t bits = number.length * 8;
  for (uint8_t top = number.data[0]; top < 0x80; top = static_cast<uint8_t>(top << 1)) bits--;
  return bits;
}

bool IsOdd(Bytes number) { return (number.data[number.length - 1] & 1) == 1; }

}  // namespace

bool LookThroughRsa(Bytes key, RsaShape* shape) {
  Bytes body, version, number;
  Reader whole(key);
  if (!whole.Element(kSequence, &body) || !whole.done()) return false;
  Reader reader(body);
  // 0: two primes.
  if (!reader.Element(kInteger, &version) || version.length != 1 || version.data[0] != 0) return false;
  const uint8_t* start = reader.at();
  Bytes modulus, exponent;
  if (!reader.Number(&modulus) || !reader.Number(&exponent)) return false;
  shape->public_numbers = {start, static_cast<size_t>(reader.at() - start)};
  shape->modulus_bits = BitsOf(modulus);
  // The private exponent, two primes, their exponents and the coefficient.
  for (int i = 0; i < 6; i++) {
    if (!reader.Number(&number)) return false;
  }
  return reader.done() && IsOdd(modulus) && IsOdd(exponent) && BitsOf(exponent) > 1 && exponent.length <= modulus.length &&
         shape->modulus_bits >= kModulusBitsMin && shape->modulus_bits <= kModulusBitsMax;
}

size_t WriteRsaPublicKey(const RsaShape& shape, Room target) {
  const size_t content = shape.public_numbers.length;
  // At least 128 and at most two bytes' worth: the modulus sees to both.
  uint8_t header[4] = {kSequence};
  size_t header_length;
  if (content < 0x100) {
    header[1] = 0x81;
    header[2] = static_cast<uint8_t>(content);
    header_length = 3;
  } else {
    header[1] = 0x82;
    header[2] = static_cast<uint8_t>(content >> 8);
    header[3] = static_cast<uint8_t>(content);
    header_length = 4;
  }
  if (target.length >= header_length + content) {
    memcpy(target.data, header, header_length);
    memcpy(target.data + header_length, shape.public_numbers.data, content);
  }
  return header_length + content;
}

}  // namespace securemem
