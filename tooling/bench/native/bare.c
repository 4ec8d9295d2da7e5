/* What the backends are compared with: the same work in plain C, one crossing from JavaScript, no checks. */
#include <node_api.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void *page;
static size_t page_byte_length;

/* An ArrayBuffer over 32 bytes of the page, created and detached. */
static napi_value create_and_detach(napi_env env, napi_callback_info info) {
  (void)info;
  napi_value buffer;
  if (napi_create_external_arraybuffer(env, page, 32, NULL, NULL, &buffer) != napi_ok ||
      napi_detach_arraybuffer(env, buffer) != napi_ok) {
    napi_throw_error(env, NULL, "no external array buffers here");
  }
  return NULL;
}

/* A locked page closed and opened again. */
static napi_value protect_pair(napi_env env, napi_callback_info info) {
  (void)info;
  if (mprotect(page, page_byte_length, PROT_NONE) != 0 ||
      mprotect(page, page_byte_length, PROT_READ | PROT_WRITE) != 0) {
    napi_throw_error(env, NULL, "mprotect failed");
  }
  return NULL;
}

static void define(napi_env env, napi_value exports, const char *name, napi_callback function) {
  napi_value value;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, function, NULL, &value) != napi_ok ||
      napi_set_named_property(env, exports, name, value) != napi_ok) {
    abort();
  }
}

NAPI_MODULE_INIT() {
  page_byte_length = (size_t)sysconf(_SC_PAGESIZE);
  /* Between two pages of another protection, as a guarded region is: toggling must not merge mappings. */
  char *start = mmap(NULL, 3 * page_byte_length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED) {
    napi_throw_error(env, NULL, "mmap failed");
    return exports;
  }
  page = start + page_byte_length;
  if (mprotect(page, page_byte_length, PROT_READ | PROT_WRITE) != 0 ||
      mlock(page, page_byte_length) != 0) {
    napi_throw_error(env, NULL, "mlock failed");
  }
  define(env, exports, "createAndDetach", create_and_detach);
  define(env, exports, "protectPair", protect_pair);
  return exports;
}
