// The division steps of Bernstein and Yang ("Fast constant-time gcd computation and modular inversion", 2019), in the form that
// libsecp256k1 gave them and proves (vendor/libsecp256k1/doc, src/modinv64_impl.h: its variable-time functions), for moduli of any
// length. BN_mod_inverse of OpenSSL goes bit by bit and takes eight times as long.
#include "modular_inverse.h"

#include <string.h>

namespace securemem {
namespace {

// Numbers are signed, of limbs with kBits bits each; the highest limb has the sign.
#ifdef __SIZEOF_INT128__
using Word = uint64_t;
using Limb = int64_t;
using Wide = __int128;
constexpr int kBits = 62;
#else
using Word = uint32_t;
using Limb = int32_t;
using Wide = int64_t;
constexpr int kBits = 30;
#endif

constexpr int kWordBits = sizeof(Word) * 8;
constexpr Word kAll = ~static_cast<Word>(0);
constexpr Word kMask = kAll >> (kWordBits - kBits);
constexpr size_t kLimbsMax = kModulusBitsMax / kBits + 1;

int TrailingZeros(Word word) {
#if defined(__GNUC__) || defined(__clang__)
  return __builtin_ctzll(word);
#else
  int zeros = 0;
  while ((word >> zeros & 1) == 0) zeros++;
  return zeros;
#endif
}

Limb Sign(Limb limb) { return limb >> (kWordBits - 1); }

// What kBits division steps do to f and g, 2^kBits times as large.
struct Matrix {
  Limb u, v, q, r;
};

// From the lowest limbs of f and g; f is odd. Gives the new eta, which says whose turn it is.
Limb DivisionSteps(Limb eta, Word f, Word g, Matrix* matrix) {
  Word u = 1, v = 0, q = 0, r = 1;
  for (int left = kBits;;) {
    // The bits that are set above the steps that are left stop the count there.
    const int zeros = TrailingZeros(g | kAll << left);
    g >>= zeros;
    u <<= zeros;
    v <<= zeros;
    eta -= zeros;
    left -= zeros;
    if (left == 0) break;
    Word cancelled, times;
    if (eta < 0) {
      eta = -eta;
      Word other = f;
      f = g, g = static_cast<Word>(0) - other;
      other = u, u = q, q = static_cast<Word>(0) - other;
      other = v, v = r, r = static_cast<Word>(0) - other;
      const int limit = eta + 1 > left ? left : static_cast<int>(eta) + 1;
      // Up to six bits of g at once: -1/f modulo 64 is f (f f - 2).
      cancelled = kAll >> (kWordBits - limit) & 63;
      times = f * g * (f * f - 2) & cancelled;
    } else {
      const int limit = eta + 1 > left ? left : static_cast<int>(eta) + 1;
      // Up to four, since eta is small here: 1/f modulo 16 is simpler.
      cancelled = kAll >> (kWordBits - limit) & 15;
      times = (static_cast<Word>(0) - (f + (((f + 1) & 4) << 1))) * g & cancelled;
    }
    g += f * times;
    q += u * times;
    r += v * times;
  }
  *matrix = {static_cast<Limb>(u), static_cast<Limb>(v), static_cast<Limb>(q), static_cast<Limb>(r)};
  return eta;
}

// One inversion: d x = f and e x = g modulo m hold throughout, for the number x whose inverse is wanted.
class Inversion {
 public:
  Inversion(Bytes modulus, Bytes number) : length_(modulus.length * 8 / kBits + 1), shown_(length_) {
    Read(modulus, m_);
    Read(number, g_);
    memcpy(f_, m_, sizeof f_);
    e_[0] = 1;
    // Each round of Newton doubles the bits that are right; an odd number is its own inverse modulo 8.
    m_inverse_ = static_cast<Word>(m_[0]);
    for (int right = 3; right < kBits; right *= 2) m_inverse_ *= 2 - static_cast<Word>(m_[0]) * m_inverse_;
  }

  bool Run() {
    for (Limb eta = -1; !IsZero(g_);) {
      Matrix matrix;
      eta = DivisionSteps(eta, static_cast<Word>(f_[0]), static_cast<Word>(g_[0]), &matrix);
      UpdateInverses(matrix);
      UpdateRemainders(matrix);
      Shrink();
    }
    // f is the greatest common divisor, or its negative.
    const Limb sign = Sign(f_[shown_ - 1]);
    if (!IsUnit(sign)) return false;
    // It is more than -2m and less than m.
    if (Sign(d_[length_ - 1]) != 0) Add(m_);
    if (sign != 0) Negate();
    if (Sign(d_[length_ - 1]) != 0) Add(m_);
    return true;
  }

  void Write(size_t byte_length, uint8_t* bytes) const {
    for (size_t i = 0; i < byte_length; i++) {
      const size_t bit = i * 8, limb = bit / kBits;
      const int shift = static_cast<int>(bit % kBits);
      Word byte = static_cast<Word>(d_[limb]) >> shift;
      if (shift > kBits - 8 && limb + 1 < length_) byte |= static_cast<Word>(d_[limb + 1]) << (kBits - shift);
      bytes[byte_length - 1 - i] = static_cast<uint8_t>(byte);
    }
  }

 private:
  void Read(Bytes bytes, Limb* limbs) const {
    for (size_t i = 0; i < bytes.length; i++) {
      const size_t bit = i * 8, limb = bit / kBits;
      const int shift = static_cast<int>(bit % kBits);
      const Word byte = bytes.data[bytes.length - 1 - i];
      limbs[limb] |= static_cast<Limb>(byte << shift & kMask);
      if (shift > kBits - 8) limbs[limb + 1] |= static_cast<Limb>(byte >> (kBits - shift));
    }
  }

