#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "variables.h"

#ifdef _WIN32

namespace securemem {

double VariableByteLength(const uint8_t*, size_t) { return -1; }
Status TakeVariable(const uint8_t*, size_t, uint8_t*, size_t, Taken*) { return Status::kNotSupported; }

}  // namespace securemem

#else

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wipe.h"

#ifdef __APPLE__
extern "C" char*** _NSGetEnviron(void);
#else
#include "proc_linux.h"
extern char** environ;
#endif

namespace securemem {
namespace {

// NAME=, by which its entries begin.
struct Prefix {
  Prefix(const uint8_t* name, size_t name_length) : length(name_length + 1) {
    memcpy(text, name, name_length);
    text[name_length] = '=';
  }
  char text[kVariableNameMax + 1];
  const size_t length;
};

char** List() {
#ifdef __APPLE__
  return *_NSGetEnviron();
#else
  return environ;
#endif
}

// Whoever looks at every value of a name; false ends the search.
template <typename Visit>
void ForEachListed(const Prefix& prefix, Visit visit) {
  char** list = List();
  if (list == nullptr) return;
  for (; *list != nullptr; list++) {
    if (strncmp(*list, prefix.text, prefix.length) == 0 && !visit(*list + prefix.length)) return;
  }
}

// The same in the block of texts that the process was started with; false where it is not known where that is.
template <typename Visit>
bool ForEachStarted(const Prefix& prefix, Visit visit) {
#ifdef __APPLE__
  static_cast<void>(prefix);
  static_cast<void>(visit);
  return false;  // The kernel does not tell.
#else
  char *start, *end;
  if (!FindStartBlock(&start, &end)) return false;
  char* from = start;
  for (;;) {
    void* found = memmem(from, static_cast<size_t>(end - from), prefix.text, prefix.length);
    if (found == nullptr) return true;
    char* entry = static_cast<char*>(found);
    from = entry + prefix.length;
    if ((entry == start || entry[-1] == 0) && !visit(from)) return true;
  }
#endif
}

}  // namespace

double VariableByteLength(const uint8_t* name, size_t name_length) {
  const Prefix prefix(name, name_length);
  double length = -1;
  ForEachListed(prefix, [&length](char* value) {
    length = static_cast<double>(strlen(value));
    return false;
  });
  return length;
}

Status TakeVariable(const uint8_t* name, size_t name_length, uint8_t* target, size_t length, Taken* taken) {
  Prefix prefix(name, name_length);
  char* first = nullptr;
  ForEachListed(prefix, [&first](char* value) {
    first = value;
    return false;
  });
  if (first == nullptr || strlen(first) != length) return Status::kBadRange;
  memcpy(target, first, length);
  const auto erase = [taken](char* value) {
    // What was erased already is empty, and counts once.
    const size_t found = strlen(value);
    if (found > 0) taken->places += 1;
    Wipe(value, found);
    return true;
  };
  ForEachListed(prefix, erase);
  taken->start_block_searched = ForEachStarted(prefix, erase);
  prefix.text[name_length] = 0;
  unsetenv(prefix.text);
  return Status::kOk;
}

}  // namespace securemem

#endif
