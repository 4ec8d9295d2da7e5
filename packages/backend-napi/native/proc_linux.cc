// Readers of /proc, in one pass and without allocation, so that they also work when memory or mappings have run out.
#include "proc_linux.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc_reader.h"

namespace securemem {

double ReadVmLck() {
  Lines lines("/proc/self/status");
  for (const char* line = lines.Next(); line != nullptr; line = lines.Next()) {
    double kilobytes;
    if (strncmp(line, "VmLck:", 6) == 0 && ParseDecimal(line + 6, &kilobytes) != nullptr) return kilobytes * 1024;
  }
  return kUnknown;
}

bool FindStartBlock(char** start, char** end) {
  // In proc(5), which counts from 1. The name of the program, the second, may have anything in it but is followed by the last
  // parenthesis.
  constexpr int kAfterName = 3, kEnvStart = 50;
  char stat[2048];
  const File file("/proc/self/stat");
  const long got = file.is_open() ? file.Read(stat, sizeof stat - 1) : -1;
  if (got <= 0) return false;
  stat[got] = 0;
  const char* cursor = strrchr(stat, ')');
  for (int field = kAfterName - 1; cursor != nullptr && field < kEnvStart; field++) {
    cursor = strchr(cursor + 1, ' ');
  }
  if (cursor == nullptr) return false;
  char* rest;
  const uintptr_t from = static_cast<uintptr_t>(strtoull(cursor, &rest, 10));
  const uintptr_t to = static_cast<uintptr_t>(strtoull(rest, nullptr, 10));
  if (from == 0 || to <= from) return false;
  Lines lines("/proc/self/maps");
  Vma vma;
  for (const char* line = lines.is_open() ? lines.Next() : nullptr; line != nullptr; line = lines.Next()) {
    if (!ParseHeader(line, &vma) || vma.start > from || vma.end < to) continue;
    *start = reinterpret_cast<char*>(from);
    *end = reinterpret_cast<char*>(to);
    return vma.protection == Protection::kReadWrite;
  }
  return false;
}

double CountMappings() {
  File file("/proc/self/maps");
  if (!file.is_open()) return kUnknown;
  static const size_t kChunk = 16384;
  char chunk[kChunk];
  double count = 0;
  for (long got = file.Read(chunk, kChunk); got > 0; got = file.Read(chunk, kChunk)) {
    for (long i = 0; i < got; i++) count += chunk[i] == '\n';
  }
  return count;
}

double HiddenByteLength() {
  Lines lines("/proc/self/maps");
  if (!lines.is_open()) return 0;
  double length = 0;
  Vma vma;
  for (const char* line = lines.Next(); line != nullptr; line = lines.Next()) {
    if (ParseHeader(line, &vma) && vma.hidden) length += static_cast<double>(vma.end - vma.start);
  }
  return length;
}

bool IsOneMapping(const void* start, const void* end) {
  Lines lines("/proc/self/maps");
  if (!lines.is_open()) return false;
  Vma vma;
  for (const char* line = lines.Next(); line != nullptr; line = lines.Next()) {
    if (!ParseHeader(line, &vma) || vma.start != reinterpret_cast<uintptr_t>(start)) continue;
    return vma.end == reinterpret_cast<uintptr_t>(end);
  }
  return false;
}

double MappingsMax() {
  Lines lines("/proc/sys/vm/max_map_count");
  const char* line = lines.Next();
  double value;
  return line != nullptr && ParseDecimal(line, &value) != nullptr ? value : kUnknown;
}

bool InInitialUserNamespace() {
  // The number is fixed in the kernel (PROC_USER_INIT_INO in its include/linux/proc_ns.h).
  static const char kInitial[] = "user:[4026531837]";
  char found[sizeof kInitial];
  const ssize_t length = readlink("/proc/thread-self/ns/user", found, sizeof found);
  return length == static_cast<ssize_t>(sizeof kInitial - 1) && memcmp(found, kInitial, sizeof kInitial - 1) == 0;
}

bool KernelCannotRead(const Mapping& mapping) {
  int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  if (memory < 0) return true;
  char byte;
  const long got = pread(memory, &byte, 1, static_cast<off_t>(reinterpret_cast<uintptr_t>(mapping.base)));
  close(memory);
  return got != 1;
}

}  // namespace securemem
