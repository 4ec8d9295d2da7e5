// What one environment (main thread or worker thread) keeps: its regions and views, and the last failure. No statics:
// when the last environment ends the library is unloaded, and with worker threads there are many at once.
#pragma once
#include <node_api.h>

#include <atomic>

#include "region_table.h"
#include "signature_job.h"

namespace securemem {

class Environment {
 public:
  explicit Environment(napi_env its_env) : env(its_env) {}
  const napi_env env;
  RegionTable table;
  SignatureJobs signatures;
  Failure failure;
  // Number and serial of the view that openView has just made. Memory of a JavaScript buffer, as are the notes of revoked
  // views: reading and writing it needs no call.
  uint32_t* last_view = nullptr;
  // The same for what JavaScript tells the functions of views, which run at each access: reading arguments one by one would
  // be a tenth of what they take.
  const double* numbers = nullptr;
  // Keeps that buffer, whatever becomes of the exports.
  napi_ref shared_reference = nullptr;

  // Both the cleanup hook and the finalizer of the instance data end an environment; which comes first is the runtime's
  // affair, and the second one frees it.
  void End() {
    if (shared_reference != nullptr) napi_delete_reference(env, shared_reference);
    shared_reference = nullptr;
    signatures.Abandon();
    table.Teardown();
    if (ends_.fetch_sub(1) == 1) delete this;
  }

 private:
  ~Environment() = default;
  std::atomic<int> ends_{2};
};

}  // namespace securemem