  bool IsZero(const Limb* limbs) const {
    Limb any = 0;
    for (size_t i = 0; i < shown_; i++) any |= limbs[i];
    return any == 0;
  }

  // Whether f is 1, or -1 where the sign says so.
  bool IsUnit(Limb sign) const {
    Limb differs = 0;
    for (size_t i = 0; i < shown_; i++) {
      const Limb one = sign == 0 ? (i == 0) : static_cast<Limb>(kMask);
      differs |= i == shown_ - 1 && sign != 0 ? f_[i] ^ -1 : f_[i] ^ one;
    }
    return differs == 0;
  }

  // d and e become (u d + v e) / 2^kBits and (q d + r e) / 2^kBits modulo m, with as much of m added as makes the division even.
  void UpdateInverses(const Matrix& matrix) {
    const auto [u, v, q, r] = matrix;
    const Limb d_sign = Sign(d_[length_ - 1]), e_sign = Sign(e_[length_ - 1]);
    Limb d_times = (u & d_sign) + (v & e_sign), e_times = (q & d_sign) + (r & e_sign);
    Wide d = static_cast<Wide>(u) * d_[0] + static_cast<Wide>(v) * e_[0];
    Wide e = static_cast<Wide>(q) * d_[0] + static_cast<Wide>(r) * e_[0];
    d_times -= static_cast<Limb>((m_inverse_ * static_cast<Word>(d) + static_cast<Word>(d_times)) & kMask);
    e_times -= static_cast<Limb>((m_inverse_ * static_cast<Word>(e) + static_cast<Word>(e_times)) & kMask);
    d = (d + static_cast<Wide>(m_[0]) * d_times) >> kBits;
    e = (e + static_cast<Wide>(m_[0]) * e_times) >> kBits;
    for (size_t i = 1; i < length_; i++) {
      d += static_cast<Wide>(u) * d_[i] + static_cast<Wide>(v) * e_[i] + static_cast<Wide>(m_[i]) * d_times;
      e += static_cast<Wide>(q) * d_[i] + static_cast<Wide>(r) * e_[i] + static_cast<Wide>(m_[i]) * e_times;
      d_[i - 1] = static_cast<Limb>(static_cast<Word>(d) & kMask);
      e_[i - 1] = static_cast<Limb>(static_cast<Word>(e) & kMask);
      d >>= kBits;
      e >>= kBits;
    }
    d_[length_ - 1] = static_cast<Limb>(d);
    e_[length_ - 1] = static_cast<Limb>(e);
  }

  // f and g become (u f + v g) / 2^kBits and (q f + r g) / 2^kBits, which are whole.
  void UpdateRemainders(const Matrix& matrix) {
    const auto [u, v, q, r] = matrix;
    Wide f = (static_cast<Wide>(u) * f_[0] + static_cast<Wide>(v) * g_[0]) >> kBits;
    Wide g = (static_cast<Wide>(q) * f_[0] + static_cast<Wide>(r) * g_[0]) >> kBits;
    for (size_t i = 1; i < shown_; i++) {
      f += static_cast<Wide>(u) * f_[i] + static_cast<Wide>(v) * g_[i];
      g += static_cast<Wide>(q) * f_[i] + static_cast<Wide>(r) * g_[i];
      f_[i - 1] = static_cast<Limb>(static_cast<Word>(f) & kMask);
      g_[i - 1] = static_cast<Limb>(static_cast<Word>(g) & kMask);
      f >>= kBits;
      g >>= kBits;
    }
    f_[shown_ - 1] = static_cast<Limb>(f);
    g_[shown_ - 1] = static_cast<Limb>(g);
  }

  // The highest limb goes where nothing but the signs is in it.
  void Shrink() {
    const Limb f = f_[shown_ - 1], g = g_[shown_ - 1];
    if (shown_ < 2 || f != Sign(f) || g != Sign(g)) return;
    shown_--;
    f_[shown_ - 1] |= static_cast<Limb>(static_cast<Word>(f) << kBits);
    g_[shown_ - 1] |= static_cast<Limb>(static_cast<Word>(g) << kBits);
  }

  void Add(const Limb* limbs) {
    Wide sum = 0;
    for (size_t i = 0; i < length_; i++) {
      sum += static_cast<Wide>(d_[i]) + limbs[i];
      Keep(i, &sum);
    }
  }

  void Negate() {
    Wide sum = 0;
    for (size_t i = 0; i < length_; i++) {
      sum -= d_[i];
      Keep(i, &sum);
    }
  }

  void Keep(size_t i, Wide* sum) {
    const bool last = i == length_ - 1;
    d_[i] = last ? static_cast<Limb>(*sum) : static_cast<Limb>(static_cast<Word>(*sum) & kMask);
    *sum >>= kBits;
  }

  // Limbs of every number, and of f and g, which shrink.
  const size_t length_;
  size_t shown_;
  Limb m_[kLimbsMax] = {}, f_[kLimbsMax] = {}, g_[kLimbsMax] = {}, d_[kLimbsMax] = {}, e_[kLimbsMax] = {};
  Word m_inverse_ = 0;
};

}  // namespace

bool InvertModulo(Bytes modulus, Bytes number, uint8_t* inverse) {
  if (memcmp(number.data, modulus.data, modulus.length) >= 0) return false;
  Inversion inversion(modulus, number);
  if (!inversion.Run()) return false;
  inversion.Write(modulus.length, inverse);
  return true;
}

}  // namespace securemem
