// Which entry of the table has which id: open addressing, linear probing, removal by shifting back (Knuth, The Art of
// Computer Programming 3, 6.4, algorithm R). At most half full, so a search ends after one or two steps.
#pragma once
#include <stdint.h>
#include <stdlib.h>

namespace securemem {

class IdIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // Makes room for `count` ids, a power of two. False, and nothing changed, when there is no memory for it.
  bool Reserve(uint32_t count) {
    IdIndex grown;
    grown.slots_ = static_cast<Slot*>(calloc(size_t{count} * 2, sizeof(Slot)));
    if (grown.slots_ == nullptr) return false;
    grown.mask_ = count * 2 - 1;
    for (uint32_t i = 0; slots_ != nullptr && i <= mask_; i++) {
      if (slots_[i].id != 0) grown.Put(slots_[i].id, slots_[i].entry);
    }
    free(slots_);
    slots_ = grown.slots_;
    mask_ = grown.mask_;
    return true;
  }

  // There is room, and the id is new and not 0.
  void Put(uint64_t id, uint32_t entry) {
    uint32_t at = Home(id);
    while (slots_[at].id != 0) at = (at + 1) & mask_;
    slots_[at] = {id, entry};
  }

  uint32_t Find(uint64_t id) const {
    if (slots_ == nullptr) return kNone;
    uint32_t at = Home(id);
    for (; slots_[at].id != 0; at = (at + 1) & mask_) {
      if (slots_[at].id == id) return slots_[at].entry;
    }
    return kNone;
  }

  // The id is there.
  void Remove(uint64_t id) {
    uint32_t hole = Home(id);
    while (slots_[hole].id != id) hole = (hole + 1) & mask_;
    for (uint32_t at = (hole + 1) & mask_; slots_[at].id != 0; at = (at + 1) & mask_) {
      // An id may fill the hole unless its home lies behind the hole, going round.
      if (((at - Home(slots_[at].id)) & mask_) < ((at - hole) & mask_)) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = {0, 0};
  }

  void Clear() {
    free(slots_);
    slots_ = nullptr;
    mask_ = 0;
  }

 private:
  struct Slot {
    uint64_t id;
    uint32_t entry;
  };

  // Fibonacci hashing; ids are consecutive.
  uint32_t Home(uint64_t id) const { return static_cast<uint32_t>((id * 0x9E3779B97F4A7C15u) >> 32) & mask_; }

  Slot* slots_ = nullptr;
  uint32_t mask_ = 0;
};

}  // namespace securemem
