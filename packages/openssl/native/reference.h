// A key that is only a reference: a name, the public key, and a window through which the private key is read where it lies.
//
// OpenSSL is given a reference as the address of a key. It is told from an ordinary key, whose address is even, by its last bit.
//
// Order of locks: the list of uses, then nothing. A window waits for its page while no lock of ours is held.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <atomic>

#include "family.h"
#include "key_window.h"
#include "keys.h"

namespace securemem {

constexpr size_t kIdByteLength = 16;

class Reference {
 public:
  // Null where the public key is none, or there is no memory. `by` is whatever ends it with EndAllOf.
  static Reference* Open(KeyType type, KeyWindow* window, Bytes public_key, const uint8_t* id, const void* by);
  // The one with this id that has not ended, retained; null where there is none.
  static Reference* Find(const uint8_t* id);
  // No signature begins after this, and those of other threads are over when it returns. False where there is none of this id.
  static bool End(const uint8_t* id);
  static void EndAllOf(const void* by);

  void Retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Release();

  // As OpenSSL is given it; null for an ordinary key.
  void* AsKey() { return reinterpret_cast<uint8_t*>(this) + 1; }
  static Reference* Of(const void* key) {
    const uintptr_t address = reinterpret_cast<uintptr_t>(key);
    return (address & 1) == 0 ? nullptr : reinterpret_cast<Reference*>(address - 1);
  }

  Family family() const { return FamilyOf(type_); }
  // An ordinary key with nothing but the public part.
  void* public_key() const { return public_key_; }

  // An ordinary key, for one use: whoever has it frees it. It has the private part, or gets at it when it signs, as those of RSA do.
  // Null once the reference has ended.
  void* Import();

  // Lets `read` see the private key, with its page open for that long, and answers whether it could; false once the reference has ended.
  bool Look(int (*read)(void* reader, const uint8_t* bytes, size_t length), void* reader);
  bool ended() const { return ended_.load(); }

 private:
  Reference(KeyType type, KeyWindow* window, const uint8_t* id, const void* by);
  ~Reference();
  void Finish();
  static int ReadKey(void* reader, const uint8_t* bytes, size_t length);

  const KeyType type_;
  KeyWindow* const window_;
  const void* const by_;
  uint8_t id_[kIdByteLength];
  uint8_t* public_bytes_ = nullptr;
  size_t public_byte_length_ = 0;
  void* public_key_ = nullptr;
  std::atomic<uint32_t> references_{1};
  std::atomic<bool> ended_{false};
  Reference* next_ = nullptr;
};

// A use of a reference that has its private part in hand: from Import to the end of OpenSSL's context for one operation.
class Uses {
 public:
  // False where there is no memory. A context that has a use already changes over to this reference.
  static bool Begin(void* context, Reference* reference);
  // The same for a copy of the context, if it has a use.
  static bool Copy(void* from, void* to);
  static void End(void* context);
  // Waits for those of other threads; one of the calling thread cannot end while it waits.
  static void Await(const Reference* reference);
};

}  // namespace securemem
