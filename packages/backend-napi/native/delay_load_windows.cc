// The functions of Node-API are looked up in the program itself rather than in a file called node.exe, so that the addon
// also loads in programs of another name, such as electron.exe.
#include <windows.h>

#include <delayimp.h>
#include <string.h>

static FARPROC WINAPI FindHost(unsigned event, PDelayLoadInfo information) {
  if (event != dliNotePreLoadLibrary || _stricmp(information->szDll, "node.exe") != 0) return nullptr;
  return reinterpret_cast<FARPROC>(GetModuleHandleA(nullptr));
}

extern "C" {
PfnDliHook __pfnDliNotifyHook2 = FindHost;
}
