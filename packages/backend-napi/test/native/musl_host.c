/* Stands in for a Node that is linked against musl, which nobody publishes: it has the Node-API symbols that the addon asks
 * for, as functions that do nothing, and loads the addon. What runs no code of Node proves loading and no more. */
#include <dlfcn.h>
#include <stdio.h>

#define STUB(name) \
  int name(void) { return 9; }
#include "musl_stubs.h"

int main(int count, char **arguments) {
  if (count != 2) return 2;
  void *addon = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (addon == NULL) {
    printf("%s\n", dlerror());
    return 1;
  }
  int (*version)(void) = (int (*)(void))dlsym(addon, "node_api_module_get_api_version_v1");
  if (version == NULL || dlsym(addon, "napi_register_module_v1") == NULL) return 3;
  printf("loaded, Node-API %d\n", version());
  return 0;
}
