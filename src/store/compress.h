// Records as they lie in the database: those that are large are compressed with Zstandard (RFC
// 8878). GitHub's payloads shrink to a sixth, and with them what each commit writes and syncs.
//
// Thread-safety: any.
#ifndef ROUTINES_SRC_STORE_COMPRESS_H_
#define ROUTINES_SRC_STORE_COMPRESS_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace routines::store {

struct Compressed {
  std::string bytes;
  size_t size = 0;  // bytes before; 0: they are as they were
};

// Small records, and those that would not get smaller, stay as they are.
Compressed Compress(std::string record);

// kDataLoss where `bytes` are no such record.
absl::StatusOr<std::string> Decompress(std::string_view bytes, size_t size);

}  // namespace routines::store

#endif  // ROUTINES_SRC_STORE_COMPRESS_H_
