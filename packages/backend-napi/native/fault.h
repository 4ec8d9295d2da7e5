// Failure at the n-th system call, in test builds only (-DSECUREMEM_TEST_FAULTS). In a shipped build the macro is the call
// itself and no trace of this file is left.
#pragma once
#ifdef SECUREMEM_TEST_FAULTS
namespace securemem {
// Calls left until the failing one; 0 means no fault is armed. Read and set from the thread of the test only.
extern int g_fault_countdown;
extern int g_fault_error;
// The stack is not wiped, so that a test sees what would be there.
extern bool g_stack_kept;
// The cipher works as on a processor without instructions for it.
extern bool g_portable_cipher;
inline bool FaultNow() { return g_fault_countdown > 0 && --g_fault_countdown == 0; }
}  // namespace securemem
#ifdef _WIN32
#define SECUREMEM_SET_ERROR(error) SetLastError(static_cast<DWORD>(error))
#else
#define SECUREMEM_SET_ERROR(error) (errno = (error))
#endif
#define SECUREMEM_TRY(failed, call) \
  (::securemem::FaultNow() ? (SECUREMEM_SET_ERROR(::securemem::g_fault_error), (failed)) : (call))
#else
#define SECUREMEM_TRY(failed, call) (call)
#endif
