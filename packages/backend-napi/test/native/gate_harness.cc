// The gate of a region under many threads, for ThreadSanitizer: one thread changes the bytes and their protection, others read them
// when their turn comes. Whoever reads finds one writing whole, the one that was there when the look was enlisted, or is refused.
//
//   gate_harness <seconds> [<how>]    how: orderly, or hasty, which writes without a turn and must be found out
//
// Ends with 0, with 1 after a wrong reading, with 66 after a report of the sanitizer.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../../native/gate.h"

namespace {

using securemem::Gate;
using securemem::Look;
using securemem::Protection;
using securemem::Status;

constexpr int kReaders = 8;

struct Job {
  Look look;
  uint8_t expected;
};

// Jobs that were enlisted, for whoever comes first.
class Queue {
 public:
  void Add(std::unique_ptr<Job> job) {
    const std::lock_guard<std::mutex> held(mutex_);
    jobs_.push_back(std::move(job));
  }
  std::unique_ptr<Job> Take() {
    const std::lock_guard<std::mutex> held(mutex_);
    if (jobs_.empty()) return nullptr;
    std::unique_ptr<Job> job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

 private:
  std::mutex mutex_;
  std::deque<std::unique_ptr<Job>> jobs_;
};

struct Counts {
  std::atomic<long> read{0}, refused{0}, wrong{0};
};

Status Check(void* job, const uint8_t* bytes, size_t length) {
  const uint8_t expected = static_cast<Job*>(job)->expected;
  for (size_t i = 0; i < length; i++) {
    if (bytes[i] != expected) return Status::kKeyInvalid;
  }
  return Status::kOk;
}

void Read(Gate* gate, Queue* queue, const std::atomic<bool>* over, Counts* counts) {
  for (;;) {
    const bool last = over->load();
    const std::unique_ptr<Job> job = queue->Take();
    if (job == nullptr) {
      if (last) return;
      std::this_thread::yield();
      continue;
    }
    securemem::Failure failure;
    const Status status = gate->Take(&job->look, Check, job.get(), &failure);
    (status == Status::kOk ? counts->read : status == Status::kDisposed ? counts->refused : counts->wrong)++;
  }
}

// The thread of the region.
class Owner {
 public:
  Owner(const securemem::Mapping& mapping, Gate* gate, bool hasty) : mapping_(mapping), gate_(gate), hasty_(hasty) {}

  void Write(uint8_t value) {
    Gate::Turn turn(hasty_ ? nullptr : gate_);
    gate_->TakeBackAll();
    Protect(Protection::kReadWrite);
    memset(mapping_.base, value, mapping_.length);
  }
  void Close(Protection protection) {
    Gate::Turn turn(gate_);
    Protect(protection);
  }

 private:
  void Protect(Protection protection) {
    securemem::Failure failure;
    if (securemem::ProtectPages(mapping_, protection, &failure) != Status::kOk) abort();
    gate_->Note(protection);
  }

  const securemem::Mapping mapping_;
  Gate* gate_;
  const bool hasty_;
};

}  // namespace

int main(int count, char** arguments) {
  const int seconds = count > 1 ? atoi(arguments[1]) : 1;
  const bool hasty = count > 2 && strcmp(arguments[2], "hasty") == 0;
  securemem::Abilities abilities;
  securemem::Mapping mapping;
  securemem::Failure failure;
  if (securemem::ProbePages(securemem::PageKind::kAnonymous, &abilities, &failure) != Status::kOk ||
      securemem::MapPages(securemem::PageByteLength(), securemem::PageKind::kAnonymous, abilities, &mapping, &failure) !=
          Status::kOk) {
    return 3;
  }
  Gate* gate = new Gate(mapping, Protection::kReadWrite);
  Owner owner(mapping, gate, hasty);
  Queue queue;
  Counts counts;
  std::atomic<bool> over{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < kReaders; i++) readers.emplace_back(Read, gate, &queue, &over, &counts);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  for (unsigned round = 0; std::chrono::steady_clock::now() < end; round++) {
    const uint8_t value = static_cast<uint8_t>(round);
    owner.Write(value);
    for (int i = 0; i < 16; i++) {
      auto job = std::make_unique<Job>();
      job->look.length = mapping.length;
      job->expected = value;
      gate->Enlist(&job->look);
      queue.Add(std::move(job));
    }
    owner.Close(static_cast<Protection>(round % 3));
    if (round % 5 == 0) std::this_thread::yield();
  }
  over = true;
  for (std::thread& reader : readers) reader.join();
  gate->Release();
  printf("%ld read, %ld refused, %ld wrong\n", counts.read.load(), counts.refused.load(), counts.wrong.load());
  return counts.wrong > 0 ? 1 : 0;
}
