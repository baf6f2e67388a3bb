#include "src/store/compress.h"

#include <zstd.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace routines::store {
namespace {

constexpr size_t kWorthIt = 512;
// A payload has at most 25 MB; no damaged row makes us ask for more memory than this.
constexpr size_t kMostSize = size_t{64} << 20;
constexpr int kLevel = 1;  // the next ones save a tenth more, for twice the time

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

}  // namespace

Compressed Compress(std::string record) {
  if (record.size() < kWorthIt || record.size() > kMostSize) return {std::move(record)};
  thread_local const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  std::string bytes(ZSTD_compressBound(record.size()), '\0');
  const size_t size = ZSTD_compressCCtx(context.get(), bytes.data(), bytes.size(), record.data(),
                                        record.size(), kLevel);
  if (ZSTD_isError(size) || size >= record.size()) return {std::move(record)};
  bytes.resize(size);
  bytes.shrink_to_fit();
  return {std::move(bytes), record.size()};
}

absl::StatusOr<std::string> Decompress(std::string_view bytes, size_t size) {
  if (size == 0) return std::string(bytes);
  std::string record;
  if (size <= kMostSize) {
    thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
    record.resize(size);
    if (ZSTD_decompressDCtx(context.get(), record.data(), size, bytes.data(), bytes.size()) ==
        size) {
      return record;
    }
  }
  return absl::DataLossError("a stored record cannot be decompressed; restore a backup");
}

}  // namespace routines::store
