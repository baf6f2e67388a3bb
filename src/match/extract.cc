#include "src/match/extract.h"

#include "src/match/extract_reader.h"
#include "src/match/extract_values.h"

namespace routines {

absl::Status BrokenPayload() {
  return absl::InvalidArgumentError("the payload is not JSON where it was read");
}

class Extraction::Impl {
 public:
  explicit Impl(Method) : reader_(NewSimdjsonReader()) {}

  std::unique_ptr<ExtractionReader> reader_;
  ValueTable values_;
};

Extraction::Extraction(Method method) : impl_(std::make_unique<Impl>(method)) {}
Extraction::~Extraction() = default;
Extraction::Extraction(Extraction&&) noexcept = default;
Extraction& Extraction::operator=(Extraction&&) noexcept = default;

void Extraction::Open(std::string_view payload) {
  impl_->reader_->Open(payload);
}

absl::Status Extraction::Read(const ExtractionPlan& plan, TargetMask wanted) {
  impl_->values_.Clear();
  absl::Status status = impl_->reader_->Read(plan, wanted, impl_->values_);
  impl_->values_.Finish();
  return status;
}

absl::Span<const ExtractedValue> Extraction::values(int target) const {
  return impl_->values_.values(target);
}

}  // namespace routines
