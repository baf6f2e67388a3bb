#include "src/match/event_reader.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/charconv.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "simdjson.h"
#include "src/match/json_pointer.h"

namespace routines {
namespace {

namespace od = simdjson::ondemand;
using Tokens = std::vector<std::string>;

// What is at a place of the payload.
struct Found {
  FieldValue value;
  bool exists = false;  // not missing, not null, not an empty array
};

double ToNumber(std::string_view literal) {
  double number = 0;
  absl::from_chars(literal.data(), literal.data() + literal.size(), number);
  return number;
}

// False: there is something else than a scalar.
bool ToScalar(od::value value, ScalarValue& out) {
  od::json_type type;
  if (value.type().get(type)) return false;
  switch (type) {
    case od::json_type::null:
      out = std::monostate();
      return true;
    case od::json_type::boolean: {
      bool flag = false;
      if (value.get_bool().get(flag)) return false;
      out = flag;
      return true;
    }
    case od::json_type::number:
      out = ToNumber(value.raw_json_token());
      return true;
    case od::json_type::string: {
      std::string_view text;
      if (value.get_string().get(text)) return false;
      out = std::string(text);
      return true;
    }
    default:
      return false;
  }
}

Found ToFound(od::value value) {
  od::json_type type;
  if (value.type().get(type)) return {};
  if (type == od::json_type::object) return {.exists = true};
  if (type == od::json_type::array) {
    Found found{.value = std::vector<ScalarValue>()};
    od::array array;
    if (value.get_array().get(array)) return {};
    for (auto element : array) {
      found.exists = true;
      od::value inner;
      if (element.get(inner)) return {};
      ScalarValue scalar;
      if (ToScalar(inner, scalar)) {
        std::get<std::vector<ScalarValue>>(found.value).push_back(std::move(scalar));
      }
    }
    return found;
  }
  ScalarValue scalar;
  ToScalar(value, scalar);
  Found found{.exists = !std::holds_alternative<std::monostate>(scalar)};
  std::visit([&](auto& held) { found.value = std::move(held); }, scalar);
  return found;
}

// What `tokens` lead to from `value` on. A star, where `stars` is set, leads to every element.
void Walk(od::value value, const Tokens& tokens, size_t behind, bool stars,
          std::vector<Found>& out) {
  if (behind == tokens.size()) {
    out.push_back(ToFound(value));
    return;
  }
  const std::string& token = tokens[behind];
  od::json_type type;
  if (value.type().get(type)) return;
  if (type == od::json_type::object && !(stars && token == "*")) {
    od::object object;
    if (value.get_object().get(object)) return;
    for (auto field : object) {
      std::string_view key;
      if (field.unescaped_key().get(key)) return;
      od::value inner;
      if (key != token) continue;
      if (!field.value().get(inner)) Walk(inner, tokens, behind + 1, stars, out);
      return;
    }
  } else if (type == od::json_type::array) {
    const bool every = stars && token == "*";
    const auto wanted = ArrayIndex(token);
    od::array array;
    if ((!every && !wanted.has_value()) || value.get_array().get(array)) return;
    uint64_t index = 0;
    for (auto element : array) {
      od::value inner;
      if (element.get(inner)) return;
      if (every || index == *wanted) Walk(inner, tokens, behind + 1, stars, out);
      if (!every && index == *wanted) return;
      ++index;
    }
  }
}

bool IsAbsent(const FieldValue& value) {
  return std::holds_alternative<std::monostate>(value);
}

// The text that follows `prefix`, or absent.
FieldValue After(std::string_view prefix, const FieldValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr || std::string_view(*text).substr(0, prefix.size()) != prefix) return {};
  return text->substr(prefix.size());
}

bool Differ(const FieldValue& first, const FieldValue& second) {
  const auto* a = std::get_if<std::string>(&first);
  const auto* b = std::get_if<std::string>(&second);
  if (a == nullptr || b == nullptr) return true;
  return !absl::EqualsIgnoreCase(*a, *b);
}

}  // namespace

