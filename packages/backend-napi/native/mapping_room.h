// Mappings that are left to the engine. A process without a mapping left does not get errors, it dies: V8 and its helper
// threads abort when they cannot map. So regions stop short of the maximum of the system.
//
// Counting costs milliseconds when there are many mappings, so it is not done for each region. The next count comes after a
// part of the room that the last one found, so that filling a process from empty to full takes a few dozen counts; and, since
// others map as well, after so many times what the last count took, so that counting stays a small share of all time.
#pragma once
#include <stdint.h>

#include <atomic>

#include "status.h"

namespace securemem {

class MappingRoom {
 public:
  static constexpr int64_t kReserved = 128;

  // To be asked before each region, from any thread. `count` and `maximum` answer a number, or a negative one where it is not
  // known; `now` nanoseconds that never go back. True where there is no room: then `failure` has the numbers.
  template <typename Count, typename Maximum, typename Now>
  bool IsShort(Count count, Maximum maximum, Now now, Failure* failure) {
    const int64_t began = now();
    if (regions_until_count_.load(std::memory_order_relaxed) > 0 &&
        began < count_again_at_.load(std::memory_order_relaxed)) {
      regions_until_count_.fetch_sub(1, std::memory_order_relaxed);
      return false;
    }
    const double mappings = count(), most = maximum();
    const int64_t ended = now();
    count_again_at_.store(ended + (ended - began) * kTimesOfCount, std::memory_order_relaxed);
    const bool known = mappings >= 0 && most >= 0;
    const double room = known ? most - static_cast<double>(kReserved) - mappings : kUnknownRoom;
    const bool is_short = room < kPerRegion;
    regions_until_count_.store(is_short ? 0 : static_cast<int64_t>(room) / kPerRegion / kPartsOfRoom,
                               std::memory_order_relaxed);
    if (!is_short) return false;
    failure->mappings = mappings;
    failure->mappings_max = most;
    failure->mappings_reserved = static_cast<double>(kReserved);
    return true;
  }

 private:
  // A region adds at most its two guards and itself.
  static constexpr int64_t kPerRegion = 3;
  // Between two counts at most this part of the room is used up by our own regions; the rest is for everybody else.
  static constexpr int64_t kPartsOfRoom = 4;
  // Counting takes at most a part in so many of the time.
  static constexpr int64_t kTimesOfCount = 64;
  // Where counting is not possible the system decides, and an attempt to count is worth as little.
  static constexpr double kUnknownRoom = 12288;

  std::atomic<int64_t> regions_until_count_{0};
  std::atomic<int64_t> count_again_at_{0};
};

}  // namespace securemem
