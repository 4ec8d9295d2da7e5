// A signature that is calculated on a thread of the runtime's pool. The job has everything it needs: the message, a place for the
// signature, and the gate of the region, which outlives the region and the environment. It reads the key when its turn comes, in one
// short look, and calculates from numbers of its own.
#pragma once
#include <node_api.h>

#include "gate.h"
#include "keys.h"

namespace securemem {

class SignatureJob;

// The jobs of one environment that have not come back; on its thread only.
class SignatureJobs {
 public:
  void Add(SignatureJob* job);
  void Remove(SignatureJob* job);
  // Null where it has come back, or never was.
  SignatureJob* Find(double ticket) const;
  // The environment ends. In some runtimes a job comes back after that.
  void Abandon();

 private:
  SignatureJob* first_ = nullptr;
};

class SignatureJob {
 public:
  // The promise is of a Uint8Array, or of a status that is not kOk; it is null where there is no memory for the job. `gate` may be
  // null too. Takes place in a region whose range and lengths are checked.
  static napi_value Start(napi_env env, SignatureJobs* jobs, Failure* failure, Gate* gate, size_t offset, size_t length,
                          Signing signing, Bytes digest, double* ticket);
  // False when the key has been read already.
  bool TakeBack() { return gate_->Withdraw(&look_); }

 private:
  friend class SignatureJobs;

  SignatureJob(SignatureJobs* jobs, Failure* failure, Gate* gate, Signing signing)
      : jobs_(jobs), environment_failure_(failure), gate_(gate), signing_(signing) {
    gate_->Retain();
  }
  ~SignatureJob() { gate_->Release(); }

  static void Execute(napi_env env, void* job);
  static void Complete(napi_env env, napi_status status, void* job);
  Status Calculate();
  void Settle(napi_env env);

  // Both null once the environment has ended.
  SignatureJobs* jobs_;
  Failure* environment_failure_;
  SignatureJob* next_ = nullptr;
  SignatureJob* previous_ = nullptr;
  double ticket_ = 0;

  Gate* const gate_;
  Look look_;
  const Signing signing_;
  uint8_t digest_[kDigestByteLengthMax];
  size_t digest_length_ = 0;

  napi_async_work work_ = nullptr;
  napi_deferred deferred_ = nullptr;
  Status status_ = Status::kOk;
  Failure failure_;
  size_t signature_length_ = 0;
  uint8_t signature_[kSignatureByteLengthMax];
};

}  // namespace securemem
