// What a region shares with threads that read a key in it: who may touch it when, and whether it is still there. It outlives the
// region's entry, since a thread may come late.
//
// The thread of the region takes turns at the gate for each change of protection and each change of bytes that the addon makes.
// Another thread holds it while it reads. So nobody closes, wipes or unmaps pages that are being read, and a look that has not begun
// when its bytes change is taken back: the bytes may be another's by then.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <atomic>

#include "lock.h"
#include "pages.h"

namespace securemem {

// A look at a range that is going to be taken, in a list of its gate.
struct Look {
  size_t offset = 0;
  size_t length = 0;
  // Whether it waits in the list: neither begun nor taken back.
  bool waiting = false;
  // Whether it waits again after it was taken, until it is taken back.
  bool lasting = false;
  Look* next = nullptr;
  Look* previous = nullptr;
};

class Gate {
 public:
  Gate(const Mapping& mapping, Protection protection) : mapping_(mapping), protection_(protection) {}
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void Retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Release() {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  // Nobody reads between the two; Turn calls them for a scope.
  void Pause() { turn_.Acquire(); }
  void Resume() { turn_.Release(); }
  // For the thread of the region, which may come to a region twice before it goes on.
  bool paused = false;

  // Nothing for a region that no other thread has to do with.
  class Turn {
   public:
    explicit Turn(Gate* gate) : gate_(gate) {
      if (gate_ != nullptr) gate_->Pause();
    }
    ~Turn() { End(); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    void End() {
      if (gate_ != nullptr) gate_->Resume();
      gate_ = nullptr;
    }

   private:
    Gate* gate_;
  };

  // In a turn: what the thread of the region has made of its protection.
  void Note(Protection protection) { protection_ = protection; }
  // In a turn: takes back every look at bytes that are going to change.
  void TakeBack(size_t offset, size_t length);
  // In a turn: the pages are going to be unmapped, or given up.
  void TakeBackAll() { TakeBack(0, mapping_.length); }

  // Waits for no reading.
  void Enlist(Look* look);
  // Takes it back, and answers whether it had not begun. Any thread.
  bool Withdraw(Look* look);

  // Lets `read` see the range, on any thread: opens a closed page for that long. kDisposed, and nothing is read, when the look was
  // taken back.
  using Read = Status (*)(void* reader, const uint8_t* bytes, size_t length);
  Status Take(Look* look, Read read, void* reader, Failure* failure);

 private:
  ~Gate() = default;
  // Under list_lock_.
  void Remove(Look* look);
  // False when it waits no more.
  bool StopWaiting(Look* look);
  bool Begin(Look* look);

  // Held while somebody reads the pages or changes them; the list has a lock of its own, so that enlisting waits for nobody.
  Lock turn_{"region"};
  Lock list_lock_{"looks"};
  std::atomic<uint32_t> references_{1};
  const Mapping mapping_;
  Protection protection_;
  Look* first_ = nullptr;
};

}  // namespace securemem
