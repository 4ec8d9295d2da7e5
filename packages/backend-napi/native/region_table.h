// The regions and views of one environment (the main thread or one worker thread): ids with generations, protections,
// and the rule that nothing is closed or unmapped behind an alias. No N-API type appears here.
//
// All of it belongs to the thread of its environment, except View::Collected, which may run on any thread.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <atomic>
#include <new>

#include "gate.h"
#include "id_index.h"
#include "pages.h"

namespace securemem {

// How many buffers may still show a region. Outlives the region's entry, since a buffer may outlive it.
class Aliases {
 public:
  // One buffer more, which also refers to this.
  void Add() { state_.fetch_add(kReference + 1, std::memory_order_relaxed); }
  // A buffer that shows the region no more. It still refers to this until Release.
  void Remove() { state_.fetch_sub(1, std::memory_order_release); }
  void Release() {
    if (state_.fetch_sub(kReference, std::memory_order_acq_rel) / kReference == 1) delete this;
  }
  bool any() const { return state_.load(std::memory_order_acquire) % kReference != 0; }

 private:
  // References in the upper half and buffers in the lower, so that a view is counted in by one operation.
  static constexpr uint64_t kReference = uint64_t{1} << 32;
  std::atomic<uint64_t> state_{kReference};
};

// One external buffer. Records never move and are used again once their buffer is collected, which may happen on any thread.
class View {
 public:
  // For a buffer that is about to be made.
  void Begin(Aliases* aliases) {
    aliases_ = aliases;
    aliases_->Add();
    counted_.store(true, std::memory_order_relaxed);
    collected_.store(false, std::memory_order_relaxed);
    escaped = false;
    revoked = false;
    serial++;
  }
  // Nothing shows the region through this view any more.
  void Gone() {
    if (counted_.exchange(false)) aliases_->Remove();
  }
  // The last buffer over the memory is garbage.
  void Collected() {
    Gone();
    collected_.store(true, std::memory_order_release);
  }
  // The engine takes its own buffers apart, which proves nothing about an alias in another thread: the view counts as
  // alive for ever, so that its region stays mapped, wiped, for the life of the process.
  void Abandoned() { collected_.store(true, std::memory_order_release); }
  void End() {
    aliases_->Release();
    aliases_ = nullptr;
  }
  bool in_use() const { return aliases_ != nullptr; }
  bool collected() const { return collected_.load(std::memory_order_acquire); }

  // Distinguishes the views that had this record one after the other.
  uint32_t serial = 0;
  uint32_t next_free = 0;
  bool escaped = false;
  // Noted by whoever revokes, and made true of the count when somebody wants to know it.
  bool revoked = false;

 private:
  Aliases* aliases_ = nullptr;
  std::atomic<bool> counted_{false};
  std::atomic<bool> collected_{true};
};

struct Region {
  uint64_t id = 0;  // 0 when the entry is free
  uint32_t owner = 0;
  Protection protection = Protection::kReadWrite;
  Mapping mapping;
  Aliases* aliases = nullptr;
  // Null until another thread is to look into the region.
  Gate* gate = nullptr;
  uint32_t next_free = 0;
};

// What one opened backend asked for and found; the owner of regions.
struct Owner {
  bool open = false;
  PageKind kind = PageKind::kAnonymous;
  Abilities abilities;
};

class RegionTable {
 public:
  // Wipes everything and unmaps what nothing shows. Runs on the thread of the environment, after its last JavaScript.
  void Teardown();

  Status Open(PageKind kind, uint32_t* owner, Failure* failure);
  const Owner* owner(uint32_t number) const;
  // Wipes every region of the owner and unmaps those without a live alias.
  Status Close(uint32_t owner);

  Status Map(uint32_t owner, size_t length, double* id, Failure* failure);
  Status Find(uint32_t owner, double id, Region** region);
  // Also checks that the range lies inside the region.
  Status Find(uint32_t owner, double id, double offset, double length, Region** region);
  Status Protect(Region* region, Protection protection, Failure* failure);
  // The gate of the region, made when it is first asked for. Null when there is no memory for it.
  Gate* GateOf(Region* region);
  // kInUse, and nothing has changed, while a buffer may show the region.
  Status Unmap(Region* region, Failure* failure);

  // A view of the region and its number; kNoView when there is no memory for it.
  static constexpr uint32_t kNoView = UINT32_MAX;
  uint32_t AddView(Region* region, View** view);
  // Null when the number belongs to another view by now: then its buffer is long collected.
  View* view(uint32_t number, uint32_t serial) const;
  // The number may be given to another view afterwards.
  void DropView(uint32_t number);
  // Bytes in which JavaScript notes the views that it has revoked, by number, so that closing needs no call. What is not
  // zero counts as revoked.
  void NoteRevokedIn(uint8_t* notes, uint32_t length) {
    revoked_notes_ = notes;
    revoked_note_count_ = length;
  }

 private:
  friend class Access;
  // Both in a turn at the gate.
  Status Set(Region* region, Protection protection, Failure* failure);
  Status Wipe(Region* region, Failure* failure);
  void GiveUp(Region* region);
  void Forget(Region* region);
  bool Grow();
  View* record(uint32_t number) const { return &view_chunks_[number / kViewsPerChunk][number % kViewsPerChunk]; }
  // Takes note of what was revoked, and frees the numbers of collected buffers. Returns how many are free.
  uint32_t SweepViews();
  bool GrowViews();

  Region* regions_ = nullptr;
  IdIndex ids_;
  // The region that was found last, since accesses come in series; no id is 0.
  uint64_t last_id_ = 0;
  uint32_t last_entry_ = 0;
  uint32_t region_capacity_ = 0;
  uint32_t free_regions_ = UINT32_MAX;
  Owner* owners_ = nullptr;
  uint32_t owner_count_ = 0;
  static constexpr uint32_t kViewsPerChunk = 64;
  View** view_chunks_ = nullptr;
  uint32_t view_capacity_ = 0;
  uint32_t free_views_ = UINT32_MAX;
  uint32_t free_view_count_ = 0;
  uint8_t* revoked_notes_ = nullptr;
  uint32_t revoked_note_count_ = 0;
};

// Lets a region be touched for the length of a scope, whatever its protection, and restores that.
class Access {
 public:
  // To read.
  Access(RegionTable* table, Region* region, Failure* failure);
  // To change a range: no other thread reads the region meanwhile, nor ever what has been there before.
  Access(RegionTable* table, Region* region, size_t offset, size_t length, Failure* failure);
  ~Access() { Restore(); }
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;
  Status status() const { return status_; }
  // Restores now, and says whether that worked.
  Status Restore();

 private:
  RegionTable* table_;
  Region* region_;
  Failure* failure_;
  Protection before_;
  Gate::Turn turn_;
  const bool in_turn_;
  bool raised_ = false;
  Status status_ = Status::kOk;
};

}  // namespace securemem
