// With addon_keys.cc the only file that knows both JavaScript and regions: it turns arguments into numbers, calls region_table or
// pages, and answers a Status. Nothing here throws and nothing but numbers, typed arrays and array buffers crosses; JavaScript turns
// a status into an error (src/failure.ts). No address ever becomes a JavaScript value.
//
// node-addon-api carries the module, its instance data and its exports.
#include <napi.h>

#include "addon_keys.h"
#include "call.h"
#include "cipher.h"
#include "environment.h"
#include "fault.h"
#include "variables.h"
#include "wipe.h"

namespace securemem {
namespace {

// open(kind) -> owner, or a negated status
napi_value Open(napi_env env, napi_callback_info info) {
  Call call(env, info);
  uint32_t kind = call.Small(0);
  if (!call.ok) return call.Answer(Status::kBadType, 0);
  uint32_t owner = 0;
  Status status = call.environment->table.Open(static_cast<PageKind>(kind), &owner, call.failure());
  return call.Answer(status, owner);
}

// abilities(owner, Float64Array of 3) -> status
napi_value ReadAbilities(napi_env env, napi_callback_info info) {
  Call call(env, info);
  const Owner* owner = call.environment->table.owner(call.Small(0));
  size_t length;
  double* target = static_cast<double*>(call.Array(1, napi_float64_array, &length));
  if (!call.ok || length < 3) return call.Answer(Status::kBadType);
  if (owner == nullptr) return call.Answer(Status::kClosed);
  target[0] = static_cast<int>(owner->abilities.strongest);
  target[1] = owner->abilities.dump_excluded ? 1 : 0;
  target[2] = static_cast<int>(owner->abilities.fork);
  return call.Answer(Status::kOk);
}

// close(owner) -> status
napi_value Close(napi_env env, napi_callback_info info) {
  Call call(env, info);
  return call.Answer(call.environment->table.Close(call.Small(0)));
}

// map(owner, byteLength) -> region id, or a negated status
napi_value Map(napi_env env, napi_callback_info info) {
  Call call(env, info);
  uint32_t owner = call.Small(0);
  double length = call.Number(1);
  if (!call.ok) return call.Answer(Status::kBadType, 0);
  double page = static_cast<double>(PageByteLength());
  // Up to 2^53 the conversions are exact; how much there is to be had is the system's to say.
  if (!(length >= page && length <= 9007199254740991.0) ||
      static_cast<uint64_t>(length) % static_cast<uint64_t>(page) != 0 ||
      length != static_cast<double>(static_cast<uint64_t>(length))) {
    return call.Answer(Status::kBadRange, 0);
  }
  double id = 0;
  Status status = call.environment->table.Map(owner, static_cast<size_t>(length), &id, call.failure());
  return call.Answer(status, id);
}

// protect(owner, region, level) -> status
napi_value Protect(napi_env env, napi_callback_info info) {
  Call call(env, info);
  uint32_t owner = call.Small(0);
  double id = call.Id(1);
  uint32_t level = call.Small(2);
  if (!call.ok || level > 2) return call.Answer(Status::kBadType);
  Region* region;
  RegionTable& table = call.environment->table;
  Status status = table.Find(owner, id, &region);
  if (status != Status::kOk) return call.Answer(status);
  Protection wanted = static_cast<Protection>(level);
  if (wanted < table.owner(owner)->abilities.strongest) return call.Answer(Status::kNotSupported);
  return call.Answer(table.Protect(region, wanted, call.failure()));
}

// wipe(owner, region, offset, length) -> status
napi_value WipeRange(napi_env env, napi_callback_info info) {
  Call call(env, info);
  uint32_t owner = call.Small(0);
  double id = call.Id(1), offset = call.Number(2), length = call.Number(3);
  if (!call.ok) return call.Answer(Status::kBadType);
  Region* region;
  Status status = call.environment->table.Find(owner, id, offset, length, &region);
  if (status != Status::kOk) return call.Answer(status);
  const size_t start = static_cast<size_t>(offset), size = static_cast<size_t>(length);
  Access access(&call.environment->table, region, start, size, call.failure());
  if (access.status() != Status::kOk) return call.Answer(access.status());
  Wipe(region->mapping.base + start, size);
  return call.Answer(access.Restore());
}

// read(owner, region, offset, target) -> status
napi_value Read(napi_env env, napi_callback_info info) {
  Call call(env, info);
  uint32_t owner = call.Small(0);
  double id = call.Id(1), offset = call.Number(2);
  size_t length;
  uint8_t* target = call.Bytes(3, &length);
  if (!call.ok) return call.Answer(Status::kBadType);
  Region* region;
  Status status = call.environment->table.Find(owner, id, offset, static_cast<double>(length), &region);
  if (status != Status::kOk || length == 0) return call.Answer(status);
  Access access(&call.environment->table, region, call.failure());
  if (access.status() != Status::kOk) return call.Answer(access.status());
  memmove(target, region->mapping.base + static_cast<size_t>(offset), length);
  return call.Answer(access.Restore());
}

// write(owner, region, offset, source) -> status
napi_value Write(napi_env env, napi_callback_info info) {
  Call call(env, info);
  uint32_t owner = call.Small(0);
  double id = call.Id(1), offset = call.Number(2);
  size_t length;
  const uint8_t* source = call.Bytes(3, &length);
  if (!call.ok) return call.Answer(Status::kBadType);
  Region* region;
  Status status = call.environment->table.Find(owner, id, offset, static_cast<double>(length), &region);
  if (status != Status::kOk || length == 0) return call.Answer(status);
  const size_t start = static_cast<size_t>(offset);
  Access access(&call.environment->table, region, start, length, call.failure());
  if (access.status() != Status::kOk) return call.Answer(access.status());
  memmove(region->mapping.base + start, source, length);
  return call.Answer(access.Restore());
}

// False once the environment is being torn down: then the engine refuses whatever might run JavaScript before it looks at
// the arguments. It makes no handle, since some runtimes call finalizers where none may be made.
bool IsAlive(napi_env env) {
  napi_value ignored;
  return napi_run_script(env, nullptr, &ignored) == napi_invalid_arg;
}

// Runs when the last buffer over the memory is garbage. It also runs when an environment ends, before any hook of ours and
// although an alias may live on in another thread; that is why an escaped view is looked at twice.
void BufferCollected(napi_env env, void*, void* hint) {
  View* view = static_cast<View*>(hint);
  if (view->escaped && !IsAlive(env)) {
    view->Abandoned();
  } else {
    view->Collected();
  }
}

// openView(); owner, region, offset and length in `numbers` -> ArrayBuffer, or a status; number and serial of the view are in
// lastView.
// A length of 0 only checks the range and answers kOk: an empty buffer cannot be told from a revoked one.
napi_value OpenView(napi_env env, napi_callback_info info) {
  Call call(env, info, Call::kNoArguments);
  const double* numbers = call.environment->numbers;
  double id = numbers[1], offset = numbers[2], length = numbers[3];
  Region* region;
  RegionTable& table = call.environment->table;
  Status status = table.Find(static_cast<uint32_t>(numbers[0]), id, offset, length, &region);
  if (status != Status::kOk || length == 0) return call.Answer(status);
  View* view;
  uint32_t number = table.AddView(region, &view);
  if (number == RegionTable::kNoView) return call.Answer(Status::kOutOfMemory);
  napi_value buffer;
  napi_status made = napi_create_external_arraybuffer(env, region->mapping.base + static_cast<size_t>(offset),
                                                      static_cast<size_t>(length), BufferCollected, view, &buffer);
  if (made != napi_ok) {
    view->Collected();
    table.DropView(number);
    return call.Answer(Status::kNoExternalBuffers);
  }
  call.environment->last_view[0] = number;
  call.environment->last_view[1] = view->serial;
  return buffer;
}

// revokedView(number, serial): for numbers beyond those that can be noted in memory
napi_value RevokedView(napi_env env, napi_callback_info info) {
  Call call(env, info);
  View* view = call.environment->table.view(call.Small(0), call.Small(1));
  if (view != nullptr) view->revoked = true;
  return nullptr;
}

// escapedView(number, serial): somebody may still show the region; the number is kept until aliasAlive answers 0
napi_value EscapedView(napi_env env, napi_callback_info info) {
  Call call(env, info);
  View* view = call.environment->table.view(call.Small(0), call.Small(1));
  if (view != nullptr) view->escaped = true;
  return nullptr;
}

// aliasAlive(number, serial) -> 1 or 0
napi_value AliasAlive(napi_env env, napi_callback_info info) {
  Call call(env, info);
  uint32_t number = call.Small(0);
  View* view = call.environment->table.view(number, call.Small(1));
  bool alive = view != nullptr && !view->collected();
  if (view != nullptr && !alive) call.environment->table.DropView(number);
  return call.Answer(static_cast<Status>(alive ? 1 : 0));
}

// closeView(arrayBuffer); number and serial of its view in `numbers` -> nothing, or 1 escaped, 2 stuck: takes the buffer back
// and notes what became of the view, in one crossing. For runtimes without ArrayBuffer.prototype.transfer only: on newer ones
// detaching aborts the process when somebody has marked the buffer untransferable.
napi_value CloseView(napi_env env, napi_callback_info info) {
  Call call(env, info, Call::kOneArgument);
  const double* numbers = call.environment->numbers;
  View* view = call.environment->table.view(static_cast<uint32_t>(numbers[0]), static_cast<uint32_t>(numbers[1]));
  bool escaped = false;
  napi_is_detached_arraybuffer(env, call.Value(0), &escaped);
  if (!escaped && napi_detach_arraybuffer(env, call.Value(0)) == napi_ok) {
    if (view != nullptr) view->revoked = true;
    return nullptr;
  }
  if (view != nullptr) view->escaped = true;
  return call.Answer(static_cast<Status>(escaped ? 1 : 2));
}

// The same region may be asked for twice, and nobody holds a gate twice.
void InspectAtRest(const Mapping* const* mappings, Gate* const* gates, Facts* facts, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (gates[i] == nullptr || gates[i]->paused) continue;
    gates[i]->Pause();
    gates[i]->paused = true;
  }
  InspectPages(mappings, facts, count);
  for (size_t i = 0; i < count; i++) {
    if (gates[i] == nullptr || !gates[i]->paused) continue;
    gates[i]->paused = false;
    gates[i]->Resume();
  }
}

// inspect(owner, Float64Array of ids, Float64Array of 7 numbers per id) -> status
napi_value Inspect(napi_env env, napi_callback_info info) {
  Call call(env, info);
  uint32_t owner = call.Small(0);
  size_t count, room;
  const double* ids = static_cast<double*>(call.Array(1, napi_float64_array, &count));
  double* answers = static_cast<double*>(call.Array(2, napi_float64_array, &room));
  if (!call.ok || room < count * 7) return call.Answer(Status::kBadType);
  if (call.environment->table.owner(owner) == nullptr) return call.Answer(Status::kClosed);
  if (count == 0) return call.Answer(Status::kOk);
  const Mapping** mappings = static_cast<const Mapping**>(calloc(count, sizeof(Mapping*)));
  Gate** gates = static_cast<Gate**>(calloc(count, sizeof(Gate*)));
  Facts* facts = static_cast<Facts*>(calloc(count, sizeof(Facts)));
  const bool room_for_notes = mappings != nullptr && gates != nullptr && facts != nullptr;
  Status status = room_for_notes ? Status::kOk : Status::kOutOfMemory;
  for (size_t i = 0; i < count && status == Status::kOk; i++) {
    Region* region;
    status = call.environment->table.Find(owner, ids[i], &region);
    if (status != Status::kOk) continue;
    mappings[i] = &region->mapping;
    gates[i] = region->gate;
  }
  // A page that another thread opens to read a key is not open.
  if (status == Status::kOk) InspectAtRest(mappings, gates, facts, count);
  for (size_t i = 0; i < count && status == Status::kOk; i++) {
    double* answer = answers + i * 7;
    answer[0] = facts[i].known ? 1 : 0;
    answer[1] = facts[i].locked;
    answer[2] = static_cast<int>(facts[i].protection);
    answer[3] = facts[i].guarded ? 1 : 0;
    answer[4] = facts[i].dump_excluded ? 1 : 0;
    answer[5] = static_cast<int>(facts[i].fork);
    answer[6] = facts[i].counted ? 1 : 0;
  }
  free(mappings);
  free(gates);
  free(facts);
  return call.Answer(status);
}

// kernelCannotRead(owner, region) -> 1 or 0
napi_value IsHidden(napi_env env, napi_callback_info info) {
  Call call(env, info);
  uint32_t owner = call.Small(0);
  double id = call.Id(1);
  Region* region;
  const bool found = call.ok && call.environment->table.Find(owner, id, &region) == Status::kOk;
  return call.Answer(found && KernelCannotRead(region->mapping) ? 1.0 : 0.0);
}

// unmap(owner, region) -> status
napi_value Unmap(napi_env env, napi_callback_info info) {
  Call call(env, info);
  uint32_t owner = call.Small(0);
  double id = call.Id(1);
  if (!call.ok) return call.Answer(Status::kBadType);
  Region* region;
  Status status = call.environment->table.Find(owner, id, &region);
  if (status == Status::kOk) status = call.environment->table.Unmap(region, call.failure());
  return call.Answer(status);
}

// What seal and unseal are given, checked.
struct CryptCall : Call {
  CryptCall(napi_env env, napi_callback_info info) : Call(env, info) {
    RegionTable& table = environment->table;
    uint32_t owner = Small(0);
    double key_id = Id(1), key_offset = Number(2);
    size_t nonce_length, sealed_length;
    nonce = Bytes(3, &nonce_length);
    associated = Bytes(4, &associated_length);
    double id = Id(5), offset = Number(6), length = Number(7);
    sealed = Bytes(8, &sealed_length);
    if (!ok) return;
    status = table.Find(owner, key_id, key_offset, static_cast<double>(kKeyByteLength), &key_region);
    if (status == Status::kOk) status = table.Find(owner, id, offset, length, &region);
    if (status != Status::kOk) return;
    key_start = static_cast<size_t>(key_offset);
    start = static_cast<size_t>(offset);
    size = static_cast<size_t>(length);
    if (nonce_length != kNonceByteLength || sealed_length != size + kTagByteLength) status = Status::kBadRange;
  }

