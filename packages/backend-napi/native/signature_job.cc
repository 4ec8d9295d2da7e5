#include "signature_job.h"

#include <string.h>

#include <atomic>
#include <new>

#include "keys_openssl.h"
#include "stack.h"

namespace securemem {
namespace {

constexpr size_t kStackByteLength = 32768;

// Never used twice, whatever the environment.
std::atomic<uint64_t> g_last_ticket{0};

Status ReadKey(void* key, const uint8_t* bytes, size_t length) {
  return static_cast<RsaKey*>(key)->Read(*FindOpenSsl(), {bytes, length});
}

}  // namespace

void SignatureJobs::Add(SignatureJob* job) {
  job->next_ = first_;
  if (first_ != nullptr) first_->previous_ = job;
  first_ = job;
}

void SignatureJobs::Remove(SignatureJob* job) {
  if (job->next_ != nullptr) job->next_->previous_ = job->previous_;
  (job->previous_ != nullptr ? job->previous_->next_ : first_) = job->next_;
}

SignatureJob* SignatureJobs::Find(double ticket) const {
  SignatureJob* job = first_;
  while (job != nullptr && job->ticket_ != ticket) job = job->next_;
  return job;
}

void SignatureJobs::Abandon() {
  for (SignatureJob* job = first_; job != nullptr; job = job->next_) {
    job->jobs_ = nullptr;
    job->environment_failure_ = nullptr;
  }
  first_ = nullptr;
}

napi_value SignatureJob::Start(napi_env env, SignatureJobs* jobs, Failure* failure, Gate* gate, size_t offset,
                               size_t length, Signing signing, Bytes digest, double* ticket) {
  if (gate == nullptr) return nullptr;
  SignatureJob* job = new (std::nothrow) SignatureJob(jobs, failure, gate, signing);
  if (job == nullptr) return nullptr;
  job->look_.offset = offset;
  job->look_.length = length;
  job->digest_length_ = digest.length;
  memcpy(job->digest_, digest.data, digest.length);

  napi_value name, promise;
  if (napi_create_string_utf8(env, "securemem:sign", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_async_work(env, nullptr, name, Execute, Complete, job, &job->work_) != napi_ok) {
    delete job;
    return nullptr;
  }
  // Nobody hears of a promise whose job was not begun: it is garbage.
  if (napi_create_promise(env, &job->deferred_, &promise) != napi_ok) {
    napi_delete_async_work(env, job->work_);
    delete job;
    return nullptr;
  }
  gate->Enlist(&job->look_);
  if (napi_queue_async_work(env, job->work_) != napi_ok) {
    gate->Withdraw(&job->look_);
    napi_delete_async_work(env, job->work_);
    delete job;
    return nullptr;
  }
  job->ticket_ = static_cast<double>(g_last_ticket.fetch_add(1, std::memory_order_relaxed) + 1);
  jobs->Add(job);
  *ticket = job->ticket_;
  return promise;
}

// On a thread of the pool.
void SignatureJob::Execute(napi_env, void* data) {
  SignatureJob* job = static_cast<SignatureJob*>(data);
  job->status_ = job->Calculate();
  WipeStack<kStackByteLength>();
}

SECUREMEM_NOINLINE Status SignatureJob::Calculate() {
  RsaKey key;
  const Status read = gate_->Take(&look_, ReadKey, &key, &failure_);
  if (read != Status::kOk) return read;
  return key.Sign(signing_, {digest_, digest_length_}, {signature_, sizeof signature_}, &signature_length_);
}

void SignatureJob::Complete(napi_env env, napi_status status, void* data) {
  SignatureJob* job = static_cast<SignatureJob*>(data);
  if (status != napi_ok) {
    job->gate_->Withdraw(&job->look_);
    job->status_ = Status::kDisposed;
  }
  if (job->jobs_ != nullptr) job->jobs_->Remove(job);
  job->Settle(env);
  napi_delete_async_work(env, job->work_);
  delete job;
}

// At the end of an environment none of this works any more, and nobody waits for it.
void SignatureJob::Settle(napi_env env) {
  napi_value buffer, answer;
  void* bytes = nullptr;
  if (status_ == Status::kOk && (napi_create_arraybuffer(env, signature_length_, &bytes, &buffer) != napi_ok ||
                                 napi_create_typedarray(env, napi_uint8_array, signature_length_, buffer, 0, &answer) != napi_ok)) {
    status_ = Status::kOutOfMemory;
  }
  if (status_ == Status::kOk) {
    memcpy(bytes, signature_, signature_length_);
  } else {
    if (environment_failure_ != nullptr) *environment_failure_ = failure_;
    if (napi_create_int32(env, static_cast<int>(status_), &answer) != napi_ok) return;
  }
  napi_resolve_deferred(env, deferred_, answer);
}

}  // namespace securemem
