// The portable reader, on simdjson's on-demand interface.
#include <cstring>

#include "simdjson.h"
#include "src/match/extract_reader.h"

namespace routines {
namespace {

namespace od = simdjson::ondemand;

std::string_view WithoutSpaceBehind(std::string_view text) {
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

class SimdjsonReader : public ExtractionReader {
 public:
  void Open(std::string_view payload) override {
    arena_.Reset();
    size_ = payload.size();
    if (padded_.size() < size_ + simdjson::SIMDJSON_PADDING) {
      padded_.resize(size_ + simdjson::SIMDJSON_PADDING);
    }
    if (size_ != 0) std::memcpy(padded_.data(), payload.data(), size_);
    std::memset(padded_.data() + size_, ' ', simdjson::SIMDJSON_PADDING);
    document_error_ = parser_.iterate(padded_.data(), size_, padded_.size()).get(document_);
  }

  absl::Status Read(const ExtractionPlan& plan, TargetMask wanted, ValueTable& values) override {
    // What a broken document did to an earlier Read, it cannot be rewound from.
    if (document_error_ || !document_.is_alive()) return BrokenPayload();
    plan_ = &plan;
    wanted_ = wanted;
    values_ = &values;
    document_.rewind();
    od::value root;
    // Only an object or array can be read as a value; the paths lead nowhere in anything else.
    if (document_.get_value().get(root)) return BrokenPayload();
    return ReadAt(plan.place(ExtractionPlan::kRoot), root) ? BrokenPayload() : absl::OkStatus();
  }

 private:
  using Place = ExtractionPlan::Place;

  bool Wants(uint32_t place) const {
    const Place& there = plan_->place(place);
    return ((there.ends | there.below) & wanted_) != 0;
  }

  simdjson::error_code ReadAt(const Place& place, od::value value) {
    od::json_type type;
    if (auto error = value.type().get(type)) return error;
    if (type == od::json_type::object) return ReadObject(place, value);
    if (type == od::json_type::array) return ReadArray(place, value);
    ExtractedValue scalar;
    if (auto error = ReadScalar(type, value, scalar)) return error;
    values_->Add(place.ends & wanted_, scalar);
    return simdjson::SUCCESS;
  }

  simdjson::error_code ReadObject(const Place& place, od::value value) {
    values_->Add(place.ends & wanted_ & ~plan_->stars(), {.kind = ValueKind::kObject});
    if ((place.below & wanted_) == 0) return simdjson::SUCCESS;
    od::object object;
    if (auto error = value.get_object().get(object)) return error;
    for (auto field : object) {
      std::string_view key;
      if (auto error = field.unescaped_key().get(key)) return error;
      for (const ExtractionPlan::Field& wanted : place.fields) {
        if (wanted.key != key || !Wants(wanted.place)) continue;
        od::value inner;
        if (auto error = field.value().get(inner)) return error;
        if (auto error = ReadAt(plan_->place(wanted.place), inner)) return error;
        break;
      }
    }
    return simdjson::SUCCESS;
  }

  simdjson::error_code ReadArray(const Place& place, od::value value) {
    const TargetMask lists = place.ends & wanted_ & ~plan_->stars();
    const size_t begin = values_->size();
    values_->Add(lists, {.kind = ValueKind::kArray});
    if (lists == 0 && (place.below & wanted_) == 0) return simdjson::SUCCESS;
    od::array array;
    if (auto error = value.get_array().get(array)) return error;
    uint64_t index = 0;
    for (auto element : array) {
      od::value inner;
      if (auto error = element.get(inner)) return error;
      if (auto error = ReadElement(place, index++, lists, inner)) return error;
    }
    values_->SetElementCount(begin, lists, static_cast<uint32_t>(index));
    return simdjson::SUCCESS;
  }

  simdjson::error_code ReadElement(const Place& place, uint64_t index, TargetMask lists,
                                   od::value value) {
    uint32_t next = place.others;
    for (const ExtractionPlan::Element& element : place.elements) {
      if (element.index == index) next = element.place;
    }
    od::json_type type;
    if (auto error = value.type().get(type)) return error;
    if (type == od::json_type::object || type == od::json_type::array) {
      return next != 0 && Wants(next) ? ReadAt(plan_->place(next), value) : simdjson::SUCCESS;
    }
    TargetMask targets = lists;
    if (next != 0) targets |= plan_->place(next).ends & wanted_;
    if (targets == 0) return simdjson::SUCCESS;
    ExtractedValue scalar;
    if (auto error = ReadScalar(type, value, scalar)) return error;
    values_->Add(targets, scalar);
    return simdjson::SUCCESS;
  }

  simdjson::error_code ReadScalar(od::json_type type, od::value value, ExtractedValue& out) {
    std::string_view text;
    if (type == od::json_type::string) {
      if (auto error = value.get_string().get(text)) return error;
      out.kind = ValueKind::kString;
    } else if (type == od::json_type::number) {
      text = WithoutSpaceBehind(value.raw_json_token());
      out.kind = ValueKind::kNumber;
    } else if (type == od::json_type::boolean) {
      bool is_true = false;
      if (auto error = value.get_bool().get(is_true)) return error;
      out.kind = is_true ? ValueKind::kTrue : ValueKind::kFalse;
      return simdjson::SUCCESS;
    } else {
      bool is_null = false;
      if (auto error = value.is_null().get(is_null)) return error;
      out.kind = ValueKind::kNull;
      return is_null ? simdjson::SUCCESS : simdjson::N_ATOM_ERROR;
    }
    text = arena_.Copy(text);  // the parser's own memory is used anew at each Read
    out.data = text.data();
    out.size = static_cast<uint32_t>(text.size());
    return simdjson::SUCCESS;
  }

  od::parser parser_;
  od::document document_;
  simdjson::error_code document_error_ = simdjson::UNINITIALIZED;
  std::vector<char> padded_;
  size_t size_ = 0;
  TextArena arena_;
  // Of the Read in progress:
  const ExtractionPlan* plan_ = nullptr;
  TargetMask wanted_ = 0;
  ValueTable* values_ = nullptr;
};

}  // namespace

std::unique_ptr<ExtractionReader> NewSimdjsonReader() {
  return std::make_unique<SimdjsonReader>();
}

}  // namespace routines
