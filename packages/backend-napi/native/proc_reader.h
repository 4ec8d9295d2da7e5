// Files of /proc a line at a time, without allocation, so that reading also works when memory or mappings have run out.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "pages.h"

namespace securemem {

class File {
 public:
  explicit File(const char* path) {
    do fd_ = open(path, O_RDONLY | O_CLOEXEC);
    while (fd_ < 0 && errno == EINTR);
  }
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool is_open() const { return fd_ >= 0; }
  // Bytes read, 0 at the end, negative on error.
  long Read(char* target, size_t length) const {
    long got;
    do got = read(fd_, target, length);
    while (got < 0 && errno == EINTR);
    return got;
  }

 private:
  int fd_;
};

// A line at a time, without its newline, in a buffer that is reused. Longer lines are cut; none that matters is long.
class Lines {
 public:
  explicit Lines(const char* path) : file_(path) {}
  bool is_open() const { return file_.is_open(); }

  const char* Next() {
    size_t length = 0;
    for (;;) {
      if (start_ == end_) {
        long got = file_.Read(buffer_, sizeof buffer_);
        if (got <= 0) return nullptr;
        start_ = 0;
        end_ = static_cast<size_t>(got);
      }
      const char* from = buffer_ + start_;
      const void* newline = memchr(from, '\n', end_ - start_);
      size_t part = newline == nullptr ? end_ - start_ : static_cast<size_t>(static_cast<const char*>(newline) - from);
      size_t room = sizeof line_ - 1 - length;
      size_t kept = part < room ? part : room;
      memcpy(line_ + length, from, kept);
      length += kept;
      start_ += part + (newline == nullptr ? 0 : 1);
      if (newline == nullptr) continue;
      line_[length] = 0;
      return line_;
    }
  }

 private:
  File file_;
  size_t start_ = 0;
  size_t end_ = 0;
  char line_[512];
  char buffer_[16384];
};

inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }

inline const char* ParseDecimal(const char* text, double* value) {
  while (*text == ' ' || *text == '\t') text++;
  if (!IsDigit(*text)) return nullptr;
  *value = 0;
  for (; IsDigit(*text); text++) *value = *value * 10 + (*text - '0');
  return text;
}

inline const char* ParseHex(const char* text, uintptr_t* value) {
  const char* start = text;
  *value = 0;
  for (;; text++) {
    int digit = IsDigit(*text) ? *text - '0' : *text >= 'a' && *text <= 'f' ? *text - 'a' + 10 : -1;
    if (digit < 0) return text == start ? nullptr : text;
    *value = *value * 16 + static_cast<uintptr_t>(digit);
  }
}

// One mapping of smaps, complete when its VmFlags line has been read.
struct Vma {
  uintptr_t start = 0;
  uintptr_t end = 0;
  Protection protection = Protection::kNoAccess;
  bool readable = false;
  bool hidden = false;
  double resident = 0;
  double locked = 0;
};

// What the kernel calls the pages that it has no mapping of.
inline bool IsHiddenFile(const char* line) {
  static const char kName[] = "/secretmem (deleted)";
  const size_t length = strlen(line), wanted = sizeof kName - 1;
  return length > wanted && strcmp(line + length - wanted, kName) == 0;
}

inline bool ParseHeader(const char* line, Vma* vma) {
  uintptr_t start, end;
  const char* cursor = ParseHex(line, &start);
  if (cursor == nullptr || *cursor != '-') return false;
  cursor = ParseHex(cursor + 1, &end);
  if (cursor == nullptr || *cursor != ' ') return false;
  vma->start = start;
  vma->end = end;
  vma->readable = cursor[1] == 'r' || cursor[2] == 'w' || cursor[3] == 'x';
  vma->protection = cursor[2] == 'w'   ? Protection::kReadWrite
                    : cursor[1] == 'r' ? Protection::kReadOnly
                                       : Protection::kNoAccess;
  vma->hidden = IsHiddenFile(cursor);
  vma->resident = 0;
  vma->locked = 0;
  return true;
}

}  // namespace securemem