class EventReader::Impl {
 public:
  explicit Impl(const EventView& event) : event_(event), status_(CheckPayload(event.payload)) {
    if (!status_.ok()) return;
    padded_ = simdjson::padded_string(event.payload);
    if (parser_.iterate(padded_).get(document_)) {
      status_ = absl::InternalError("the payload passed the check and cannot be read");
    }
  }

  // All that a path leads to.
  std::vector<Found> At(std::string_view path, bool stars) {
    std::vector<Found> found;
    const auto tokens = ParseJsonPointer(path);
    if (!status_.ok() || !tokens.has_value() || !document_.is_alive()) return found;
    document_.rewind();
    od::value root;
    if (!document_.get_value().get(root)) Walk(root, *tokens, 0, stars, found);
    return found;
  }

  FieldValue First(absl::Span<const std::string_view> paths) {
    for (const std::string_view path : paths) {
      std::vector<Found> found = At(path, false);
      if (!found.empty() && !IsAbsent(found[0].value)) return std::move(found[0].value);
    }
    return {};
  }

  FieldValue Union(absl::Span<const std::string_view> paths) {
    std::vector<ScalarValue> all;
    for (const std::string_view path : paths) {
      for (Found& found : At(path, true)) {
        if (auto* text = std::get_if<std::string>(&found.value)) {
          all.push_back(std::move(*text));
        }
      }
    }
    return all;
  }

  EventView event_;
  absl::Status status_;
  simdjson::padded_string padded_;
  od::parser parser_;
  od::document document_;
};

EventReader::EventReader(const EventView& event) : impl_(std::make_unique<Impl>(event)) {}
EventReader::~EventReader() = default;

const absl::Status& EventReader::payload_status() const {
  return impl_->status_;
}

FieldValue EventReader::Pointer(std::string_view pointer) {
  std::vector<Found> found = impl_->At(pointer, false);
  return found.empty() ? FieldValue() : std::move(found[0].value);
}

bool EventReader::Exists(std::string_view pointer) {
  const std::vector<Found> found = impl_->At(pointer, false);
  return !found.empty() && found[0].exists;
}

FieldValue EventReader::Derived(const FieldRecipe& recipe) {
  const auto paths = recipe.used_paths();
  switch (recipe.derivation) {
    case Derivation::kFirst:
      return impl_->First(paths);
    case Derivation::kBranch: {
      FieldValue value = impl_->First(paths);
      FieldValue after = After("refs/heads/", value);
      return IsAbsent(after) ? value : after;
    }
    case Derivation::kBranchOnly:
      return After("refs/heads/", impl_->First(paths));
    case Derivation::kTagOnly:
      return After("refs/tags/", impl_->First(paths));
    case Derivation::kUnion:
      return impl_->Union(paths);
    case Derivation::kPresent:
      return !IsAbsent(impl_->First(paths));
    case Derivation::kDiffer:
      return Differ(impl_->First(paths.subspan(0, 1)), impl_->First(paths.subspan(1)));
  }
  return {};
}

absl::StatusOr<FieldValue> EventReader::Field(std::string_view field) {
  const EventView& event = impl_->event_;
  const bool github = event.source == "github";
  if (github && !impl_->status_.ok()) return impl_->status_;
  if (!field.empty() && field[0] == '/') return Pointer(field);
  if (github) {
    const FieldRecipe* const recipe = FindFieldRecipe(event.type, field);
    if (recipe != nullptr) return Derived(*recipe);
    return absl::NotFoundError(absl::StrCat(
        absl::string_view(event.type.data(), event.type.size()), " events have no field \"",
        absl::string_view(field.data(), field.size()), "\"; `routines fields ",
        absl::string_view(event.type.data(), event.type.size()), "` prints those that they have"));
  }
  if (event.attributes == nullptr) return FieldValue();
  const auto attribute = event.attributes->find(std::string(field));
  return attribute == event.attributes->end() ? FieldValue() : FieldValue(attribute->second);
}

EventView ViewOf(const v1::Event& event) {
  return {.source = event.source(),
          .type = event.type(),
          .payload = event.payload(),
          .attributes = &event.attributes()};
}

absl::StatusOr<FieldValue> ReadField(const EventView& event, std::string_view field) {
  return EventReader(event).Field(field);
}

}  // namespace routines
