#include "src/match/extract.h"

#include "src/match/extract_reader.h"
#include "src/match/extract_values.h"

namespace routines {

absl::Status BrokenPayload() {
  return absl::InvalidArgumentError("the payload is not JSON where it was read");
}

namespace {

using Method = Extraction::Method;

// Null where the machine cannot.
std::unique_ptr<ExtractionReader> NewReader(Method method) {
  switch (method) {
    case Method::kScalar:
      return NewScalarReader();
    case Method::kSse2:
      return NewSse2Reader();
    case Method::kAvx2:
      return NewAvx2Reader();
    case Method::kAvx512:
      return NewAvx512Reader();
    case Method::kNeon:
      return NewNeonReader();
    case Method::kFastest:
      for (const Method best : {Method::kAvx512, Method::kAvx2, Method::kNeon, Method::kSse2}) {
        if (auto reader = NewReader(best); reader != nullptr) return reader;
      }
      break;  // simdjson knows more machines
    case Method::kSimdjson:
      break;
  }
  return NewSimdjsonReader();
}

}  // namespace

std::vector<Method> Extraction::Methods() {
  std::vector<Method> methods = {Method::kSimdjson};
  for (const Method method :
       {Method::kScalar, Method::kSse2, Method::kAvx2, Method::kAvx512, Method::kNeon}) {
    if (NewReader(method) != nullptr) methods.push_back(method);
  }
  return methods;
}

class Extraction::Impl {
 public:
  explicit Impl(Method method) : reader_(NewReader(method)) {
    if (reader_ == nullptr) reader_ = NewSimdjsonReader();
  }

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
