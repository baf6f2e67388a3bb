// Reads chosen values out of a JSON payload, several times faster than a parser of the whole.
//
//   absl::StatusOr<ExtractionPlan> plan = ExtractionPlan::Compile({"/action",
//   "/commits/*/added/*"}); Extraction extraction;  // one per thread, kept
//   extraction.Open(payload);
//   RETURN_IF_ERROR(extraction.Read(*plan, TargetBit(0) | TargetBit(1)));
//   for (const ExtractedValue& value : extraction.values(1)) Use(value.text());
//
// The payload must have passed CheckPayload (routines/event.h). What is skipped is not checked; of
// a payload that has not passed, the answer may be anything, but nothing outside it is ever read.
//
// Thread-safety: a plan may be used by many threads; an Extraction by one at a time.
// Ownership: the payload is borrowed from Open to the next Open; it needs no padding.
// Memory: nothing is allocated once an Extraction has grown to what its payloads need.
// Errors: kInvalidArgument: the payload is broken where it was read.
#ifndef ROUTINES_SRC_MATCH_EXTRACT_H_
#define ROUTINES_SRC_MATCH_EXTRACT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace routines {

enum class ValueKind : uint8_t {
  kNull,
  kFalse,
  kTrue,
  kNumber,  // text: the literal
  kString,  // text: unescaped
  kArray,   // size: how many elements it has; those that are scalars follow, in order
  kObject,
};

// 16 bytes.
struct ExtractedValue {
  const char* data = nullptr;
  uint32_t size = 0;
  ValueKind kind = ValueKind::kNull;

  std::string_view text() const { return {data, size}; }
};

// Which targets to read: bit i stands for the i-th path of a plan.
using TargetMask = uint64_t;
inline constexpr TargetMask TargetBit(int target) {
  return TargetMask{1} << target;
}

// What to read: a compiled list of paths. Copyable, immutable.
class ExtractionPlan {
 public:
  static constexpr int kMostTargets = 64;

  ExtractionPlan() = default;  // reads nothing

  // The i-th path is target i: an RFC 6901 pointer, not empty. In the paths of `patterns` the token
  // `*` stands for every element of an array; in others it is a key like any other. Several targets
  // may have the same path. kInvalidArgument: a path that is no pointer, or too many of them.
  static absl::StatusOr<ExtractionPlan> Compile(absl::Span<const std::string_view> paths,
                                                TargetMask patterns = ~TargetMask{0});

  int targets() const { return targets_; }
  TargetMask all() const {
    return targets_ == kMostTargets ? ~TargetMask{0} : TargetBit(targets_) - 1;
  }
  // Targets whose path has a star.
  TargetMask stars() const { return stars_; }

  // A place that paths lead through or to. Readers walk from place to place beside the payload.
  struct Field {
    std::string key;  // unescaped
    uint32_t place = 0;
  };
  struct Element {
    uint64_t index = 0;
    uint32_t place = 0;
  };
  struct Place {
    TargetMask ends = 0;            // targets whose path ends here
    TargetMask below = 0;           // targets whose path goes on
    std::vector<Field> fields;      // where this is an object
    std::vector<Element> elements;  // where this is an array: by index, ascending
    uint32_t others = 0;            // all other elements lead here; 0: nowhere
    uint64_t key_filter = 0;        // the KeyFilterBit of every field is set
  };
  const Place& place(uint32_t index) const { return places_[index]; }
  static constexpr uint32_t kRoot = 0;

  // Tells most keys that lead nowhere from those that do.
  static int KeyFilterBit(std::string_view key) {
    if (key.empty()) return 0;
    const size_t mixed = key.size() * 5 + static_cast<unsigned char>(key.front()) +
                         static_cast<unsigned char>(key.back()) * size_t{3};
    return static_cast<int>(mixed & 63);
  }

 private:
  friend class PlanBuilder;

  std::vector<Place> places_ = std::vector<Place>(1);
  int targets_ = 0;
  TargetMask stars_ = 0;
};

// The reader, and its reusable memory.
class Extraction {
 public:
  enum class Method {
    kFastest,   // the best of those that this machine has
    kSimdjson,  // everywhere; the second opinion in tests
    kScalar,    // everywhere; the others are the same walk with other instructions
    kSse2,
    kAvx2,
    kAvx512,
    kNeon,
  };
  // All but kFastest that run on this machine.
  static std::vector<Method> Methods();

  // kSimdjson, where the machine has not the instructions of `method`.
  explicit Extraction(Method method = Method::kFastest);
  ~Extraction();
  Extraction(Extraction&&) noexcept;
  Extraction& operator=(Extraction&&) noexcept;

  void Open(std::string_view payload);

  // Reads the targets in `wanted`; others have no values. May be called again and again, with this
  // plan or others.
  absl::Status Read(const ExtractionPlan& plan, TargetMask wanted);

  // The values of one target at the last Read, in the payload's order. Empty: there is nothing at
  // the path. A path without stars has at most one value, or kArray and its scalar elements. One
  // with stars has the scalars at all places that it leads to; nulls are among them, objects and
  // arrays are not. Valid until the next Read; their texts until the next Open.
  absl::Span<const ExtractedValue> values(int target) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_EXTRACT_H_
