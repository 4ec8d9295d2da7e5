// The regions and views of one environment (the main thread or one worker thread): ids with generations, protections,
// and the rule that nothing is closed or unmapped behind an alias. No N-API type appears here.
//
// All of it belongs to the thread of its environment, except View::Collected, which may run on any thread.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include <atomic>
#include <new>

#include "pages.h"

namespace securemem {

// How many buffers may still show a region. Outlives the region's entry, since a buffer may outlive it.
class Aliases {
 public:
  void Retain() { references_.fetch_add(1, std::memory_order_relaxed); }
  void Release();
  std::atomic<int> count{0};

 private:
  std::atomic<int> references_{1};
};

// One external buffer. Held by the table until it is closed and answered for, and by the buffer until it is collected.
class View {
 public:
  explicit View(Aliases* aliases) : aliases_(aliases) {
    aliases_->Retain();
    aliases_->count.fetch_add(1, std::memory_order_relaxed);
  }
  // The last buffer over the memory is garbage, or revoked: nothing shows the region through this view any more.
  void Gone() {
    if (alive_.exchange(false)) aliases_->count.fetch_sub(1, std::memory_order_release);
  }
  bool alive() const { return alive_.load(std::memory_order_acquire); }
  void Collected() {
    Gone();
    Release();
  }
  // The engine takes its own buffers apart, which proves nothing about an alias in another thread: the view counts as
  // alive for ever, so that its region stays mapped, wiped, for the life of the process.
  void Abandoned() { Release(); }
  void Release();
  bool escaped = false;

 private:
  Aliases* aliases_;
  std::atomic<bool> alive_{true};
  std::atomic<int> references_{2};
};

struct Region {
  double id = 0;  // 0 when the entry is free
  uint32_t owner = 0;
  Protection protection = Protection::kReadWrite;
  Mapping mapping;
  Aliases* aliases = nullptr;
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
  Status Unmap(Region* region, Failure* failure);

  // The number of the view; kNoView when there is no memory for it.
  static constexpr uint32_t kNoView = UINT32_MAX;
  uint32_t AddView(Region* region, View** view);
  View* view(uint32_t number) const { return number < view_capacity_ ? views_[number] : nullptr; }
  // The number may be given to another view afterwards.
  void DropView(uint32_t number);

 private:
  void Wipe(Region* region);
  void Forget(Region* region);
  bool Grow();
  bool GrowViews();

  Region* regions_ = nullptr;
  uint32_t region_capacity_ = 0;
  uint32_t free_regions_ = UINT32_MAX;
  Owner* owners_ = nullptr;
  uint32_t owner_count_ = 0;
  View** views_ = nullptr;
  uint32_t* free_views_ = nullptr;
  uint32_t free_view_count_ = 0;
  uint32_t view_capacity_ = 0;
};

// Lets a region be touched for the length of a scope, whatever its protection, and restores that.
class Access {
 public:
  Access(RegionTable* table, Region* region, Protection needed, Failure* failure);
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
  bool raised_ = false;
  Status status_ = Status::kOk;
};

}  // namespace securemem
