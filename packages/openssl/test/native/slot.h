// One region with a key in it and a reference of that key, which its own thread opens, ends, and opens anew, as core does. Others get the
// name of the reference and sign.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "gate.h"
#include "libcrypto.h"
#include "reference.h"

// A key as lies in a page, and its public part.
struct Pair {
  securemem::KeyType type;
  Bytes private_key, public_key;
  bool with_digest() const { return type != securemem::KeyType::kEd25519; }
};

// One reference from its beginning to its end.
struct Life {
  std::string pem;
  uint8_t id[securemem::kIdByteLength];
  // Signatures that have their private part.
  std::atomic<int> in_hand{0};
  // Set before anything of its end happens, and once whatever ended it has returned.
  std::atomic<bool> ending{false};
  std::atomic<bool> over{false};
};

enum class End : int { kDispose, kWrite, kClose, kNotAtAll };
constexpr int kEnds = 3;

class Slot {
 public:
  explicit Slot(const Pair& pair) : pair_(pair) {}

  // Any thread. Null while none is open.
  std::shared_ptr<Life> life();
  const Pair& pair() const { return pair_; }

  // The slot's own thread. False where the system gives no page, or OpenSSL takes no key.
  bool Open();
  // Closes the page at rest, and opens it, as an access does.
  void Access();
  // Ends it that way and gives the region back. Answers whether somebody still had the private part.
  bool Finish(End how);

 private:
  void Protect(securemem::Protection protection);
  void Unmap();

  const Pair pair_;
  std::mutex mutex_;
  std::shared_ptr<Life> life_;
  securemem::Mapping mapping_;
  securemem::Gate* gate_ = nullptr;
  securemem::KeyWindow* window_ = nullptr;
};