  const uint8_t* key() const { return key_region->mapping.base + key_start; }
  uint8_t* plaintext() const { return region->mapping.base + start; }

  Status status = Status::kBadType;
  Region *key_region = nullptr, *region = nullptr;
  size_t key_start = 0, start = 0, size = 0, associated_length = 0;
  const uint8_t *nonce = nullptr, *associated = nullptr;
  uint8_t* sealed = nullptr;
};

// seal(owner, keyRegion, keyOffset, nonce, associatedData, region, offset, length, target) -> status
napi_value SealRange(napi_env env, napi_callback_info info) {
  CryptCall call(env, info);
  if (call.status != Status::kOk) return call.Answer(call.status);
  RegionTable* table = &call.environment->table;
  Access key_access(table, call.key_region, call.failure());
  if (key_access.status() != Status::kOk) return call.Answer(key_access.status());
  Access access(table, call.region, call.failure());
  if (access.status() != Status::kOk) return call.Answer(access.status());
  Seal(call.key(), call.nonce, call.associated, call.associated_length, call.plaintext(), call.size, call.sealed);
  const Status status = access.Restore(), key_status = key_access.Restore();
  return call.Answer(status == Status::kOk ? key_status : status);
}

// unseal(owner, keyRegion, keyOffset, nonce, associatedData, region, offset, length, source) -> status
napi_value UnsealRange(napi_env env, napi_callback_info info) {
  CryptCall call(env, info);
  if (call.status != Status::kOk) return call.Answer(call.status);
  RegionTable* table = &call.environment->table;
  Access key_access(table, call.key_region, call.failure());
  if (key_access.status() != Status::kOk) return call.Answer(key_access.status());
  Access access(table, call.region, call.start, call.size, call.failure());
  if (access.status() != Status::kOk) return call.Answer(access.status());
  const bool authentic = Unseal(call.key(), call.nonce, call.associated, call.associated_length, call.sealed, call.size,
                                call.plaintext());
  Status status = access.Restore();
  const Status key_status = key_access.Restore();
  if (status == Status::kOk) status = key_status;
  return call.Answer(status == Status::kOk && !authentic ? Status::kUnsealFailed : status);
}

// The name of a variable, or null: JavaScript has checked what is in it.
const uint8_t* VariableName(Call* call, size_t index, size_t* length) {
  const uint8_t* name = call->Bytes(index, length);
  if (*length == 0 || *length > kVariableNameMax) call->ok = false;
  return call->ok ? name : nullptr;
}

// variableByteLength(name) -> bytes of its value, or -1
napi_value ReadVariableLength(napi_env env, napi_callback_info info) {
  Call call(env, info);
  size_t length;
  const uint8_t* name = VariableName(&call, 0, &length);
  return call.Answer(name == nullptr ? -1 : VariableByteLength(name, length));
}

// takeVariable(owner, region, offset, length, name, Float64Array of 2: places, whether the first block was searched) -> status
napi_value MoveVariable(napi_env env, napi_callback_info info) {
  Call call(env, info);
  uint32_t owner = call.Small(0);
  double id = call.Id(1), offset = call.Number(2), length = call.Number(3);
  size_t name_length, room;
  const uint8_t* name = VariableName(&call, 4, &name_length);
  double* target = static_cast<double*>(call.Array(5, napi_float64_array, &room));
  if (!call.ok || room < 2) return call.Answer(Status::kBadType);
  Region* region;
  Status status = call.environment->table.Find(owner, id, offset, length, &region);
  if (status != Status::kOk) return call.Answer(status);
  const size_t start = static_cast<size_t>(offset), size = static_cast<size_t>(length);
  Access access(&call.environment->table, region, start, size, call.failure());
  if (access.status() != Status::kOk) return call.Answer(access.status());
  Taken taken;
  status = TakeVariable(name, name_length, region->mapping.base + start, size, &taken);
  target[0] = taken.places;
  target[1] = taken.start_block_searched ? 1 : 0;
  const Status restored = access.Restore();
  return call.Answer(status == Status::kOk ? restored : status);
}

// lockNumbers(Float64Array of 4): soft, hard, limit of the system, whether exempt
napi_value GetLockNumbers(napi_env env, napi_callback_info info) {
  Call call(env, info);
  size_t length;
  double* target = static_cast<double*>(call.Array(0, napi_float64_array, &length));
  if (!call.ok || length < 4) return call.Answer(Status::kBadType);
  LockNumbers numbers;
  ReadLockNumbers(&numbers);
  target[0] = numbers.soft;
  target[1] = numbers.hard;
  target[2] = numbers.system;
  target[3] = numbers.exempt ? 1 : 0;
  return call.Answer(Status::kOk);
}

// setLockLimit(soft, most) -> status
napi_value PutLockLimit(napi_env env, napi_callback_info info) {
  Call call(env, info);
  double soft = call.Number(0), most = call.Number(1);
  if (!call.ok || !(soft >= 0 && most >= 0)) return call.Answer(Status::kBadType);
  return call.Answer(SetLockLimit(soft, most, call.failure()));
}

// mappings(Float64Array of 2): how many there are, and at most
napi_value GetMappings(napi_env env, napi_callback_info info) {
  Call call(env, info);
  size_t length;
  double* target = static_cast<double*>(call.Array(0, napi_float64_array, &length));
  if (!call.ok || length < 2) return call.Answer(Status::kBadType);
  target[0] = CountMappings();
  target[1] = MappingsMax();
  return call.Answer(Status::kOk);
}

napi_value ReadLocked(napi_env env, napi_callback_info info) {
  Call call(env, info);
  return call.Answer(LockedByteLength());
}

// limit(which, BigUint64Array of 2) and setLimit(which, BigUint64Array of 2) -> status; soft and hard, all bits set for none
napi_value LimitWords(napi_env env, napi_callback_info info, bool set) {
  Call call(env, info);
  uint32_t which = call.Small(0);
  size_t length;
  uint64_t* words = static_cast<uint64_t*>(call.Array(1, napi_biguint64_array, &length));
  if (!call.ok || which > 2 || length < 2) return call.Answer(Status::kBadType);
  const Limit limit = static_cast<Limit>(which);
  Failure* failure = call.failure();
  return call.Answer(set ? SetLimit(limit, words[0], words[1], failure)
                         : GetLimit(limit, &words[0], &words[1], failure));
}

napi_value ReadLimit(napi_env env, napi_callback_info info) { return LimitWords(env, info, false); }
napi_value WriteLimit(napi_env env, napi_callback_info info) { return LimitWords(env, info, true); }

// dumpable() -> 1 or 0, or a negated status; forbidDumps() -> status
napi_value IsDumpable(napi_env env, napi_callback_info info) {
  Call call(env, info);
  bool dumpable = true;
  const Status status = GetDumpable(&dumpable, call.failure());
  return call.Answer(status, dumpable ? 1 : 0);
}

napi_value StopDumps(napi_env env, napi_callback_info info) {
  Call call(env, info);
  return call.Answer(ForbidDumps(call.failure()));
}

// failure(Float64Array of 6) -> the system call of the last failure; its number, what it asked for, and counts
napi_value ReadFailure(napi_env env, napi_callback_info info) {
  Call call(env, info);
  size_t length;
  double* target = static_cast<double*>(call.Array(0, napi_float64_array, &length));
  if (!call.ok || length < 6) return nullptr;
  const Failure& failure = call.environment->failure;
  target[0] = failure.error;
  target[1] = static_cast<int>(failure.asks);
  target[2] = failure.requested;
  target[3] = failure.mappings;
  target[4] = failure.mappings_max;
  target[5] = failure.mappings_reserved;
  napi_value result;
  napi_create_string_utf8(env, failure.syscall, NAPI_AUTO_LENGTH, &result);
  return result;
}

#ifdef SECUREMEM_TEST_FAULTS
napi_value SetFault(napi_env env, napi_callback_info info) {
  Call call(env, info);
  g_fault_countdown = static_cast<int>(call.Small(0));
  g_fault_error = static_cast<int>(call.Small(1));
  return nullptr;
}

napi_value KeepStack(napi_env env, napi_callback_info info) {
  Call call(env, info);
  g_stack_kept = call.Small(0) != 0;
  return nullptr;
}

// portableCipher(whether) -> 1 where the cipher uses the processor's instructions now
napi_value PortableCipher(napi_env env, napi_callback_info info) {
  Call call(env, info);
  g_portable_cipher = call.Small(0) != 0;
  return call.Answer(CipherByProcessor() ? 1.0 : 0.0);
}
#endif

void Add(Napi::Env env, Napi::Object exports, const char* name, napi_callback callback, Environment* environment) {
  napi_value function;
  if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, environment, &function) == napi_ok) {
    exports.Set(name, Napi::Value(env, function));
  }
}

