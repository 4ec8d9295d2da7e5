#include "lock_watch.h"

#include <string.h>

#include <atomic>
#include <mutex>
#include <set>
#include <vector>

#include "lock.h"

namespace {

// As lock.h says.
constexpr const char* kOrder[][2] = {{"region", "looks"}, {"provider", "symbols"}};

std::mutex g_mutex;
std::set<std::string> g_pairs;
std::atomic<bool> g_kept{true};
thread_local std::vector<const char*> t_held;

bool MayFollow(const char* held, const char* wanted) {
  for (const auto& pair : kOrder) {
    if (strcmp(pair[0], held) == 0 && strcmp(pair[1], wanted) == 0) return true;
  }
  return false;
}

}  // namespace

namespace securemem {

void LockWanted(const char* name) {
  for (const char* held : t_held) {
    if (!MayFollow(held, name)) g_kept = false;
    const std::lock_guard<std::mutex> guard(g_mutex);
    g_pairs.insert(std::string(held) + ">" + name);
  }
  t_held.push_back(name);
}

void LockGivenBack(const char* name) {
  for (size_t i = t_held.size(); i-- > 0;) {
    if (strcmp(t_held[i], name) != 0) continue;
    t_held.erase(t_held.begin() + static_cast<std::ptrdiff_t>(i));
    return;
  }
}

}  // namespace securemem

std::string PairsSeen() {
  const std::lock_guard<std::mutex> guard(g_mutex);
  std::string all;
  for (const std::string& pair : g_pairs) all += (all.empty() ? "" : " ") + pair;
  return all;
}

bool OrderKept() { return g_kept; }
