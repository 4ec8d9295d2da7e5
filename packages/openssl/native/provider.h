// Our provider in the OpenSSL of the process. It is loaded with the first key, and stays.
#pragma once

namespace securemem {

// True where it is loaded, by this call or an earlier one. Any thread.
bool LoadProvider();

}  // namespace securemem