void EndEnvironment(void* environment) { static_cast<Environment*>(environment)->End(); }
void EndInstance(Napi::Env, Environment* environment) { environment->End(); }

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  Environment* environment = new (std::nothrow) Environment(env);
  if (environment == nullptr) return exports;
  env.SetInstanceData<Environment, EndInstance>(environment);
  napi_add_env_cleanup_hook(env, EndEnvironment, environment);

  // Larger than what V8 keeps on its moving heap, so that the memory stays where it is for the life of the environment.
  constexpr size_t kNumbersOffset = 8, kNotesOffset = 64, kNoteCount = 4096;
  napi_value shared, last_view, numbers, notes;
  void* data = nullptr;
  if (napi_create_arraybuffer(env, kNotesOffset + kNoteCount, &data, &shared) != napi_ok) return exports;
  napi_create_typedarray(env, napi_uint32_array, 2, shared, 0, &last_view);
  napi_create_typedarray(env, napi_float64_array, 4, shared, kNumbersOffset, &numbers);
  napi_create_typedarray(env, napi_uint8_array, kNoteCount, shared, kNotesOffset, &notes);
  napi_create_reference(env, shared, 1, &environment->shared_reference);
  environment->last_view = static_cast<uint32_t*>(data);
  environment->numbers = reinterpret_cast<double*>(static_cast<uint8_t*>(data) + kNumbersOffset);
  environment->table.NoteRevokedIn(static_cast<uint8_t*>(data) + kNotesOffset, kNoteCount);
  exports.Set("lastView", Napi::Value(env, last_view));
  exports.Set("numbers", Napi::Value(env, numbers));
  exports.Set("revokedNotes", Napi::Value(env, notes));
  exports.Set("pageByteLength", Napi::Number::New(env, static_cast<double>(PageByteLength())));

  static const struct {
    const char* name;
    napi_callback callback;
  } kFunctions[] = {
      {"open", Open},           {"abilities", ReadAbilities},  {"close", Close},
      {"map", Map},             {"protect", Protect},          {"wipe", WipeRange},
      {"read", Read},           {"write", Write},              {"openView", OpenView},
      {"revokedView", RevokedView}, {"escapedView", EscapedView}, {"aliasAlive", AliasAlive},    {"closeView", CloseView},
      {"inspect", Inspect},     {"unmap", Unmap},              {"seal", SealRange},
      {"variableByteLength", ReadVariableLength}, {"takeVariable", MoveVariable},
      {"unseal", UnsealRange},  {"lockNumbers", GetLockNumbers}, {"setLockLimit", PutLockLimit},
      {"mappings", GetMappings}, {"kernelCannotRead", IsHidden}, {"limit", ReadLimit},         {"setLimit", WriteLimit},
      {"dumpable", IsDumpable}, {"forbidDumps", StopDumps},
      {"lockedByteLength", ReadLocked}, {"failure", ReadFailure},
      {"keyTypes", ReadKeyTypes}, {"sign", SignByRange},      {"publicKey", PublicKeyOfRange},
      {"agree", AgreeInRange},  {"signLater", SignLater},      {"revokeSignature", RevokeSignature},
      {"openWindow", OpenWindow},
#ifdef SECUREMEM_TEST_FAULTS
      {"setFault", SetFault}, {"keepStack", KeepStack}, {"portableCipher", PortableCipher},
#endif
  };
  for (const auto& function : kFunctions) Add(env, exports, function.name, function.callback, environment);
  return exports;
}

}  // namespace
}  // namespace securemem

#ifdef SECUREMEM_TEST_FAULTS
int securemem::g_fault_countdown = 0;
int securemem::g_fault_error = 0;
bool securemem::g_stack_kept = false;
bool securemem::g_portable_cipher = false;
#endif

static Napi::Object InitSecuremem(Napi::Env env, Napi::Object exports) { return securemem::Init(env, exports); }

NODE_API_MODULE(securemem, InitSecuremem)
