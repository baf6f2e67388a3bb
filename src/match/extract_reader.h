// What stands behind an Extraction: one of several ways to read.
#ifndef ROUTINES_SRC_MATCH_EXTRACT_READER_H_
#define ROUTINES_SRC_MATCH_EXTRACT_READER_H_

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "src/match/extract.h"
#include "src/match/extract_values.h"

namespace routines {

class ExtractionReader {
 public:
  virtual ~ExtractionReader() = default;
  virtual void Open(std::string_view payload) = 0;
  // Fills `values`; texts are in the payload or in memory of this reader.
  virtual absl::Status Read(const ExtractionPlan& plan, TargetMask wanted, ValueTable& values) = 0;
};

std::unique_ptr<ExtractionReader> NewSimdjsonReader();
std::unique_ptr<ExtractionReader> NewScalarReader();
// Null where the machine has not the instructions.
std::unique_ptr<ExtractionReader> NewSse2Reader();
std::unique_ptr<ExtractionReader> NewAvx2Reader();
std::unique_ptr<ExtractionReader> NewAvx512Reader();
std::unique_ptr<ExtractionReader> NewNeonReader();

// The error of every reader.
absl::Status BrokenPayload();

}  // namespace routines

#endif  // ROUTINES_SRC_MATCH_EXTRACT_READER_H_
